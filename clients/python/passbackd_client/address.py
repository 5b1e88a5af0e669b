"""The addresses to which passbackd can send grades. Pure."""

import re
from urllib.parse import urlsplit

from passbackd_client.errors import InvalidEventError

#: Characters of an address.
MAX_URL = 2048
#: What a host may consist of: RFC 3986, 3.2.2, and the colons of IPv6.
_HOST = re.compile(r"[\w.~!$&'()*+,;=:%-]+", re.ASCII)


def check_address(name: str, text: str) -> str:
    """
    An address without white space around it.

    Raises:
        InvalidEventError: passbackd could send nothing there; the message quotes nothing of it.
    """
    url = text.strip()
    if len(url) > MAX_URL:
        raise InvalidEventError(name, f"{name} is longer than {MAX_URL} characters")
    if any(character.isspace() or not character.isprintable() for character in url):
        raise InvalidEventError(name, f"{name} holds white space or control characters")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
        # passbackd writes a host of a national script as DNS has it.
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError as error:
        raise InvalidEventError(name, f"{name} is malformed") from error
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        raise InvalidEventError(name, f"{name} is not a whole http or https address")
    if "@" in parts.netloc:
        raise InvalidEventError(name, f"{name} holds a user name or password")
    return url

"""Addresses to which requests can be written. Pure."""

from urllib.parse import SplitResult, urlsplit

#: Characters of an address, whether a launch, an operator or an LMS names it.
MAX_URL = 2048


def split_address(url: str, problem: str) -> SplitResult:
    """
    Split an address; refuse what would be written in one way and sent, or read by the LMS, in another.

    Args:
        problem: How the message of the error begins.

    Raises:
        ValueError: It cannot be used; the message quotes nothing of it.
    """
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError(f"{problem}: it holds white space or control characters")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError as error:
        raise ValueError(f"{problem}: it is malformed") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{problem}: it is not a whole http or https address")
    if "@" in parts.netloc or not parts.netloc.isascii():
        raise ValueError(f"{problem}: it has a user name, or a host that is not ASCII")
    return parts

"""What is wrong with the settings of a web server before the daemon. Pure."""

import re

from pydantic import SecretStr, ValidationInfo

#: Characters of the secret, at least: no shorter one is safe from guessing.
LEAST_SECRET = 32
#: A header's name (RFC 9110, 5.6.2: a token).
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", re.ASCII)
#: Headers that mean something already, which clients and web servers send of their own.
_TAKEN = re.compile(
    r"accept.*|authorization|cache-control|connection|content-.*|cookie2?|date|expect|forwarded|from|host|if-.*"
    r"|keep-alive|max-forwards|origin|pragma|proxy-.*|range|referer|sec-.*|te|trailer|transfer-encoding|upgrade.*"
    r"|user-agent|via|x-forwarded-(?:for|host|port|proto|server)|x-passbackd-.*|x-real-ip",
    re.ASCII | re.IGNORECASE,
)


def secret_of_proxies(value: object, info: ValidationInfo) -> SecretStr | None:
    """
    ``web.proxy_secret``; None for an empty one.

    Raises:
        ValueError: It is none, or ``web.proxies`` need one; the message quotes nothing of it.
    """
    text = value.get_secret_value() if isinstance(value, SecretStr) else value or ""
    if not isinstance(text, str):
        raise ValueError("should be a text, in quotes")  # noqa: TRY004 - pydantic wants it
    if not text and info.data.get("proxies"):
        raise ValueError(
            "is empty, and an address alone is no identity: make one with openssl rand -hex 32, give it to the web "
            "servers of web.proxies too, or remove those"
        )
    if not text:
        return None
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("holds a blank, or other characters than ASCII's: make one with openssl rand -hex 32")
    if len(text) < LEAST_SECRET:
        raise ValueError(
            f"has {len(text)} characters; {LEAST_SECRET} are the fewest: make one with openssl rand -hex 32"
        )
    return SecretStr(text)


def header_of_users(value: object, info: ValidationInfo) -> str:
    """
    ``web.user_header``; empty: none.

    Raises:
        ValueError: No header can be called so, or no web server is named that may send it.
    """
    if not isinstance(value, str):
        raise ValueError('should be the name of a header, as in "X-User"')  # noqa: TRY004 - pydantic wants it
    if value and not _TOKEN.fullmatch(value):
        raise ValueError(f'is {value[:40]!r}, which is no name of a header: write one such as "X-User"')
    if _TAKEN.fullmatch(value):
        raise ValueError(f'is {value!r}, which has a meaning of its own: take another name, such as "X-User"')
    # Where one of the others is wrong, that is what is said.
    needs_others = {"proxies", "proxy_secret"} <= info.data.keys()
    if value and needs_others and not (info.data["proxies"] and info.data["proxy_secret"]):
        raise ValueError(
            "would be taken from no one: set web.proxies and web.proxy_secret, by which passbackd knows the web server "
            "that sends it"
        )
    return value

"""Addresses of the Assignment and Grade Services, made from a line item's. Pure."""

import re
from functools import lru_cache
from urllib.parse import quote, urljoin, urlsplit

from actors.protocols.address import split_address
from actors.response import Response

_PROBLEM = "the line item's address cannot be used"
#: What ends a path: a query, or a fragment.
_AFTER_PATH = re.compile(r"[?#].*", re.DOTALL)

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_RELATION = re.compile(r";\s*rel\s*=\s*([^;,]*)", re.IGNORECASE)
#: An ampersand in HTML, and quotation marks. Others are not undone: ``&sect=2`` is a part of a query.
_ESCAPED = {"&amp;": "&", "&#38;": "&", "&#038;": "&", "&quot;": '"', "&#34;": '"', "&#034;": '"', "&#039;": "'"}


@lru_cache(maxsize=1024)
def beneath(line_item: str, name: str) -> str:
    """
    The address with */name* at the end of its path, before its query; byte for byte otherwise.

    Raises:
        ValueError: No request can be written to it.

    Spec: LTI AGS 2.0, 3.3.3 and 3.4.3.
    """
    split_address(line_item, _PROBLEM)
    rest = _AFTER_PATH.search(line_item)
    path = line_item[: rest.start()] if rest else line_item
    query = rest[0].partition("#")[0] if rest else ""
    return f"{path.removesuffix('/')}/{name}{query}"


def with_query(url: str, **parameters: str) -> str:
    """The address with these parameters (RFC 3986, 3.4) added to its query; byte for byte otherwise, no fragment."""
    url = url.partition("#")[0]
    added = "&".join(f"{name}={quote(value, safe='', errors='replace')}" for name, value in parameters.items())
    if "?" not in url:
        return f"{url}?{added}"
    return f"{url}{added}" if url.endswith(("?", "&")) else f"{url}&{added}"


def checked(url: str) -> str:
    """
    *url*, byte for byte.

    Raises:
        ValueError: No request can be written to it; the message quotes nothing of it.
    """
    split_address(url, _PROBLEM)
    return url


def same_origin(one: str, other: str) -> bool:
    """Whether both are whole addresses of one scheme, host and port: an access token goes nowhere else."""
    try:
        first, second = (split_address(url, _PROBLEM) for url in (one, other))
    except ValueError:
        return False
    ports = {"http": 80, "https": 443}
    return (first.scheme, first.hostname, first.port or ports[first.scheme]) == (
        second.scheme,
        second.hostname,
        second.port or ports[second.scheme],
    )


def next_page(response: Response, asked: str) -> str | None:
    """
    The next page of a container; None if this is the last one.

    Moodle escapes the address as if for HTML, and writes the relation in typographic quotes.

    Args:
        asked: An address of the same origin, to which a relative one belongs.

    Raises:
        ValueError: The page is somewhere else, where the token must not go.

    Spec: RFC 8288; LTI AGS 2.0, 3.2.3.
    """
    for name, value in response.headers.items():
        if name.lower() == "link":
            found = _next_in(value)
            if found is not None:
                return _within(found, asked)
    return None


def _next_in(header: str) -> str | None:
    for address, parameters in _LINK.findall(_unescaped(header)):
        relation = _RELATION.search(parameters)
        if relation and "next" in re.findall(r"[a-z-]+", relation[1].lower()):
            return str(address).strip()
    return None


def _unescaped(text: str) -> str:
    for escaped, plain in _ESCAPED.items():
        text = text.replace(escaped, plain)
    return text


def _within(address: str, asked: str) -> str:
    try:
        whole = address if urlsplit(address).scheme else urljoin(asked, address)
    except ValueError:
        raise ValueError("its next page has no address that can be used") from None
    if not same_origin(whole, asked):
        raise ValueError("its next page is on another server, which is not asked")
    return whole


def bearer(token: str, **headers: str) -> dict[str, str]:
    """
    Headers of a request with an access token, beside *headers*, by their names.

    Args:
        token: As the token server gave it; none that a header cannot carry is kept.

    Spec: RFC 6750, 2.1.
    """
    return {"Authorization": f"Bearer {token}", **headers}

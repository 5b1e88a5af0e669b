"""Which requests a trusted web server before the daemon passed on, and what it says of their visitors. Pure."""

import hmac
from ipaddress import ip_address

from multidict import CIMultiDictProxy
from pydantic import SecretStr

from daemon.config.sections import WebSection

#: The header by which such a web server is known. An address alone is no identity: every account of a machine has it.
PROXY_HEADER = "X-Passbackd-Proxy"
_ADDRESSES = "X-Forwarded-For"


class ProxyError(ValueError):
    """What the web server says cannot be used; the message says why, for those who set it up."""


def is_from_proxy(peer: str | None, headers: CIMultiDictProxy[str], web: WebSection) -> bool:
    """
    Whether one of ``web.proxies`` passed a request on.

    Args:
        peer: The address at the other end of the connection.
    """
    given = headers.getall(PROXY_HEADER, [])
    return len(given) == 1 and _is_named(peer, web) and _is_secret(given[0], web.proxy_secret)


def _is_named(peer: str | None, web: WebSection) -> bool:
    try:
        address = ip_address(peer or "")
    except ValueError:
        return False
    return any(address in network for network in web.proxies)


def _is_secret(given: str, secret: SecretStr | None) -> bool:
    # aiohttp reads bytes that are no UTF-8 as surrogates.
    return secret is not None and hmac.compare_digest(
        given.encode(errors="surrogateescape"), secret.get_secret_value().encode()
    )


def visitor_address(headers: CIMultiDictProxy[str]) -> str:
    """
    From where a visitor reached the web server: the last entry, since those before it are what the visitor sent.

    Raises:
        ProxyError: It is no address. The web server's own in its place would have all visitors share one limit, and
            leave who did what out of the record, without a trace.
    """
    last = ",".join(headers.getall(_ADDRESSES, [])).rpartition(",")[2].strip()
    try:
        # Behind a % an address of IPv6 may hold any text.
        return str(ip_address(last.replace("%", "/")))
    except ValueError:
        raise ProxyError(
            f"The web server before passbackd has to end the header {_ADDRESSES} with the visitor's address, and with "
            "nothing behind it."
        ) from None


def named_user(names: list[str]) -> str:
    """
    The user whom the web server names. *names*: every ``web.user_header`` of the request.

    Raises:
        ProxyError: It names none, or may have passed on what a visitor sent.
    """
    if len(names) > 1:
        raise ProxyError("The web server before passbackd named several users: it has to replace what a visitor sends.")
    if not names or not names[0]:
        raise ProxyError("The web server before passbackd named no user: log in there first.")
    return names[0]

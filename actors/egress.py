"""Where requests may go: decided on the concrete address, just before the socket is made."""

import errno
import socket
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

IpAddress = IPv4Address | IPv6Address
#: Of a resolved address: family, kind, protocol, canonical name, and the address with its port.
AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]
Network = IPv4Network | IPv6Network

#: By reason, what is refused unless ``egress.allow_networks`` holds it; the first match names the reason. An explicit
#: list: ``ipaddress.is_global`` lets 6to4, NAT64 and some multicast through, and its answers differ between Pythons.
DENIED = {
    "a cloud's metadata service": (
        *("100.100.100.200/32", "168.63.129.16/32", "169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32"),
        *("192.0.0.192/32", "fd00:ec2::23/128", "fd00:ec2::254/128", "fd20:ce::254/128", "fe80::a9fe:a9fe/128"),
    ),
    "unspecified": ("0.0.0.0/8", "::/128"),
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    "shared by carriers": ("100.64.0.0/10",),
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "site-local": ("fec0::/10",),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "for documentation": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
    "for benchmarks": ("198.18.0.0/15",),
    "reserved": (
        *("192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "240.0.0.0/4"),
        *("2001::/23", "2620:4f:8000::/48"),  # Teredo (2001::/32) and ORCHID among them
    ),
    "a 6to4 relay": ("192.88.99.0/24",),
    "6to4": ("2002::/16",),
    "IPv4-mapped": ("::ffff:0:0/96",),
    "NAT64": ("64:ff9b::/96", "64:ff9b:1::/48"),
    # All that is left outside 2000::/3, the only block from which public addresses are given out.
    "not public": ("::/3", "4000::/2", "8000::/1"),
}

#: The reasons whose networks are opened by name only, or by a part of them: a wider network, such as 0.0.0.0/0, holds
#: more than is meant by it. "unspecified" leads to this machine too; the rest hides an IPv4 address.
BY_NAME_ONLY = frozenset(
    {"a cloud's metadata service", "unspecified", "loopback", "link-local", "6to4", "NAT64", "not public"}
)

#: IPv6 addresses that carry an IPv4 address and lead to it, and the bits that follow that: RFC 4291, section 2.5.5.2;
#: RFC 6052, section 2.1; RFC 8215; RFC 3056, section 2.
WRAPPERS = {"::ffff:0:0/96": 0, "64:ff9b::/96": 0, "64:ff9b:1::/48": 0, "2002::/16": 80}

#: Characters of a host that are shown.
MAX_HOST = 255

#: URLs that are remembered as allowed, at most.
MAX_PASSED = 1024


class EgressRefused(PermissionError, ValueError):  # noqa: N818 - reads as what happened
    """
    The configuration does not allow a request to go there.

    It is an OSError too, with an errno, since aiohttp tries a name's addresses side by side and merges what it got.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EACCES, reason)

    def __str__(self) -> str:
        return self.strerror or ""


class Egress:
    """
    What the ``[egress]`` section allows.

    Args:
        allow_networks: Those of campus LMSs that are not public.
        allow_hosts: If any, the only hosts that a URL may name, as :func:`host_name` writes them.
        setting: Where more may be allowed: the keys that begin so. None: for all consumers.
        campuses: By consumer key, what is allowed to a consumer that has rules of its own.
    """

    def __init__(
        self,
        *,
        allow_http: bool = False,
        allow_networks: Sequence[Network] = (),
        allow_hosts: Collection[str] = (),
        setting: str | None = None,
        campuses: Mapping[str, "Egress"] | None = None,
    ) -> None:
        self._allow_http = allow_http
        self._allowed = tuple(allow_networks)
        self._hosts = frozenset(allow_hosts)
        self._setting = setting
        self._campuses = campuses or {}
        self._denied = tuple((ip_network(network), why) for why, networks in DENIED.items() for network in networks)
        self._wrappers = {IPv6Network(network): bits for network, bits in WRAPPERS.items()}
        # Each request asks for its URL, of which there are few, and the answer stays the same.
        self._check_once = lru_cache(MAX_PASSED)(self._check_url)

    @property
    def is_same_for_all(self) -> bool:
        """Whether no consumer has rules of its own."""
        return not self._campuses

    def of(self, consumer_key: str) -> "Egress":
        """What is allowed to this consumer."""
        return self._campuses.get(consumer_key, self)

    def check_url(self, url: str) -> None:
        """
        Check what can be seen without a look-up: scheme, host, user information, an address in place of a name.

        Raises:
            EgressRefused: With words that name the setting to change, where one would help. They never hold the URL.
        """
        self._check_once(url)

    def _check_url(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host = parts.hostname
            parts.port  # noqa: B018 - reading it is what checks it
        except ValueError as error:
            raise EgressRefused("the outcome service URL is malformed") from error
        if parts.scheme == "http" and not self._allow_http:
            raise EgressRefused("plain http is not allowed: use https, or set egress.allow_http = true")
        if parts.scheme not in ("http", "https"):
            raise EgressRefused("the outcome service URL is neither https nor http")
        if not host:
            raise EgressRefused("the outcome service URL names no host")
        if "@" in parts.netloc:
            raise EgressRefused("the outcome service URL holds a user name or password")
        if self._hosts and not self._allows(host):
            raise EgressRefused(
                f"{host[:MAX_HOST]!r} is no host of this campus: if the campus is meant to be there, add it to "
                f"{self._setting}.allow_hosts"
            )
        try:
            address = ip_address(host)
        except ValueError:
            return
        self.check_address(address)

    def _allows(self, host: str) -> bool:
        try:
            return host_name(host) in self._hosts
        except ValueError:
            return False

    def check_address(self, address: IpAddress) -> None:
        """
        Check one concrete address.

        Raises:
            EgressRefused: It is not public, and no allowed network holds it.
        """
        why, leads = self._why_denied(address), ""
        bits = next((bits for network, bits in self._wrappers.items() if address in network), None)
        if why is None and bits is not None:
            # Allowing a translator's network must not open the IPv4 address that it leads to.
            hidden = IPv4Address(int(address) >> bits & 0xFFFF_FFFF)
            why, leads = self._why_denied(hidden), f" leads to {hidden}, which"
        if why is not None:
            raise EgressRefused(f"{address}{leads} is not a public address ({why}): {self._cure(why)}")

    def _cure(self, why: str) -> str:
        itself = " itself, which no wider one opens," if why in BY_NAME_ONLY else ""
        if self._setting is None:
            where = "egress.campuses.KEY.allow_networks for its consumer key, or to egress.allow_networks for all"
        else:
            where = f"{self._setting}.allow_networks"
        return f"if a campus is meant to be there, add its network{itself} to {where}"

    def socket_factory(self, addr_info: AddressInfo) -> socket.socket:
        """Make the socket for one resolved address, for ``aiohttp.TCPConnector``; refuse it otherwise."""
        family, kind, protocol, _, target = addr_info
        if family not in (socket.AF_INET, socket.AF_INET6):
            raise EgressRefused("only IPv4 and IPv6 addresses are allowed")
        self.check_address(ip_address(str(target[0])))
        return socket.socket(family, kind, protocol)

    def _why_denied(self, address: IpAddress) -> str | None:
        network, why = next(((network, why) for network, why in self._denied if address in network), (None, None))
        if network is None or why is None:
            return None
        allowed = [one for one in self._allowed if address in one]
        if why in BY_NAME_ONLY:
            allowed = [one for one in allowed if _is_within(one, network)]
        return None if allowed else why


def host_name(text: str) -> str:
    """
    One way to write a host: in lower case, a national script as it is looked up, an address in its usual form.

    Raises:
        ValueError: It is no host.
    """
    plain = text.removeprefix("[").removesuffix("]").rstrip(".").lower()
    try:
        return str(ip_address(plain))
    except ValueError:
        if plain.isascii():
            return plain
    from yarl import URL  # noqa: PLC0415 - heavy

    return URL.build(scheme="https", host=plain).raw_host or plain


def closed_within(wide: Network, allowed: Collection[Network]) -> list[Network]:
    """What lies within a network that is allowed and stays closed, since none of *allowed* names it; the widest."""
    guarded = [ip_network(network) for why in BY_NAME_ONLY for network in DENIED[why]]
    closed = [one for one in guarded if one != wide and _is_within(one, wide) and one not in allowed]
    widest = [one for one in closed if not any(one != other and _is_within(one, other) for other in closed)]
    return sorted(widest, key=lambda one: (one.version, int(one.network_address)))


def _is_within(network: Network, wide: Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(wide, IPv4Network) and network.subnet_of(wide)
    return isinstance(wide, IPv6Network) and network.subnet_of(wide)

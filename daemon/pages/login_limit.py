"""How often passwords may be tried from one address. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network, ip_address

#: Failures in a row that an address may have, and seconds after which it may have one more.
FAILURES, SECONDS_EACH = 10, 6.0
#: Addresses that are remembered.
MAX_ADDRESSES = 10_000


@dataclass(slots=True)
class LoginLimit:
    """
    A bucket of failures for each address, which empties by itself: nothing locks out a user.

    Args:
        monotonic: Seconds that never step.
    """

    monotonic: Callable[[], float]
    #: When each address's bucket is empty again, the one that failed last at the end.
    _empty_at: dict[str, float] = field(default_factory=dict)

    def seconds_to_wait(self, address: str) -> float:
        """Until a password may be tried from this address; 0: now."""
        left = self._empty_at.get(address, 0.0) - self.monotonic()
        return max(0.0, left - (FAILURES - 1) * SECONDS_EACH)

    def withdraw_failure(self, address: str) -> None:
        """
        Take back that a password was wrong: it was right, or none was compared.

        Those before it stay: by a log-in of its own now and then an account could guess at another's without end.
        """
        if address in self._empty_at:
            self._empty_at[address] -= SECONDS_EACH

    def failed(self, address: str) -> None:
        """Note that a password was wrong."""
        empty_at = max(self._empty_at.pop(address, 0.0), self.monotonic()) + SECONDS_EACH
        self._empty_at[address] = empty_at
        if len(self._empty_at) > MAX_ADDRESSES:
            del self._empty_at[next(iter(self._empty_at))]


def source(remote: str | None) -> str:
    """What counts as one address: of IPv6 a network of 64 bits, which one host may have as a whole."""
    try:
        address = ip_address(remote or "")
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Network((int(address) >> 64 << 64, 64)))

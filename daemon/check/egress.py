"""Settings of egress that open less than they seem to. Pure."""

from collections.abc import Collection

from actors.egress import Network, closed_within
from daemon.check.findings import Finding, warning
from daemon.config.sections import EgressSection

_CURE = "if a campus is there, name that network itself; else name the campuses' networks alone"


def check_egress(egress: EgressSection) -> list[Finding]:
    """A warning for each network that holds addresses of this machine or of clouds' metadata services."""
    lists = {"egress.allow_networks": egress.allow_networks}
    lists |= {f"egress.campuses.{key}.allow_networks": own.allow_networks for key, own in egress.campuses.items()}
    return [
        warning(name, f"{wide} does not open {_names(closed)}, which it holds", _CURE)
        for name, networks in lists.items()
        for wide in networks
        if (closed := closed_within(wide, networks))
    ]


def check_names(egress: EgressSection, keys: Collection[str]) -> list[Finding]:
    """A warning for each of ``egress.campuses`` that is none of *keys*, those of the consumers: it opens nothing."""
    return [
        warning(
            f"egress.campuses.{name}",
            "no consumer has this key, so that it opens nothing",
            "`passbackd consumer list` shows the keys",
        )
        for name in sorted(set(egress.campuses) - set(keys))
    ]


def _names(networks: list[Network]) -> str:
    return ", ".join(str(one[0] if one.num_addresses == 1 else one) for one in networks)

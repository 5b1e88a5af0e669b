"""What the allowed networks do not open, though it lies within them. Pure."""

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


def _names(networks: list[Network]) -> str:
    return ", ".join(str(one[0] if one.num_addresses == 1 else one) for one in networks)

"""The versions of LTI over which grades are passed back."""

from typing import Literal

from actors.protocols.interface import OutcomeProtocol
from actors.protocols.lti11.protocol import Lti11
from actors.protocols.lti13.protocol import Lti13

#: As consumers and platforms speak it.
Version = Literal["lti-1.1", "lti-1.3"]

_PROTOCOLS: dict[Version, OutcomeProtocol] = {"lti-1.1": Lti11(), "lti-1.3": Lti13()}


def protocol_for(version: Version) -> OutcomeProtocol:
    """The protocol of a version of LTI."""
    return _PROTOCOLS[version]

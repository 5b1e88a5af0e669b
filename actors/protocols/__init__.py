"""The versions of LTI over which grades are passed back."""

from actors.protocols.interface import OutcomeProtocol
from actors.protocols.lti11.protocol import Lti11

_LTI11 = Lti11()


def protocol_for(_version: str) -> OutcomeProtocol:
    """The version of LTI that a consumer speaks: `lti-1.1`."""
    return _LTI11

"""The versions of LTI over which grades are passed back."""

from actors.protocols.interface import OutcomeProtocol
from actors.protocols.lti11.protocol import Lti11

_LTI11 = Lti11()


def protocol_for(_consumer_key: str) -> OutcomeProtocol:
    """The version of LTI that a consumer speaks."""
    return _LTI11

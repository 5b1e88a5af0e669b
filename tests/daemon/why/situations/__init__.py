"""Every situation that a grade can be in, as a story; the answer to it is in ``answers/``."""

from tests.daemon.why.situations import not_sent, over_lti13, sent_or_gone
from tests.daemon.why.story import SITUATIONS

__all__ = ["SITUATIONS", "not_sent", "over_lti13", "sent_or_gone"]

"""Every situation that a grade can be in, as a story; the answer to it is in ``answers/``."""

from tests.daemon.why.situations import absent, campus, parked, settled, several, under_way
from tests.daemon.why.situations.begin import SITUATIONS

__all__ = ["SITUATIONS", "absent", "campus", "parked", "settled", "several", "under_way"]

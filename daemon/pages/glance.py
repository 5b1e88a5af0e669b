"""What the first page shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daemon.web.snapshot import Snapshot
from models.queries.pace import Pace
from models.queries.views import CampusView

#: Seconds for which it is shown to all visitors; to read it takes a look at every assignment.
FRESH = 5.0


@dataclass(frozen=True, slots=True)
class Glance:
    """
    Everything at one moment.

    *hour*, *day*: how many attempts ended in each minute, and each half hour. *ids*: of each campus, by consumer and
    origin.
    """

    shot: Snapshot
    troubled: Sequence[CampusView]
    hour: Pace
    day: Pace
    ids: Mapping[tuple[str, str], int]

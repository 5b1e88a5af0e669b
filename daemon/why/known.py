"""What is known about the grades that a user asks about: frozen records, filled by :mod:`daemon.why.gather`."""

from dataclasses import dataclass
from datetime import tzinfo
from typing import Literal

from actors.grade import Grade, NoGrade
from models.changes import Debounce
from models.delivery import DeliveryRecord
from models.queries.grades import AssignmentView, Query, Rejected
from models.stale_event import StaleEvent

#: What the JSON says where there is no assignment.
AbsentState = Literal["unregistered", "quarantined", "retired", "unknown"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What the sentences depend on. *now*: milliseconds since 1970; *zone*: None for that of the machine."""

    now: int
    debounce: Debounce
    zone: tzinfo | None


@dataclass(frozen=True, slots=True)
class Known:
    """Everything about one assignment."""

    row: AssignmentView
    #: The ledger, the newest line first.
    lines: tuple[DeliveryRecord, ...] = ()
    #: Whether the ledger has older lines.
    more_lines: bool = False
    #: The ledger's line of what the campus acknowledged last.
    sent: DeliveryRecord | None = None
    #: What would be sent now.
    grade: Grade | NoGrade | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """What is known where no assignment fits what was asked."""

    asked: Query
    #: Whether anything of the learner is on record.
    learner_known: bool = False
    #: Microseconds since 1970.
    retired_us: int | None = None
    #: Whether there is a structure of the course, and whether it holds the block; None where that was not asked.
    course_known: bool | None = None
    block_known: bool | None = None
    #: The learner's assignments in other places.
    elsewhere: tuple[AssignmentView, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """*absent* is None exactly where there are assignments. The events are those about what was asked for."""

    known: tuple[Known, ...] = ()
    absent: Absent | None = None
    rejected: tuple[Rejected, ...] = ()
    late: tuple[StaleEvent, ...] = ()

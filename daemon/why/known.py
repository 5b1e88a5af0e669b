"""What is known about the grades that a user asks about, and what people call them. Pure."""

from dataclasses import dataclass
from datetime import tzinfo
from typing import Literal
from urllib.parse import urlsplit

from actors.compute_grade import Grade, NoGrade
from actors.protocols.interface import CLEARED
from actors.retry import MAX_ATTEMPTS
from models.consumer import ProtocolName
from models.debounce import Debounce
from models.delivery import DeliveryRecord, is_overruled
from models.queries.grades import Query, Rejected
from models.queries.views import AssignmentView, CampusView
from models.stale_event import StaleEvent

#: What the JSON says where there is no assignment.
AbsentState = Literal["unregistered", "quarantined", "retired", "unknown"]


#: Events of a kind that are shown.
MAX_SHOWN_EVENTS = 50


@dataclass(frozen=True, slots=True)
class Terms:
    """
    What the sentences depend on.

    *now*: milliseconds since 1970; *zone*: None for that of the machine; *max_attempts*: the operator's; *daemon_runs*:
    whether any daemon is at work; *daemon_troubles*: why some of these are not ready.
    """

    now: int
    debounce: Debounce
    zone: tzinfo | None
    max_attempts: int = MAX_ATTEMPTS
    daemon_runs: bool = True
    daemon_troubles: tuple[str, ...] = ()

    @property
    def daemon_fault(self) -> str | None:
        """What keeps passbackd itself from sending, as a sentence; None where nothing is known to."""
        if not self.daemon_runs:
            return "No daemon is running, or none that can write: nothing is read or sent until its operator acts."
        if self.daemon_troubles:
            return f"A daemon is not ready, and passbackd's operator has to act: {'; '.join(self.daemon_troubles)}."
        return None


@dataclass(frozen=True, slots=True)
class Part:
    """A problem at or below a block. *earned*: None where it was not attempted. *modified*: of its score, in ms."""

    usage_id: str
    earned: float | None
    possible: float
    modified: int | None = None
    #: Whether the tool took its score back then.
    cleared: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What a campus shows when it is asked. *held*: as it wrote it, empty for no grade; None: *why* it did not say."""

    held: str | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """Everything about one assignment."""

    row: AssignmentView
    #: Delivery records, the newest first.
    lines: tuple[DeliveryRecord, ...] = ()
    #: Whether there are older ones.
    more_lines: bool = False
    #: The record of what the campus acknowledged last.
    sent: DeliveryRecord | None = None
    #: What would be sent now.
    grade: Grade | NoGrade | None = None
    #: The problems of which it is made.
    parts: tuple[Part, ...] = ()
    #: Whether these are by the learner's own course structure.
    by_own_structure: bool = False
    #: What the campus shows; None: it was not asked.
    shown: Shown | None = None

    @property
    def answered_at(self) -> int | None:
        """When the newest of the learner's scores in it was made, milliseconds since 1970."""
        return max((part.modified or 0 for part in self.parts if part.earned is not None), default=0) or None

    @property
    def has_nothing_to_send(self) -> bool:
        """Whether nothing is attempted, or what was is taken back, and the campus is not known to hold a grade."""
        if self.grade is NoGrade.CLEARED:
            return self.row.sent_score is None and self.row.forced_version <= self.row.sent_version
        return self.grade is NoGrade.NOTHING_ATTEMPTED

    @property
    def overruled(self) -> DeliveryRecord | None:
        """The record of a later grade that the campus kept, if that is the last that is known of what it holds."""
        newest = next((line for line in self.lines if line.result in ("accepted", "overtaken")), None)
        return newest if newest is not None and is_overruled(newest) else None

    @property
    def cleared_at(self) -> int | None:
        """When the campus acknowledged that the grade was taken back, if that is what it acknowledged last."""
        return self.sent.at if self.sent is not None and self.sent.score == CLEARED else None


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
    #: What was asked for, and is another learner's now.
    moved: tuple[StaleEvent, ...] = ()
    #: Whether quarantine holds more about the learner or the course than was searched.
    rejected_more: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """*absent* is None exactly where there are assignments. The events are those about what was asked for."""

    known: tuple[Known, ...] = ()
    #: Whether there are more than were read: those that the campus has acknowledged are left out first.
    more_known: bool = False
    absent: Absent | None = None
    rejected: tuple[Rejected, ...] = ()
    #: Whether quarantine holds more about these learners, or that course, than was searched.
    rejected_more: bool = False
    late: tuple[StaleEvent, ...] = ()
    #: Sourcedids that a newer launch gave to another learner, and that nothing has replaced.
    moved: tuple[StaleEvent, ...] = ()
    #: Of a question about all learners: the launches in quarantine, which are in *rejected* too.
    launches: tuple[Rejected, ...] = ()
    #: Whether a campus's name was asked for that several campuses have, each for another learner.
    namesakes: bool = False


_USUAL_PORTS = {"https": ":443", "http": ":80"}


def title(row: AssignmentView) -> str:
    """Course and activity, by the titles of the launch where it had any."""
    return f"{row.context_title or row.course_id}: {row.resource_link_title or row.usage_id}"


def campus_name(row: CampusView) -> str:
    """``Example University (canvas.example.edu)``: with a port only where it is not the scheme's own."""
    parts = urlsplit(row.origin)
    return f"{row.consumer} ({parts.netloc.removesuffix(_USUAL_PORTS.get(parts.scheme, ''))})"


def noun(row: AssignmentView) -> str:
    """What kind of block it is, to a learner."""
    return "unit" if row.composite else "problem"


def protocol_words(protocol: ProtocolName) -> str:
    """``LTI 1.3``."""
    return f"LTI {protocol.removeprefix('lti-')}"

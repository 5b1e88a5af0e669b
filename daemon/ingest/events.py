"""The event vocabulary: what the stream says, as records. Pure."""

from dataclasses import dataclass, field

from models.course_tree import Tree
from models.moment import Moment, place_of
from models.registration import Registration


class BadEvent(ValueError):  # noqa: N818 - it is the event that is bad
    """An entry that cannot be applied. The message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class ScoreChanged:
    """
    A learner's weighted points on a problem. *modified_us*: microseconds since 1970.

    *cleared*: they are taken back, and say nothing.
    """

    user_id: str
    course_id: str
    usage_id: str
    points_earned: float
    points_possible: float
    modified_us: int
    #: The stream entry; two events with the same content are equal.
    entry_id: str = field(default="", compare=False)
    cleared: bool = False

    @property
    def type(self) -> str:
        return "score.cleared" if self.cleared else "score.changed"

    @property
    def moment(self) -> Moment:
        return Moment(self.modified_us, place_of(self.entry_id))


@dataclass(frozen=True, slots=True)
class CourseStructured:
    """A course's whole tree. *modified_us*: None where the event has none."""

    course_id: str
    version: int
    tree: Tree
    modified_us: int | None
    #: As in :class:`ScoreChanged`.
    entry_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Launched:
    """A verified launch; *registration* is None for an ungraded one, which has no sourcedid."""

    registration: Registration | None


@dataclass(frozen=True, slots=True)
class AssignmentDisabled:
    consumer_key: str
    lis_result_sourcedid: str
    modified_us: int
    #: As in :class:`ScoreChanged`.
    entry_id: str = field(default="", compare=False)

    @property
    def moment(self) -> Moment:
        return Moment(self.modified_us, place_of(self.entry_id))


@dataclass(frozen=True, slots=True)
class UserRetired:
    user_id: str
    modified_us: int
    #: As in :class:`ScoreChanged`.
    entry_id: str = field(default="", compare=False)

    @property
    def moment(self) -> Moment:
        return Moment(self.modified_us, place_of(self.entry_id))


Event = ScoreChanged | CourseStructured | Launched | AssignmentDisabled | UserRetired

#: What an event of any other type is counted as.
UNKNOWN = "unknown"
TYPES = ("score.changed", "score.cleared", "course.structure", "launch", "assignment.disabled", "user.retired")

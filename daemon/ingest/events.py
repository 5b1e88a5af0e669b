"""The event vocabulary: what the stream says, as records. Pure."""

from dataclasses import dataclass, field

from models.course_tree import Tree
from models.launch import Registration
from models.moment import Moment, place_of


class BadEvent(ValueError):  # noqa: N818 - it is the event that is bad
    """
    An event that cannot be applied. The message says what is wrong with it.

    *field*: the name of the field that is wrong; None where it is the whole.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class _Timed:
    """An event that is ordered by its ``modified`` and, where two are equal, by its place on the stream."""

    __slots__ = ()
    modified_us: int
    entry_id: str

    @property
    def moment(self) -> Moment:
        return Moment(self.modified_us, place_of(self.entry_id))


@dataclass(frozen=True, slots=True)
class ScoreChanged(_Timed):
    """A learner's weighted points on a problem. *modified_us*: microseconds since 1970."""

    user_id: str
    course_id: str
    usage_id: str
    points_earned: float
    points_possible: float
    modified_us: int
    #: The stream entry; two events with the same content are equal.
    entry_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ScoreCleared(_Timed):
    """A learner's score on a problem was taken back. *modified_us*: microseconds since 1970."""

    user_id: str
    course_id: str
    usage_id: str
    modified_us: int
    #: As in :class:`ScoreChanged`.
    entry_id: str = field(default="", compare=False)


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
class LearnerStructured(_Timed):
    """
    A learner's own tree, which wins over the course's; None: it is taken away again.

    *modified_us*: microseconds since 1970.
    """

    user_id: str
    course_id: str
    version: int
    tree: Tree | None
    modified_us: int
    #: As in :class:`ScoreChanged`.
    entry_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Launched:
    """A verified launch; *registration* is None for an ungraded one, which has no sourcedid and no line item."""

    registration: Registration | None


@dataclass(frozen=True, slots=True)
class AssignmentDisabled(_Timed):
    """``assignment.disabled`` of an LTI 1.1 consumer. *modified_us*: microseconds since 1970."""

    consumer_key: str
    lis_result_sourcedid: str
    modified_us: int
    #: As in :class:`ScoreChanged`.
    entry_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class LineItemDisabled(_Timed):
    """
    ``assignment.disabled`` of an LTI 1.3 platform; *lti_user_id*: what it calls the learner.

    *lineitem*: None where the launch named none; *lineitems*, the container, and *resource_link_id* say it then.
    *modified_us*: microseconds since 1970.
    """

    issuer: str
    client_id: str
    lineitem: str | None
    lti_user_id: str
    modified_us: int
    lineitems: str | None = None
    resource_link_id: str | None = None
    #: As in :class:`ScoreChanged`.
    entry_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class UserRetired(_Timed):
    user_id: str
    modified_us: int
    #: As in :class:`ScoreChanged`.
    entry_id: str = field(default="", compare=False)


Event = (
    ScoreChanged
    | ScoreCleared
    | CourseStructured
    | LearnerStructured
    | Launched
    | AssignmentDisabled
    | LineItemDisabled
    | UserRetired
)

"""
One record for each event that passbackd takes; ``docs/feed.md`` says what each of them does.

All times are aware datetimes. ``modified`` says when the change was made and orders two changes; where none is handed
in it is the moment at which the record was made, so that it may be sent more than once, and late. Structures and
retirements, which are not ordered by it, have none then.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from passbackd_client.blocks import Block, read_blocks, write_blocks
from passbackd_client.checks import (
    DEPLOYMENT,
    DETAIL,
    ID,
    INTEGER,
    MAYBE_SOURCEDID,
    MOMENT,
    OPTIONAL_ADDRESS,
    OPTIONAL_ID,
    OPTIONAL_MOMENT,
    POINTS,
    POINTS_POSSIBLE,
    REQUIRED_DETAIL,
    SCOPES,
    SOURCEDID,
    of,
)
from passbackd_client.errors import InvalidEventError
from passbackd_client.event import Event, now

_BLOCKS = of(read_blocks, write_blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreChanged(Event):
    """A learner's newest weighted points on a problem, or on whatever the tool grades as a whole."""

    type: ClassVar[str] = "score.changed"

    user_id: str = field(metadata=ID)
    course_id: str = field(metadata=ID)
    usage_id: str = field(metadata=ID)
    points_earned: float = field(metadata=POINTS)
    points_possible: float = field(metadata=POINTS_POSSIBLE)
    modified: datetime = field(default_factory=now, metadata=MOMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCleared(Event):
    """A learner's score on a problem is taken back: it counts as not attempted."""

    type: ClassVar[str] = "score.cleared"

    user_id: str = field(metadata=ID)
    course_id: str = field(metadata=ID)
    usage_id: str = field(metadata=ID)
    modified: datetime = field(default_factory=now, metadata=MOMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseStructure(Event):
    """
    The whole tree of a course, or with *user_id* that learner's own, which no blocks take away again.

    *version*: never goes back; it orders two trees, so that there is no *modified* where none is handed in.
    """

    type: ClassVar[str] = "course.structure"

    course_id: str = field(metadata=ID)
    version: int = field(metadata=INTEGER)
    #: Any iterable may be handed in; kept as a tuple.
    blocks: tuple[Block, ...] = field(metadata=_BLOCKS)
    user_id: str | None = field(default=None, metadata=OPTIONAL_ID)
    modified: datetime | None = field(default=None, metadata=OPTIONAL_MOMENT)

    def _check_together(self) -> None:
        if not self.blocks and self.user_id is None:
            raise InvalidEventError(
                "blocks", "blocks is empty: a course has a root; only a learner's own may have none"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchLti11(Event):
    """
    A launch over LTI 1.1 that the tool has verified.

    *lis_result_sourcedid* and *lis_outcome_service_url*: as the LMS sent them; both are empty where the LMS wants no
    grade, and nothing is stored then. *ext_…*: what Canvas says that it takes beside the score, as it came.
    """

    type: ClassVar[str] = "launch"

    oauth_consumer_key: str = field(metadata=REQUIRED_DETAIL)
    user_id: str = field(metadata=ID)
    course_id: str = field(metadata=ID)
    usage_id: str = field(metadata=ID)
    lis_result_sourcedid: str = field(metadata=MAYBE_SOURCEDID)
    lis_outcome_service_url: str | None = field(metadata=OPTIONAL_ADDRESS)
    resource_link_id: str | None = field(default=None, metadata=DETAIL)
    lti_user_id: str | None = field(default=None, metadata=DETAIL)
    tool_consumer_instance_guid: str | None = field(default=None, metadata=DETAIL)
    context_title: str | None = field(default=None, metadata=DETAIL)
    resource_link_title: str | None = field(default=None, metadata=DETAIL)
    ext_outcome_submission_submitted_at_accepted: str | None = field(default=None, metadata=DETAIL)
    ext_outcome_submission_prioritize_non_tool_grade_accepted: str | None = field(default=None, metadata=DETAIL)
    modified: datetime = field(default_factory=now, metadata=MOMENT)

    def _check_together(self) -> None:
        if self.lis_result_sourcedid and self.lis_outcome_service_url is None:
            raise InvalidEventError("lis_outcome_service_url", "lis_outcome_service_url is absent beside a sourcedid")


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchLti13(Event):
    """
    A launch over LTI 1.3 that the tool has verified.

    *lti_user_id*: the launch's ``sub``. *scopes*, *lineitem*, *lineitems*: of its endpoint claim. Without *lineitem*
    but with *lineitems* the learner's column is found or made; without either the LMS wants no grade.
    *oauth_consumer_key*, *lti1p1_resource_link_id*: only after ``oauth_consumer_key_sign`` was verified; the assignment
    of LTI 1.1 moves then.
    """

    type: ClassVar[str] = "launch"

    issuer: str = field(metadata=REQUIRED_DETAIL)
    client_id: str = field(metadata=REQUIRED_DETAIL)
    lti_user_id: str = field(metadata=REQUIRED_DETAIL)
    user_id: str = field(metadata=ID)
    course_id: str = field(metadata=ID)
    usage_id: str = field(metadata=ID)
    lineitem: str | None = field(default=None, metadata=OPTIONAL_ADDRESS)
    lineitems: str | None = field(default=None, metadata=OPTIONAL_ADDRESS)
    #: Any iterable of texts may be handed in; None where the launch does not say.
    scopes: tuple[str, ...] | None = field(default=None, metadata=SCOPES)
    deployment_id: str | None = field(default=None, metadata=DEPLOYMENT)
    resource_link_id: str | None = field(default=None, metadata=DETAIL)
    context_title: str | None = field(default=None, metadata=DETAIL)
    resource_link_title: str | None = field(default=None, metadata=DETAIL)
    product_family: str | None = field(default=None, metadata=DETAIL)
    oauth_consumer_key: str | None = field(default=None, metadata=DETAIL)
    lti1p1_resource_link_id: str | None = field(default=None, metadata=DETAIL)
    modified: datetime = field(default_factory=now, metadata=MOMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentDisabledLti11(Event):
    """No more grades for this sourcedid, until a newer launch."""

    type: ClassVar[str] = "assignment.disabled"

    oauth_consumer_key: str = field(metadata=REQUIRED_DETAIL)
    lis_result_sourcedid: str = field(metadata=SOURCEDID)
    modified: datetime = field(default_factory=now, metadata=MOMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentDisabledLti13(Event):
    """
    No more grades for this learner in this line item, until a newer launch.

    *lineitems* with *resource_link_id*: where the launch named no *lineitem*.
    """

    type: ClassVar[str] = "assignment.disabled"

    issuer: str = field(metadata=REQUIRED_DETAIL)
    client_id: str = field(metadata=REQUIRED_DETAIL)
    lti_user_id: str = field(metadata=REQUIRED_DETAIL)
    lineitem: str | None = field(default=None, metadata=OPTIONAL_ADDRESS)
    lineitems: str | None = field(default=None, metadata=OPTIONAL_ADDRESS)
    resource_link_id: str | None = field(default=None, metadata=DETAIL)
    modified: datetime = field(default_factory=now, metadata=MOMENT)

    def _check_together(self) -> None:
        if self.lineitem is None and (self.lineitems is None or self.resource_link_id is None):
            raise InvalidEventError("lineitem", "lineitem is absent, and so is lineitems with resource_link_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRetired(Event):
    """
    Everything about the learner is to be deleted.

    Without *modified* its arrival counts, so that it is newer than all that arrived before, whatever clocks said.
    """

    type: ClassVar[str] = "user.retired"

    user_id: str = field(metadata=ID)
    modified: datetime | None = field(default=None, metadata=OPTIONAL_MOMENT)

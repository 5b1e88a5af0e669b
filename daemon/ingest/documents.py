"""
The events as JSON documents: which fields each has. Pure.

``docs/events.schema.json`` is made from this (JSON Schema, draft 2020-12). What it accepts, intake accepts too, but for
what no schema can say: that ``blocks`` is one tree, and how far ahead ``modified`` lies.
"""

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from daemon.ingest.document_types import (
    NO_NUL,
    BlockId,
    BlockPoints,
    CampusId,
    Deployment,
    Detail,
    Empty,
    Flag,
    Id,
    PointsEarned,
    PointsPossible,
    Scopes,
    SourcedId,
    StructureVersion,
    Time,
    Url,
)
from daemon.ingest.launches import EXTENSIONS


class BlockDocument(BaseModel):
    """A block of a course. Exactly one has no parent: the course; only scored problems have points."""

    usage_id: BlockId
    parent: BlockId | None = None
    points_possible: BlockPoints | None = None


class Document(BaseModel):
    """An event. Fields that are null are absent; unknown ones are ignored."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra={
            "propertyNames": {"pattern": NO_NUL},
            "additionalProperties": {"type": ["string", "number", "boolean", "null"], "pattern": NO_NUL},
        },
    )

    modified: Time | None = None
    """When it happened: the order of two changes, whenever they arrive. Without it the arrival counts."""


class OfBlock(Document):
    """An event about one learner and one block."""

    user_id: Id
    course_id: Id
    usage_id: Id


class ScoreChangedEvent(OfBlock):
    """A learner's newest points on a problem. The order of two changes is that of `modified`."""

    type: Literal["score.changed"]
    points_earned: PointsEarned
    points_possible: PointsPossible


class ScoreClearedEvent(OfBlock):
    """The learner's score on a problem was taken back: it counts as not attempted, until a newer score."""

    type: Literal["score.cleared"]


class CourseStructureEvent(Document):
    """The whole tree of a course, in place of the one before. On the stream `blocks` is the text of the array."""

    type: Literal["course.structure"]
    course_id: Id
    version: StructureVersion
    """Never goes back; the same version has the same blocks."""
    blocks: Annotated[list[BlockDocument], Field(min_length=1)]
    user_id: None = None


class LearnerStructureEvent(Document):
    """A learner's own tree, which wins over the course's for this learner; without blocks it is taken away again."""

    type: Literal["course.structure"]
    course_id: Id
    user_id: Id
    version: StructureVersion
    """Counted by itself. Never goes back; the same version has the same blocks."""
    blocks: list[BlockDocument]


class ConsumerEvent(Document):
    """An event of LTI 1.1: what would make it one of LTI 1.3 is absent."""

    issuer: Empty | None = None
    client_id: Empty | None = None
    lineitem: Empty | None = None
    lineitems: Empty | None = None


class LaunchEvent(OfBlock, ConsumerEvent):
    """A verified launch over LTI 1.1 of something graded. It registers the assignment."""

    type: Literal["launch"]
    oauth_consumer_key: CampusId
    lis_result_sourcedid: SourcedId
    lis_outcome_service_url: Url
    resource_link_id: Detail | None = None
    """With it, a newer sourcedid or address for the same consumer, learner, block and link replaces the old one."""
    lti_user_id: Detail | None = None
    tool_consumer_instance_guid: Detail | None = None
    context_title: Detail | None = None
    resource_link_title: Detail | None = None
    ext_outcome_submission_submitted_at_accepted: Flag | None = None
    ext_outcome_submission_prioritize_non_tool_grade_accepted: Flag | None = None


class UngradedLaunchEvent(ConsumerEvent):
    """A launch over LTI 1.1 of which the LMS wants no grade. Nothing is stored."""

    type: Literal["launch"]
    lis_result_sourcedid: Empty


class PlatformEvent(Document):
    """An event of LTI 1.3: what would make it one of LTI 1.1 is absent."""

    issuer: CampusId
    client_id: CampusId
    lis_result_sourcedid: Empty | None = None
    lis_outcome_service_url: Empty | None = None


class PlatformLaunchFields(OfBlock, PlatformEvent):
    """What graded launches over LTI 1.3 have in common."""

    type: Literal["launch"]
    lti_user_id: CampusId
    """The launch's `sub`."""
    deployment_id: Deployment | None = None
    scopes: Scopes | None = None
    resource_link_id: Detail | None = None
    context_title: Detail | None = None
    resource_link_title: Detail | None = None
    product_family: Detail | None = None
    """The launch's `product_family_code`."""
    oauth_consumer_key: Detail | None = None
    """Only if `oauth_consumer_key_sign` was verified: the assignment of that LTI 1.1 consumer moves here."""
    lti1p1_resource_link_id: Detail | None = None
    """The link over LTI 1.1, where it was another one."""


class PlatformLaunchEvent(PlatformLaunchFields):
    """A verified launch over LTI 1.3 with a line item. It registers the assignment."""

    lineitem: Url
    lineitems: Url | Empty | None = None


class LineItemsLaunchEvent(PlatformLaunchFields):
    """A verified launch over LTI 1.3 without a line item: with the scope for it, the column is found or made."""

    lineitems: Url
    lineitem: Empty | None = None


class UngradedPlatformLaunchEvent(PlatformEvent):
    """A launch over LTI 1.3 of which the platform wants no grade. Nothing is stored."""

    type: Literal["launch"]
    scopes: Scopes | None = None
    lineitem: Empty | None = None
    lineitems: Empty | None = None


class AssignmentDisabledEvent(ConsumerEvent):
    """No more grades for this sourcedid, until a newer launch."""

    type: Literal["assignment.disabled"]
    oauth_consumer_key: CampusId
    lis_result_sourcedid: SourcedId


class LineItemDisabledEvent(PlatformEvent):
    """No more grades for this learner in this line item, until a newer launch."""

    type: Literal["assignment.disabled"]
    lti_user_id: CampusId
    lineitem: Url
    oauth_consumer_key: Empty | None = None


class LinkDisabledEvent(PlatformEvent):
    """As for a line item, where the launch named only `lineitems`."""

    type: Literal["assignment.disabled"]
    lti_user_id: CampusId
    lineitems: Url
    resource_link_id: CampusId
    lineitem: Empty | None = None
    oauth_consumer_key: Empty | None = None


class UserRetiredEvent(Document):
    """Everything about that learner is deleted."""

    type: Literal["user.retired"]
    user_id: Id


#: Every event. Those of one type exclude each other.
EVENTS = (
    ScoreChangedEvent,
    ScoreClearedEvent,
    CourseStructureEvent,
    LearnerStructureEvent,
    LaunchEvent,
    UngradedLaunchEvent,
    PlatformLaunchEvent,
    LineItemsLaunchEvent,
    UngradedPlatformLaunchEvent,
    AssignmentDisabledEvent,
    LineItemDisabledEvent,
    LinkDisabledEvent,
    UserRetiredEvent,
)

#: What is text, or a whole number in its place.
TEXT_FIELDS = frozenset(name for event in EVENTS for name in event.model_fields) - {
    "type",
    "points_earned",
    "points_possible",
    "version",
    "blocks",
    *EXTENSIONS,
}


class _WithoutTitles(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's
        return False


@cache
def events_schema() -> dict[str, Any]:
    """The JSON Schema of one event."""
    _, found = TypeAdapter.json_schemas(
        [(event, "validation", TypeAdapter(event)) for event in EVENTS], schema_generator=_WithoutTitles
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Event",
        "description": "An event of passbackd. On the stream every value is text.",
        "oneOf": [{"$ref": f"#/$defs/{event.__name__}"} for event in EVENTS],
        "$defs": found["$defs"],
    }

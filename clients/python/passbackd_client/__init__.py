"""
Makes passbackd's events, checks them as passbackd does, and sends them.

:class:`RedisFeed` and its asynchronous sibling are in :mod:`passbackd_client.redis_feed`, which needs redis-py.
"""

from passbackd_client.blocks import Block
from passbackd_client.errors import (
    EventsRefusedError,
    FeedError,
    InvalidEventError,
    NotAllowedError,
    RefusedEvent,
    TooLargeError,
    TryLaterError,
)
from passbackd_client.event import Event
from passbackd_client.events import (
    AssignmentDisabledLti11,
    AssignmentDisabledLti13,
    CourseStructure,
    LaunchLti11,
    LaunchLti13,
    ScoreChanged,
    ScoreCleared,
    UserRetired,
)
from passbackd_client.http_feed import AsyncHttpFeed, HttpFeed

__all__ = [
    "AssignmentDisabledLti11",
    "AssignmentDisabledLti13",
    "AsyncHttpFeed",
    "Block",
    "CourseStructure",
    "Event",
    "EventsRefusedError",
    "FeedError",
    "HttpFeed",
    "InvalidEventError",
    "LaunchLti11",
    "LaunchLti13",
    "NotAllowedError",
    "RefusedEvent",
    "ScoreChanged",
    "ScoreCleared",
    "TooLargeError",
    "TryLaterError",
    "UserRetired",
]

"""
Reads stream entries: an entry's bytes in, an event or a reason out. Pure.

Every entry is flat: field names and values are UTF-8. Unknown fields are ignored.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeGuard

from daemon.ingest.events import (
    TYPES,
    AssignmentDisabled,
    BadEvent,
    CourseStructured,
    Event,
    Launched,
    ScoreChanged,
    UserRetired,
)
from models.course_tree import Tree
from models.registration import Registration

#: Bytes of a whole entry; a course structure's blocks are the only large field.
MAX_BYTES = 8 * 1024 * 1024 + 64 * 1024
#: Bytes of ``blocks``.
MAX_BLOCKS_BYTES = 8 * 1024 * 1024
#: Characters of an id of the tool's: what the database indexes.
MAX_ID_LENGTH = 255
#: How far ahead of its entry id an event's ``modified`` may lie, in microseconds: an hour of clock error.
MAX_AHEAD_US = 3600 * 1_000_000
#: Points beyond this are no points; their sums must stay finite.
MAX_POINTS = 1e12

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)


def entry_ms(entry_id: str) -> int:
    """The time in a stream entry id, milliseconds since 1970."""
    return int(entry_id.partition("-")[0])


def event_type(fields: Mapping[bytes, bytes]) -> str:
    """The entry's type as metrics count it: ``unknown`` for anything that is not in the vocabulary."""
    text = fields.get(b"type", b"").decode(errors="replace")
    return text if text in TYPES else "unknown"


def event_us(entry_id: str, fields: Mapping[bytes, bytes]) -> int:
    """When an event was, also a bad one: what it says, else its entry's time. Microseconds since 1970."""
    try:
        said = _Reader(entry_id, fields).said_modified()
    except BadEvent:
        said = None
    return entry_ms(entry_id) * 1000 if said is None else said


def read_event(entry_id: str, fields: Mapping[bytes, bytes]) -> Event:
    """
    Read one stream entry.

    Args:
        entry_id: ``<milliseconds>-<sequence>``; its time stands in for an absent ``modified``.
        fields: Names and values, as bytes.

    Raises:
        BadEvent: With the reason for quarantine.
    """
    if sum(len(name) + len(value) for name, value in fields.items()) > MAX_BYTES:
        raise BadEvent(f"the entry is larger than {MAX_BYTES} bytes")
    reader = _Reader(entry_id, fields)
    match reader.text("type"):
        case "score.changed":
            return _score_changed(reader)
        case "course.structure":
            return _course_structured(reader)
        case "launch":
            return _launched(reader)
        case "assignment.disabled":
            return AssignmentDisabled(
                reader.text("oauth_consumer_key"), reader.text("lis_result_sourcedid"), reader.modified()
            )
        case "user.retired":
            return UserRetired(reader.id("user_id"), reader.modified())
        case unknown:
            raise BadEvent(f"unknown type {unknown[:64]!r}; known: {', '.join(TYPES)}")


class _Reader:
    """Takes typed values out of an entry's bytes, or says what is wrong with them."""

    def __init__(self, entry_id: str, fields: Mapping[bytes, bytes]) -> None:
        self.entry_id = entry_id
        self._fields = fields

    def optional(self, name: str) -> str | None:
        value = self._fields.get(name.encode())
        if value is None:
            return None
        try:
            text = value.decode()
        except UnicodeDecodeError as error:
            raise BadEvent(f"{name} is not valid UTF-8") from error
        if "\x00" in text:
            raise BadEvent(f"{name} holds a NUL character")
        return text

    def text(self, name: str) -> str:
        text = self.optional(name)
        if not text:
            raise BadEvent(f"{name} is {'absent' if text is None else 'empty'}")
        return text

    def id(self, name: str) -> str:
        text = self.text(name)
        if len(text) > MAX_ID_LENGTH:
            raise BadEvent(f"{name} is longer than {MAX_ID_LENGTH} characters")
        return text

    def number(self, name: str, *, least: float = -MAX_POINTS) -> float:
        text = self.text(name)
        if text.strip().lstrip("+-").lower() in ("nan", "inf", "infinity"):
            raise BadEvent(f"{name} is not a finite number: {text[:64]!r}")
        if not _NUMBER.fullmatch(text):
            raise BadEvent(f"{name} is not a number: {text[:64]!r}")
        value = float(text)
        if abs(value) > MAX_POINTS:
            raise BadEvent(f"{name} is beyond {MAX_POINTS:g}: {text[:64]!r}")
        if value < least:
            raise BadEvent(f"{name} is negative: {text[:64]!r}")
        return value

    def integer(self, name: str) -> int:
        text = self.text(name)
        if not _INTEGER.fullmatch(text):
            raise BadEvent(f"{name} is not an integer: {text[:64]!r}")
        if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
            raise BadEvent(f"{name} does not fit 64 bits: {text[:64]!r}")
        return int(text)

    def said_modified(self) -> int | None:
        """``modified`` in microseconds since 1970, if the event says it."""
        text = self.optional("modified")
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise BadEvent(f"modified is not an ISO 8601 time: {text[:64]!r}") from error
        if moment.tzinfo is None:
            raise BadEvent(f"modified has no time zone: {text[:64]!r}")
        try:
            modified_us = _microseconds(moment)
        except OverflowError as error:
            raise BadEvent(f"modified is out of range: {text[:64]!r}") from error
        if modified_us > entry_ms(self.entry_id) * 1000 + MAX_AHEAD_US:
            raise BadEvent(f"modified lies more than an hour ahead of the entry: {text[:64]!r}")
        return modified_us

    def modified(self) -> int:
        """``modified``, or the entry id's time where the event does not say, in microseconds since 1970."""
        said = self.said_modified()
        if said is not None:
            return said
        arrived = entry_ms(self.entry_id) * 1000
        if arrived >= 2**63:
            raise BadEvent(f"the entry's id {self.entry_id} is no time, and modified is absent")
        return arrived


def _microseconds(moment: datetime) -> int:
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


_SCORE_FIELDS = ("user_id", "course_id", "usage_id", "points_earned", "points_possible")


def _score_changed(reader: _Reader) -> ScoreChanged:
    try:
        event = ScoreChanged(
            user_id=reader.id("user_id"),
            course_id=reader.id("course_id"),
            usage_id=reader.id("usage_id"),
            points_earned=reader.number("points_earned"),
            points_possible=reader.number("points_possible", least=0),
            modified_us=reader.modified(),
            entry_id=reader.entry_id,
        )
    except BadEvent as error:
        raise BadEvent(f"{error} ({_values(reader)})") from error
    return event


def _values(reader: _Reader) -> str:
    """All five required values: whoever mends the producer wants to see them together."""
    shown = []
    for name in _SCORE_FIELDS:
        try:
            text = reader.optional(name)
        except BadEvent:
            shown.append(f"{name}=<unreadable>")
        else:
            shown.append(f"{name}={'<absent>' if text is None else repr(text[:64])}")
    return ", ".join(shown)


def _course_structured(reader: _Reader) -> CourseStructured:
    course_id, version, text = reader.id("course_id"), reader.integer("version"), reader.text("blocks")
    if len(text.encode()) > MAX_BLOCKS_BYTES:
        raise BadEvent(f"blocks is larger than {MAX_BLOCKS_BYTES} bytes")
    try:
        blocks = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadEvent("blocks is not JSON") from error
    if not isinstance(blocks, list):
        raise BadEvent("blocks is not a JSON array")
    try:
        tree = Tree([_block(block) for block in blocks])
    except ValueError as error:
        raise BadEvent(f"blocks: {error}") from error
    return CourseStructured(course_id, version, tree, reader.said_modified(), reader.entry_id)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _block(block: Any) -> tuple[str, str | None, float | None]:
    if not isinstance(block, dict):
        raise BadEvent("a block is not an object")
    usage_id, parent, possible = block.get("usage_id"), block.get("parent"), block.get("points_possible")
    if not _is_id(usage_id):
        raise BadEvent(f"a block's usage_id is not a string of 1 to {MAX_ID_LENGTH} characters")
    if parent is not None and not _is_id(parent):
        raise BadEvent(f"the parent of {usage_id!r} is neither null nor a string of 1 to {MAX_ID_LENGTH} characters")
    if possible is not None and not _is_points(possible):
        raise BadEvent(f"points_possible of {usage_id!r} is not a number from 0 to {MAX_POINTS:g}")
    return usage_id, parent, None if possible is None else float(possible)


def _is_id(value: Any) -> TypeGuard[str]:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_ID_LENGTH or "\x00" in value:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _is_points(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_POINTS and (
        isinstance(value, int) or math.isfinite(value)
    )  # fmt: skip


def _launched(reader: _Reader) -> Launched:
    """A launch with an empty sourcedid is an ungraded one: the LMS asks for no grade."""
    sourcedid = reader.optional("lis_result_sourcedid")
    if sourcedid == "":
        return Launched(None)
    return Launched(
        Registration(
            consumer_key=reader.text("oauth_consumer_key"),
            user_id=reader.id("user_id"),
            course_id=reader.id("course_id"),
            usage_id=reader.id("usage_id"),
            lis_result_sourcedid=reader.text("lis_result_sourcedid"),
            lis_outcome_service_url=reader.text("lis_outcome_service_url"),
            modified_us=reader.modified(),
            resource_link_id=reader.optional("resource_link_id") or None,
            lti_user_id=reader.optional("lti_user_id") or None,
            instance_guid=reader.optional("tool_consumer_instance_guid") or None,
            context_title=reader.optional("context_title") or None,
            resource_link_title=reader.optional("resource_link_title") or None,
            entry_id=reader.entry_id,
        )
    )

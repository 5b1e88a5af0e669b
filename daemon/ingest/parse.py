"""
Reads stream entries: an entry's bytes in, an event or a reason out. Pure.

Every entry is flat: field names and values are UTF-8. Unknown fields are ignored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from yarl import URL

from daemon.infra.moments import OutOfRangeError, read_moment
from daemon.ingest.blocks import MAX_ID_LENGTH, MAX_POINTS, read_blocks
from daemon.ingest.events import (
    TYPES,
    UNKNOWN,
    AssignmentDisabled,
    BadEvent,
    CourseStructured,
    Event,
    Launched,
    ScoreChanged,
    UserRetired,
)
from models.moment import Moment, place_of
from models.registration import Registration

#: Bytes of a whole entry; a course structure's blocks are the only large field.
MAX_BYTES = 8 * 1024 * 1024 + 64 * 1024
#: Characters of an outcome service's URL, of a sourcedid, and of titles and the campus's own ids.
MAX_URL, MAX_SOURCEDID, MAX_DETAIL = 2048, 8192, 1024
#: How far an event's ``modified`` may lie ahead of its entry id, and this ahead of the database's clock, in
#: milliseconds: an hour of clock error.
MAX_AHEAD_MS = 3_600_000

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)


def entry_ms(entry_id: str) -> int:
    """The time in a stream entry id, milliseconds since 1970."""
    return int(entry_id.partition("-")[0])


def is_ahead(entry_id: str, now: int) -> bool:
    """
    Whether a stream entry's id is no time at which it can have arrived. *now*: milliseconds since 1970.

    A program chose the id, or the clock of the Redis server jumped: the id says nothing of when the event happened.
    """
    return entry_ms(entry_id) > now + MAX_AHEAD_MS


def event_type(fields: Mapping[bytes, bytes]) -> str:
    """The entry's type as metrics count it."""
    return known_type(fields.get(b"type", b"").decode(errors="replace"))


def known_type(text: str) -> str:
    """*text*, or ``unknown`` for anything that is not in the vocabulary."""
    return text if text in TYPES else UNKNOWN


def event_moment(entry_id: str, fields: Mapping[bytes, bytes]) -> Moment:
    """The moment of an event, also of a bad one; where its ``modified`` cannot be read, its entry's time counts."""
    try:
        given = _Reader(entry_id, fields).given_modified()
    except BadEvent:
        given = None
    return Moment(entry_ms(entry_id) * 1000 if given is None else given, place_of(entry_id))


def read_event(entry_id: str, fields: Mapping[bytes, bytes], *, now: int) -> Event:
    """
    Read an entry; its id's time replaces an absent ``modified``. BadEvent has the reason for quarantine.

    *now*: by the database's clock, milliseconds since 1970.
    """
    if is_ahead(entry_id, now):
        raise BadEvent(
            "the entry's id lies more than an hour ahead of the database's clock: it says nothing of when the event "
            "happened; see PassbackdStreamAhead in docs/operate.md"
        )
    if sum(len(name) + len(value) for name, value in fields.items()) > MAX_BYTES:
        raise BadEvent(f"the entry is larger than {MAX_BYTES} bytes")
    reader = _Reader(entry_id, fields)
    match reader.text("type"):
        case "score.changed":
            return _score_changed(reader)
        case "score.cleared":
            return _score_cleared(reader)
        case "course.structure":
            return _course_structured(reader)
        case "launch":
            return _launched(reader)
        case "assignment.disabled":
            return AssignmentDisabled(
                reader.text("oauth_consumer_key", MAX_DETAIL),
                reader.text("lis_result_sourcedid", MAX_SOURCEDID),
                reader.modified(),
                entry_id,
            )
        case "user.retired":
            return UserRetired(reader.id("user_id"), reader.modified(), entry_id)
        case unknown:
            raise BadEvent(f"unknown type {unknown[:64]!r}; known: {', '.join(TYPES)}")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes typed values out of an entry's bytes, or raises BadEvent with what is wrong with them."""

    entry_id: str
    fields: Mapping[bytes, bytes]

    def optional(self, name: str) -> str | None:
        value = self.fields.get(name.encode())
        if value is None:
            return None
        try:
            text = value.decode()
        except UnicodeDecodeError as error:
            raise BadEvent(f"{name} is not valid UTF-8") from error
        if "\x00" in text:
            raise BadEvent(f"{name} holds a NUL character")
        return text

    def text(self, name: str, most: int | None = None) -> str:
        text = self.detail(name, most)
        if not text:
            raise BadEvent(f"{name} is {'absent' if text is None else 'empty'}")
        return text

    def detail(self, name: str, most: int | None) -> str | None:
        """A text that may be absent, of *most* characters."""
        text = self.optional(name)
        if text is not None and most is not None and len(text) > most:
            raise BadEvent(f"{name} is longer than {most} characters")
        return text

    def id(self, name: str) -> str:
        return self.text(name, MAX_ID_LENGTH)

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

    def given_modified(self) -> int | None:
        """``modified`` in microseconds since 1970, if the event has it."""
        text = self.optional("modified")
        if not text:
            return None
        try:
            moment = read_moment(text)
        except OutOfRangeError as error:
            raise BadEvent(f"modified is out of range: {text[:64]!r}") from error
        except ValueError as error:
            raise BadEvent(f"modified is not an ISO 8601 time: {text[:64]!r}") from error
        if moment.tzinfo is None:
            raise BadEvent(f"modified has no time zone: {text[:64]!r}")
        try:
            modified_us = (moment.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)
        except OverflowError as error:
            raise BadEvent(f"modified is out of range: {text[:64]!r}") from error
        if modified_us > (entry_ms(self.entry_id) + MAX_AHEAD_MS) * 1000:
            raise BadEvent(f"modified lies more than an hour ahead of the entry: {text[:64]!r}")
        return modified_us

    def modified(self) -> int:
        """``modified``, or the entry id's time where the event has none, in microseconds since 1970."""
        given = self.given_modified()
        if given is not None:
            return given
        return entry_ms(self.entry_id) * 1000


_SCORE_FIELDS = ("user_id", "course_id", "usage_id", "points_earned", "points_possible")


def _score_changed(reader: _Reader) -> ScoreChanged:
    try:
        return ScoreChanged(
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


def _score_cleared(reader: _Reader) -> ScoreChanged:
    ids = reader.id("user_id"), reader.id("course_id"), reader.id("usage_id")
    return ScoreChanged(*ids, 0, 0, reader.modified(), reader.entry_id, cleared=True)


def _values(reader: _Reader) -> str:
    """All five required values together, which help to correct the producer."""
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
    return CourseStructured(course_id, version, read_blocks(text), reader.given_modified(), reader.entry_id)


def _address(text: str) -> str:
    """Without white space around it, and with a host of a national script as DNS has it; else byte for byte."""
    url = text.strip()
    if len(url) > MAX_URL:
        raise BadEvent(f"lis_outcome_service_url is longer than {MAX_URL} characters")
    try:
        netloc = urlsplit(url).netloc
        ascii_host = "" if netloc.isascii() else URL(f"https://{netloc}").raw_authority
    except ValueError as error:
        raise BadEvent("lis_outcome_service_url is malformed") from error
    return url.replace(netloc, ascii_host, 1) if ascii_host else url


_OPTIONAL_LAUNCH_FIELDS = ("resource_link_id", "lti_user_id", "context_title", "resource_link_title")


def _launched(reader: _Reader) -> Launched:
    """A launch with an empty sourcedid is an ungraded one: the LMS asks for no grade."""
    sourcedid = reader.optional("lis_result_sourcedid")
    if sourcedid == "":
        return Launched(None)
    return Launched(
        Registration(
            consumer_key=reader.text("oauth_consumer_key", MAX_DETAIL),
            user_id=reader.id("user_id"),
            course_id=reader.id("course_id"),
            usage_id=reader.id("usage_id"),
            lis_result_sourcedid=reader.text("lis_result_sourcedid", MAX_SOURCEDID),
            lis_outcome_service_url=_address(reader.text("lis_outcome_service_url")),
            modified_us=reader.modified(),
            instance_guid=reader.detail("tool_consumer_instance_guid", MAX_DETAIL) or None,
            entry_id=reader.entry_id,
            **{name: reader.detail(name, MAX_DETAIL) or None for name in _OPTIONAL_LAUNCH_FIELDS},
        )
    )

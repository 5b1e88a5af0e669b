"""
Reads stream entries: an entry's bytes in, an event or a reason out. Pure.

Every entry is flat: field names and values are UTF-8. Unknown fields are ignored.
"""

from collections.abc import Mapping

from daemon.ingest.blocks import read_blocks, read_own_blocks
from daemon.ingest.events import (
    BadEvent,
    CourseStructured,
    Event,
    LearnerStructured,
    ScoreChanged,
    ScoreCleared,
    UserRetired,
)
from daemon.ingest.fields import MAX_AHEAD_MS, EntryReader, entry_ms
from daemon.ingest.launches import read_disabling, read_launch
from models.event_types import EVENT_TYPES, UNKNOWN
from models.moment import Moment, place_of

#: Bytes of a whole entry; a course structure's blocks are the only large field.
MAX_BYTES = 8 * 1024 * 1024 + 64 * 1024
#: Fields of a JSON document.
MAX_FIELDS = 500


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
    return text if text in EVENT_TYPES else UNKNOWN


def event_moment(entry_id: str, fields: Mapping[bytes, bytes]) -> Moment:
    """The moment of an event, also of a bad one; where its ``modified`` cannot be read, its entry's time counts."""
    try:
        given = EntryReader(entry_id, fields).given_modified()
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
    reader = EntryReader(entry_id, fields)
    match reader.text("type"):
        case "score.changed":
            return _score_changed(reader)
        case "score.cleared":
            return ScoreCleared(
                reader.id("user_id"), reader.id("course_id"), reader.id("usage_id"), reader.modified(), entry_id
            )
        case "course.structure":
            return _structured(reader)
        case "launch":
            return read_launch(reader)
        case "assignment.disabled":
            return read_disabling(reader)
        case "user.retired":
            return UserRetired(reader.id("user_id"), reader.modified(), entry_id)
        case unknown:
            raise BadEvent(f"unknown type {unknown[:64]!r}; known: {', '.join(EVENT_TYPES)}", "type")


_SCORE_FIELDS = ("user_id", "course_id", "usage_id", "points_earned", "points_possible")


def _score_changed(reader: EntryReader) -> ScoreChanged:
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
        raise BadEvent(f"{error} ({_values(reader)})", error.field) from error


def _values(reader: EntryReader) -> str:
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


def _structured(reader: EntryReader) -> CourseStructured | LearnerStructured:
    course_id, version, text = reader.id("course_id"), reader.integer("version"), reader.text("blocks")
    # An empty one is refused: as the course's, one learner's tree would change the grades of all.
    if reader.optional("user_id") is None:
        return CourseStructured(course_id, version, read_blocks(text), reader.given_modified(), reader.entry_id)
    user_id, tree = reader.id("user_id"), read_own_blocks(text)
    return LearnerStructured(user_id, course_id, version, tree, reader.modified(), reader.entry_id)

"""Events that could not be applied, and what is kept of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tortoise import fields
from tortoise.functions import Count, Max
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models.consumer import MAX_KEY
from models.stream_position import MAX_ENTRY_ID

#: Characters of a learner's names that are kept, to find events by.
MAX_LEARNER = 255
#: The most that is kept of a quarantined entry's bytes.
QUARANTINE_BYTES = 4096
#: Events whose contents are read at once.
_PAGE = 500


class QuarantinedEvent(Model):
    """An entry that could not be applied, and why."""

    id = fields.BigIntField(primary_key=True)
    epoch = fields.BigIntField()
    entry_id = fields.CharField(max_length=MAX_ENTRY_ID)
    # Milliseconds since 1970.
    at = fields.BigIntField()
    type = fields.CharField(max_length=64)
    reason = fields.TextField()
    # The first bytes of the entry, by :func:`content_of`.
    content = fields.BinaryField()
    # Whether there were more.
    truncated = fields.BooleanField(db_default=False)
    # The learner, where the entry can be read: a retirement deletes it.
    user_id = fields.CharField(max_length=MAX_LEARNER, null=True, db_index=True)
    sourcedid_digest = fields.CharField(max_length=64, null=True)
    # The learner's name at the campus.
    lti_user_id = fields.CharField(max_length=MAX_LEARNER, null=True, db_index=True)
    # The consumer that it names: its launches can be replayed once it is added.
    consumer_key = fields.CharField(max_length=MAX_KEY, null=True, db_index=True)
    # The course that it names.
    course_id = fields.CharField(max_length=255, null=True)

    class Meta:
        table = "quarantined_event"
        table_description = "Events that could not be applied"
        # A migration that adds a field makes no index for `db_index`.
        indexes = (("at",), ("course_id",), ("sourcedid_digest",), ("lti_user_id",))


def content_of(entry: Mapping[bytes, bytes]) -> tuple[bytes, bool]:
    """
    What quarantine keeps of an entry: a ``name=value`` line a field, at most :data:`QUARANTINE_BYTES`.

    Within names and values a backslash, a line feed and (in names) an equals sign are written ``\\\\``, ``\\n`` and
    ``\\e``, so that :func:`fields_of` reads the same entry again.

    Returns:
        The bytes, and whether there were more.
    """
    lines = (
        _escaped(name).replace(b"=", b"\\e") + b"=" + _escaped(value[: QUARANTINE_BYTES + 1])
        for name, value in entry.items()
    )
    content = b"\n".join(lines)
    return content[:QUARANTINE_BYTES], len(content) > QUARANTINE_BYTES


def fields_of(content: bytes) -> dict[bytes, bytes]:
    """The entry whose whole content quarantine kept: names and values, as :func:`content_of` got them."""
    lines = (line.partition(b"=") for line in content.split(b"\n") if line)
    return {_plain(name): _plain(value) for name, _, value in lines}


_ESCAPES = {b"\\\\": b"\\", b"\\n": b"\n", b"\\e": b"="}


def _escaped(text: bytes) -> bytes:
    return text.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")


def _plain(text: bytes) -> bytes:
    return re.sub(rb"\\[\\ne]", lambda match: _ESCAPES[match[0]], text)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """
    The events for which all that is given holds; None or empty filters nothing out.

    *reasons*: one of these; empty for no event at all. *from_id*, *to_id*: those that were read no earlier than the
    one, and no later than the other.
    """

    ids: tuple[int, ...] = ()
    type: str | None = None
    user_id: str | None = None
    consumer_key: str | None = None
    course_id: str | None = None
    reasons: tuple[str, ...] | None = None
    from_id: int | None = None
    to_id: int | None = None

    def events(self) -> QuerySet[QuarantinedEvent]:
        """A query for them."""
        wanted = {
            "id__in": self.ids or None,
            "type": self.type,
            "user_id": self.user_id,
            "consumer_key": self.consumer_key,
            "course_id": self.course_id,
            "reason__in": self.reasons,
            "id__gte": self.from_id,
            "id__lte": self.to_id,
        }
        return QuarantinedEvent.filter(**{name: value for name, value in wanted.items() if value is not None})


@dataclass(frozen=True, slots=True)
class EventGroup:
    """Events of one type, consumer and course that are in quarantine for one reason. *newest*: the id of the newest."""

    number: int
    type: str
    consumer_key: str | None
    course_id: str | None
    reason: str
    newest: int


async def by_reason(wanted: EventFilter, limit: int) -> list[EventGroup]:
    """The wanted events in groups, the largest first; *limit*: so many groups at most."""
    names = ("type", "consumer_key", "course_id", "reason")
    grouped = wanted.events().annotate(number=Count("id"), newest=Max("id")).group_by(*names)
    rows = await grouped.order_by("-number", "newest").limit(limit).values("number", *names, "newest")
    return [EventGroup(**row) for row in rows]


async def reasons_of(wanted: EventFilter) -> list[str]:
    """Every reason that wanted events are in quarantine for."""
    return [str(reason) for reason in await wanted.events().distinct().values_list("reason", flat=True)]


async def newest_of(wanted: EventFilter, most: int) -> EventFilter:
    """The newest *most* of the wanted events; before the type narrows them down, which no index has."""
    indexed = replace(wanted, type=None, reasons=None).events().order_by("-id").offset(most - 1).limit(1)
    last = await indexed.values_list("id", flat=True)
    return replace(wanted, from_id=int(str(last[0]))) if last else wanted


async def in_order(wanted: EventFilter) -> list[int]:
    """The ids of all wanted events, in the order that their entries had in the stream."""
    rows = await wanted.events().values_list("id", "epoch", "entry_id")
    return [event_id for event_id, *_ in sorted(rows, key=lambda row: (row[1], *_numbers(row[2])))]


async def label_events(issuer: str, client_id: str, key: str) -> None:
    """Have the key find what a platform sent before it was known, when its client id alone named it."""
    last = 0
    while rows := (
        await QuarantinedEvent.filter(consumer_key=client_id, id__gt=last)
        .order_by("id")
        .limit(_PAGE)
        .values_list("id", "content")
    ):
        own = [event_id for event_id, content in rows if fields_of(content).get(b"issuer") == issuer.encode()]
        await QuarantinedEvent.filter(id__in=own).update(consumer_key=key)
        last = rows[-1][0]


def _numbers(entry_id: str) -> tuple[int, int]:
    ms, _, sequence = entry_id.partition("-")
    return int(ms), int(sequence or 0)

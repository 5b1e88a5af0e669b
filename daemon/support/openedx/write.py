"""The second pass: consumers are stored, and all else goes onto the stream."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from daemon.ingest.events import BadEvent
from daemon.ingest.lines import check_event, event_fields, read_document
from daemon.ingest.stream import Stream, parse_id
from daemon.support.openedx.read import is_event, launch_fields, parsed, read_lines
from daemon.support.openedx.store import DumpStore
from daemon.support.openedx.survey import ConsumerSurvey
from models import consumer_admin
from models.encryption import Cipher
from models.queries.known_launches import ImportedLaunch, known_launches
from models.queries.status import read_applied

#: Events that go onto the stream at once.
PIPELINED = 200
#: Events that wait on the stream to be applied, at most: Redis keeps them in memory, and an import that is interrupted
#: and repeated sends them again.
MAX_WAITING = 5_000
#: Seconds without any event applied after which no daemon is at work.
NO_DAEMON_SECONDS = 60
_LOOK = 0.25


class NoDaemonError(Exception):
    """No daemon applies the events that wait."""


class ChangedFileError(ValueError):
    """A file is not any more as it was checked."""


class _Batch(NamedTuple):
    last_id: str
    number: int


async def store_consumers(
    found: Iterable[ConsumerSurvey], cipher: Cipher, *, now: int, record: Callable[[str, bool], Awaitable[None]]
) -> Counter[str]:
    """
    Store new consumers, paused, and change the secrets of those that are here with another one.

    Args:
        cipher: Encrypts the secrets.
        now: Milliseconds since 1970 by the database's clock.
        record: Called with the key of each and whether it is known, in its transaction.

    Returns:
        How many were ``added`` and ``changed``.
    """
    done: Counter[str] = Counter()
    for survey in found:
        one, known = survey.consumer, survey.state != "new"
        if survey.state == "same":
            continue

        async def note(key: str = one.key, known: bool = known) -> None:  # noqa: FBT001 - of this turn
            await record(key, known)

        await consumer_admin.add(
            one.name,
            one.key,
            cipher.encrypt(one.secret),
            guid=one.guid,
            now=now,
            replace=known,
            paused=True,
            record=note,
        )
        done["changed" if known else "added"] += 1
    return done


class Portion(NamedTuple):
    """Some of what there is to import. *left_out*: how many launches beside *events* are on record already."""

    events: list[dict[str, str]]
    left_out: int = 0


async def portions(paths: Sequence[Path], store: DumpStore, *, now: int) -> AsyncIterator[Portion]:
    """
    The events of the files, as they are, and then a launch of each assignment that is not on record.

    Raises:
        ChangedFileError: As :func:`file_events`.
    """
    events = file_events(paths, now=now)
    while some := list(islice(events, PIPELINED)):
        yield Portion(some)
    assignments = store.assignments()
    while found := list(islice(assignments, PIPELINED)):
        launches = [(one, store.consumers[one.consumer_pk].key) for one in found]
        known = await known_launches(
            [
                ImportedLaunch(key, one.url, one.sourcedid, one.user_id, one.course_id, one.usage_id, one.lti_user_id)
                for one, key in launches
            ],
            modified_us=0,
        )
        yield Portion(
            [launch_fields(one, key) for number, (one, key) in enumerate(launches) if number not in known], len(known)
        )


def file_events(paths: Sequence[Path], *, now: int) -> Iterator[dict[str, str]]:
    """
    The events among the lines, as they are.

    Raises:
        ChangedFileError: A file was changed since it was checked.
    """
    for path in paths:
        for number, line in read_lines(path):
            try:
                fields = event_fields(read_document(line)) if is_event(parsed(line)) else None
                if fields is not None:
                    check_event(fields, now=now)
            except BadEvent as error:
                raise ChangedFileError(f"{path}, line {number}: the file was changed meanwhile: {error}") from error
            if fields is not None:
                yield fields


async def feed_slowly(
    all_portions: AsyncIterator[Portion],
    stream: Stream,
    *,
    advance: Callable[[Portion], None] = lambda _: None,
    monotonic: Callable[[], float],
) -> None:
    """
    Put events onto the stream, no more than :data:`MAX_WAITING` ahead of what daemons have applied.

    Args:
        advance: Called with each portion that went.
        monotonic: Seconds.

    Raises:
        NoDaemonError: No daemon applies them.
    """
    waiting: deque[_Batch] = deque()
    async for portion in all_portions:
        if portion.events:
            await _make_room(waiting, monotonic)
            waiting.append(_Batch((await stream.add_all(portion.events))[-1], len(portion.events)))
        advance(portion)


async def _make_room(waiting: deque[_Batch], monotonic: Callable[[], float]) -> None:
    moved_at = monotonic()
    while sum(batch.number for batch in waiting) > MAX_WAITING - PIPELINED:
        position = await read_applied()
        before = len(waiting)
        while waiting and position is not None and parse_id(waiting[0].last_id) <= parse_id(position):
            waiting.popleft()
        if len(waiting) < before:
            moved_at = monotonic()
        elif monotonic() - moved_at > NO_DAEMON_SECONDS:
            raise NoDaemonError
        else:
            await asyncio.sleep(_LOOK)

"""
Asking campuses whether they still hold what they acknowledged, and sending again what they do not.

It is a process of its own beside the daemons, and counts with them how many requests a campus has.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from actors.read_back import COMPARISONS, Comparison, NotReadError, Reader, Reading, compare
from daemon.config import Config
from daemon.wiring import attempt_settings, open_sender
from models.campus import read_state, reserve_for_reading
from models.db.clock import Clock
from models.queries.reconcile import (
    CampusCensus,
    Selection,
    Settled,
    census,
    is_still,
    next_settled,
    once_sent,
    redo_if_still,
)

log = structlog.get_logger(__name__)

#: Campuses that are read from side by side.
CAMPUSES_AT_ONCE = 32
#: Seconds that a campus may have no slot for a reading, one after the other, before it is left.
PATIENCE = 120.0
#: Milliseconds for which senders leave a slot to readings; longer than between two of these.
RESERVE_MS = 15_000
#: Seconds between two tries to get a slot.
AGAIN = 0.5
#: Readings, one after the other, in which the campus tells nothing of anybody, before it is left.
MAX_UNREADABLE = 20


@dataclass(frozen=True, slots=True)
class Drift:
    """
    A campus that does not hold what it acknowledged, or does not tell.

    *held*: what it wrote; None where it did not tell. *why*: why not. *marked*: whether the grade is sent again.
    """

    settled: Settled
    finding: Comparison
    held: str | None
    why: str = ""
    marked: bool = False


@dataclass(slots=True)
class CampusReport:
    """
    What was found at one campus.

    *skipped*: how many assignments were not read, by why. *marked*: how many are sent again.
    """

    consumer: str
    origin: str
    #: Why not all of it was read; empty if it was.
    left: str = ""
    counts: dict[Comparison, int] = field(default_factory=lambda: dict.fromkeys(COMPARISONS, 0))
    skipped: dict[str, int] = field(default_factory=dict)
    drifts: list[Drift] = field(default_factory=list)

    @property
    def marked(self) -> int:
        return sum(drift.marked for drift in self.drifts)

    def skip(self, why: str, number: int = 1) -> None:
        if number:
            self.skipped[why] = self.skipped.get(why, 0) + number


class _GoneError(Exception):
    """An assignment is not there any more."""


class _Campus:
    """The readings of one campus."""

    def __init__(self, counted: CampusCensus, reader: Reader, mend: Collection[Comparison]) -> None:
        self.report = CampusReport(counted.consumer, counted.origin, skipped=dict(counted.left_out))
        self._counted = counted
        self._reader = reader
        self._mend = mend
        #: No more than can have a slot: a reading that waits for one asks the database again and again.
        self._turn = asyncio.Semaphore(reader.settings.max_per_campus)
        self._unsupported = 0
        self._progress = reader.clock.monotonic()

    async def read(self, selection: Selection, advance: Callable[[int], None]) -> None:
        """All that the selection names, a chunk at a time."""
        self.report.left = await self._trouble()
        after = gone_through = 0
        while not self.report.left and (chunk := await next_settled(self._counted.campus_id, selection, after=after)):
            async with asyncio.TaskGroup() as group:
                for settled in chunk:
                    group.create_task(self._one(settled))
            after = chunk[-1].id
            gone_through += len(chunk)
            advance(len(chunk))
        if self.report.left:
            rest = max(0, self._counted.settled - gone_through)
            self.report.skip(self.report.left, rest)
            advance(rest)

    async def _trouble(self) -> str:
        state, error = await read_state(self._counted.campus_id, now=self._reader.clock.now())
        match state:
            case "paused":
                return "paused by the operator"
            case "down" | "probing":
                return f"the campus is down: {error}"
            case _:
                return ""

    async def _one(self, settled: Settled) -> None:
        try:
            async with self._turn:
                reading = await self._ask(settled)
        except _GoneError:
            self.report.skip("gone meanwhile")
            return
        except NotReadError as error:
            self.report.left = self.report.left or str(error)
            self.report.skip(str(error))
            return
        self._progress = self._reader.clock.monotonic()
        finding: Comparison = "unreadable"
        if reading.held is not None:
            finding = compare(reading.held, settled.sent_score, await once_sent(settled.id))
        self._unsupported = (
            self._unsupported + 1 if reading.unsupported or (reading.held and finding == "unreadable") else 0
        )
        if self._unsupported >= MAX_UNREADABLE:
            self.report.left = f"{MAX_UNREADABLE} readings one after the other told nothing"
        await self._note(settled, finding, reading)

    async def _ask(self, settled: Settled) -> Reading:
        clock = self._reader.clock
        while not self.report.left:
            await reserve_for_reading(self._counted.campus_id, until=clock.now() + RESERVE_MS)
            try:
                reading = await self._reader.read(settled.id)
            except NotReadError as error:
                if await self._trouble() or clock.monotonic() - self._progress > PATIENCE:
                    raise
                log.debug("reading.waits", assignment=settled.id, reason=str(error))
            else:
                if reading is None:
                    raise _GoneError
                return reading
            await asyncio.sleep(AGAIN)
        raise NotReadError(self.report.left)

    async def _note(self, settled: Settled, finding: Comparison, reading: Reading) -> None:
        if finding == "equal":
            self.report.counts["equal"] += 1
            return
        marked = finding in self._mend and await redo_if_still(settled, now=self._reader.clock.now())
        if not marked and not await is_still(settled):
            self.report.skip("on its way")  # what was read is older than what was sent meanwhile
            return
        self.report.counts[finding] += 1
        why = reading.why or ("its answer is no number" if finding == "unreadable" else "")
        self.report.drifts.append(Drift(settled, finding, reading.held, why, marked))


async def reconcile(
    selection: Selection,
    reader: Reader,
    *,
    mend: Collection[Comparison] = (),
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[CampusReport]:
    """
    Ask every campus that the selection touches.

    Args:
        mend: What is to be sent again.
        progress: Called with the number of assignments that are done with, and with that of all.

    Returns:
        A report a campus, by name.

    Raises:
        Exception: A server was lost. What was marked until then stays marked.
    """
    counted = await census(selection)
    done, of = 0, sum(one.settled for one in counted)

    def advance(number: int) -> None:
        nonlocal done
        done += number
        progress(done, of)

    turn = asyncio.Semaphore(CAMPUSES_AT_ONCE)
    campuses = [_Campus(one, reader, mend) for one in counted]

    async def read(campus: _Campus) -> None:
        async with turn:
            await campus.read(selection, advance)

    advance(0)
    try:
        async with asyncio.TaskGroup() as group:
            for campus in campuses:
                group.create_task(read(campus))
    except BaseExceptionGroup as errors:
        raise _first(errors) from errors
    return [campus.report for campus in campuses]


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


@asynccontextmanager
async def reading(config: Config) -> AsyncIterator[Reader]:
    """
    A reader beside the daemons, on the open database.

    Raises:
        UnusableError: ``egress.ca_file`` is of no use, or the process may not open so many files.
    """
    clock = Clock()
    await clock.measure()
    async with open_sender(config) as sender:
        yield Reader(sender, clock, attempt_settings(config), config.secrets.cipher)

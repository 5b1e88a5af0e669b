"""
Asks campuses whether they still hold what they acknowledged, and has sent again what they do not.

It runs beside the daemons, and shares each campus's concurrency limit with them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

import structlog

from actors.comparison import Comparison, Scale, compare, is_the_same
from actors.read_back import NotReadError, Reader, Reading
from daemon.config import Config
from daemon.support.report import CampusReport, Mismatch, why_kept
from daemon.wiring import access_tokens, attempt_settings, open_sender
from models.campus import read_state
from models.clock_watch import catch_up, watch
from models.db.clock import Clock
from models.queries.filter import AssignmentFilter
from models.queries.reconcile import (
    Acknowledged,
    CampusCensus,
    census,
    force_if_unchanged,
    is_unchanged,
    next_acknowledged,
    once_sent,
    reserve_for_reading,
)
from models.shown_score import forget

log = structlog.get_logger(__name__)

#: Seconds that a campus may have no slot for any reading before it is left.
SLOT_TIMEOUT = 120.0
#: Seconds between two tries to get a slot.
AGAIN = 0.5
#: Consecutive readings without a score, for a reason that is the campus's, before it is left.
MAX_UNREADABLE = 20


class _Campus:
    """The readings of one campus."""

    def __init__(
        self, counted: CampusCensus, reader: Reader, fix: Collection[Comparison], advance: Callable[[int], None]
    ) -> None:
        self.report = CampusReport(counted.consumer, counted.origin, Counter(counted.left_out))
        self._counted = counted
        self._reader = reader
        self._fix = fix
        self._advance = advance
        # No more than can have a slot: a reading that waits for one polls the database.
        self._turn = asyncio.Semaphore(reader.settings.max_per_campus)
        self._unsupported = 0
        self._progress = reader.clock.monotonic()
        #: By course and block.
        self._scales: dict[tuple[str, str], Scale] = {}
        #: What was never sent, until all grades have shown their scales.
        self._unknown: list[tuple[Acknowledged, Reading]] = []

    async def read(self, wanted: AssignmentFilter) -> None:
        """Read all that is wanted, a page at a time."""
        self.report.left = await self._unavailable()
        after, rest = 0, self._counted.acknowledged
        while not self.report.left and (page := await next_acknowledged(self._counted.campus_id, wanted, after=after)):
            async with asyncio.TaskGroup() as group:
                for grade in page:
                    group.create_task(self._read_one(grade))
            after = page[-1].id
            rest -= len(page)
        for grade, reading in self._unknown:
            explained = self._scales[_activity(grade)].explains(reading.held or "", grade.sent_score)
            await self._record(grade, "rounded" if explained else _unless_kept("modified", grade, reading), reading)
        if self.report.left and rest > 0:
            self.report.skipped[self.report.left] += rest
            self._advance(rest)

    async def _unavailable(self) -> str:
        """Why the campus gets no requests now; empty where it may get some."""
        state, error = await read_state(self._counted.campus_id, now=self._reader.clock.now())
        if state == "paused":
            return "paused by the operator"
        return f"the campus is down: {error}" if state in ("down", "probing") else ""

    async def _read_one(self, grade: Acknowledged) -> None:
        try:
            async with self._turn:
                reading = await self._wait_for(grade.id)
        except NotReadError as error:
            self.report.left = self.report.left or str(error)
            self.report.skipped[str(error)] += 1
        else:
            if reading is None:
                self.report.skipped["gone meanwhile"] += 1
            else:
                await self._compare(grade, reading)
        self._advance(1)

    async def _compare(self, grade: Acknowledged, reading: Reading) -> None:
        self._progress = self._reader.clock.monotonic()
        finding: Comparison = "gone" if reading.gone else "unreadable"
        if reading.held is not None:
            finding = compare(reading.held, grade.sent_score, await once_sent(grade.id))
            scale = self._scales.get(_activity(grade), Scale())
            self._scales[_activity(grade)] = scale.with_grade(reading.held, grade.sent_score)
        if reading.unsupported or (reading.held and finding == "unreadable"):
            self._unsupported += 1
        else:
            self._unsupported = 0
        if self._unsupported >= MAX_UNREADABLE:
            last = f": {reading.why}" if reading.why else ""
            self.report.left = f"{MAX_UNREADABLE} answers one after the other held no score{last}"
        if finding == "modified":
            self._unknown.append((grade, reading))
        else:
            await self._record(grade, _unless_kept(finding, grade, reading), reading)

    async def _wait_for(self, assignment_id: int) -> Reading | None:
        """Read as soon as there is a slot; None if the assignment is gone."""
        clock = self._reader.clock
        while not self.report.left:
            await reserve_for_reading(self._counted.campus_id, clock)
            try:
                return await self._reader.read(assignment_id)
            except NotReadError as error:
                if await self._unavailable() or clock.monotonic() - self._progress > SLOT_TIMEOUT:
                    raise
                log.debug("reading.waits", assignment=assignment_id, reason=str(error))
            await catch_up(clock)
            await asyncio.sleep(AGAIN)
        raise NotReadError(self.report.left)

    async def _record(self, grade: Acknowledged, finding: Comparison, reading: Reading) -> None:
        if finding in ("equal", "rounded"):
            self.report.counts[finding] += 1
            if grade.remembered:
                await forget(grade.id)
            return
        marked = finding in self._fix and await self._force(grade, reading)
        if not marked and not await is_unchanged(grade):
            # The answer is older than what was sent meanwhile.
            self.report.skipped["on its way"] += 1
            return
        self.report.counts[finding] += 1
        why = reading.why or ("its answer is no number" if finding == "unreadable" else "")
        if finding == "kept":
            why = why_kept(grade.sent_score, reading.held or "")
        self.report.mismatches.append(Mismatch(grade, finding, reading.held, why, marked))

    async def _force(self, grade: Acknowledged, reading: Reading) -> bool:
        clock = self._reader.clock
        await catch_up(clock)
        return await force_if_unchanged(grade, reading.held or "", clock)


def _activity(grade: Acknowledged) -> tuple[str, str]:
    return grade.course_id, grade.usage_id


def _unless_kept(finding: Comparison, grade: Acknowledged, reading: Reading) -> Comparison:
    """``kept`` in place of a finding that sending the grade again has not changed."""
    if finding not in ("empty", "outdated", "modified") or grade.shown_before is None or reading.held is None:
        return finding
    return "kept" if is_the_same(reading.held, grade.shown_before) else finding


async def reconcile(
    wanted: AssignmentFilter,
    reader: Reader,
    *,
    fix: Collection[Comparison] = (),
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[CampusReport]:
    """
    Ask every campus that has a wanted assignment.

    Args:
        fix: Findings whose grades are sent again.
        progress: Called with the number of assignments that are done, and with that of all.

    Returns:
        A report a campus, by name.

    Raises:
        Exception: A server was lost. What was marked until then stays marked.
    """
    counted = await census(wanted)
    done, of = 0, sum(one.acknowledged for one in counted)

    def advance(number: int) -> None:
        nonlocal done
        done += number
        progress(done, of)

    # No more readings than connections: the wait for one would count as the campus's.
    turn = asyncio.Semaphore(max(1, reader.settings.max_connections // reader.settings.max_per_campus))
    campuses = [_Campus(one, reader, fix, advance) for one in counted]

    async def read(campus: _Campus) -> None:
        async with turn:
            await campus.read(wanted)

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
    Open a reader on the open database.

    Raises:
        UnusableError: A ``ca_file`` cannot be used, or the process may not open so many files.
    """
    clock = Clock()
    # Not measured alone: stored times follow from it.
    await watch(clock)
    async with open_sender(config) as sender:
        cipher = config.secrets.cipher
        tokens = access_tokens(sender, clock, cipher)
        try:
            yield Reader(sender, clock, attempt_settings(config), cipher, tokens)
        finally:
            await tokens.close()

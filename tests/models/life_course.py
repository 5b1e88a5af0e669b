"""What happens to one assignment, apart from its senders: scores, structures, launches and resends."""

from typing import Any

from tortoise.transactions import in_transaction

from models.assignment import GradedAssignment
from models.changes import (
    Cause,
    Change,
    Debounce,
    change,
    change_blocks,
    change_waiting,
    clear_backoff,
    force_resend,
    unpark,
)
from models.clock_watch import ClockWatch
from models.consumer import digest
from tests.models.campus import Campus
from tests.models.claiming import campuses_answered
from tests.models.rows import BLOCK, COURSE, LEARNER, PROBLEM, make_assignment, read_row
from tests.models.scores import apply_score

DEBOUNCE = Debounce(delay_ms=20_000, ceiling_ms=60_000)


class LifeCourse:
    """One assignment, its score, course and campus; the row is in the database that is open."""

    def __init__(self, *, composite: bool) -> None:
        self.composite = composite
        self.problem = PROBLEM if composite else BLOCK
        #: By the database's clock, and how far that is ahead of real time.
        self.now = 1_700_000_000_000
        self.ahead = self.steps = 0
        self.campus = Campus()
        self.address = "address-0"
        # What is true: the newest score, and where the course has the problem.
        self.newest: str | None = None
        self.scored_us = 0
        self.attached = True
        self.block_known = True
        #: Messages under way: when each arrives.
        self.messages: list[int] = []
        self.newest_token = 0
        #: The newest claim when something took the row out of parking and waiting last.
        self.unparked_at: int | None = None
        #: What the campus acknowledged last.
        self.acknowledged: str | None = None
        self.before: dict[str, Any] = {}

    async def start(self) -> None:
        """The launch, at a campus that has answered before and may have several requests."""
        self.id = await make_assignment(composite=self.composite, due_at=self.now, lis_result_sourcedid=self.address)
        await campuses_answered()
        await ClockWatch.create(id=1, seen_at=self.now)
        self.before = await read_row(self.id)

    @property
    def real(self) -> int:
        """The time that passes for requests."""
        return self.now - self.ahead

    @property
    def other(self) -> str:
        return "1" if self.newest == "0" else "0"

    @property
    def to_send(self) -> str | None:
        return self.newest if self.attached and self.block_known else None

    async def score(self, text: str) -> None:
        self.scored_us += 2
        async with in_transaction():
            applied, changed = await self._apply(text, self.scored_us)
            assert (applied, changed) == (True, text != self.newest)
            if changed:
                changes = [Change(self.id, "composite" if self.composite else "leaf")]
                (dirty,) = await change(changes, now=self.now, debounce=DEBOUNCE)
                self.messages.append(dirty.due_at)
                self._was_unparked()
        self.newest = text

    async def go_back(self) -> None:
        """The score becomes the one that is most easily taken for what the campus holds."""
        if self.acknowledged not in (None, self.newest):
            await self.score(self.acknowledged)

    async def older_score(self, text: str) -> None:
        """A change that happened before the newest one arrives after it."""
        applied, changed = await self._apply(text, self.scored_us - 1)
        assert not applied
        assert not changed

    async def _apply(self, text: str, modified_us: int) -> tuple[bool, bool]:
        return await apply_score(LEARNER, COURSE, self.problem, points=(float(text), 1.0), modified_us=modified_us)

    async def attach(self, *, attached: bool) -> None:
        """A new structure has the problem below the block, or no longer."""
        self.attached = attached
        await self._structure()

    async def know_block(self, *, known: bool) -> None:
        """A new structure has the block, or no longer."""
        self.block_known = known
        await self._structure()

    async def _structure(self) -> None:
        async with in_transaction():
            await change_waiting(COURSE, now=self.now, debounce=DEBOUNCE, cause=Cause())
            await change_blocks(COURSE, {BLOCK: "composite"}, now=self.now, debounce=DEBOUNCE, cause=Cause())
        self._was_unparked()

    async def move(self) -> None:
        """A launch brings another sourcedid."""
        self.address = "address-1" if self.address == "address-0" else "address-0"
        columns = {"lis_result_sourcedid": self.address, "sourcedid_digest": digest(self.address)}
        async with in_transaction():
            await GradedAssignment.filter(id=self.id).update(**columns)
            await self.force_resend()

    async def force_resend(self) -> None:
        assert await force_resend(self.id, now=self.now)
        self._was_unparked()

    async def unpark(self) -> None:
        await unpark(self.id, now=self.now)
        self._was_unparked()

    def _was_unparked(self) -> None:
        self.unparked_at = self.newest_token

    async def clear_backoff(self) -> None:
        await clear_backoff(self.id, now=self.now)

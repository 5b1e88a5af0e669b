"""What the tool of one learner says, on a stream that real intake reads, and what becomes of its database."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from actors.metrics import Metrics
from daemon.ingest.apply import Applier
from daemon.ingest.batch import Batches
from daemon.ingest.catch_up import CatchUp
from daemon.ingest.stream import StreamRead, parse_id
from models.changes import Debounce
from models.clock_watch import ClockWatch, follow
from models.consumer import LtiConsumer
from models.course import CourseTrees
from models.quarantine import QuarantinedEvent
from models.queries.filter import AssignmentFilter
from models.queries.resend import mark
from models.stream_position import read_position
from tests.models.backup import Backup
from tests.models.platforms import ISSUER, ITEMS, Platform
from tests.models.rows import BLOCK, COURSE, LEARNER, PROBLEM, read_row
from tests.models.simulated_daemons import LEASE, DaemonClock, Time

DEBOUNCE = Debounce(delay_ms=20_000, ceiling_ms=60_000)
#: Milliseconds by which the database's clock may be behind; a stream entry would be refused for its time after that.
_BEHIND = 3_600_000
#: Milliseconds after a person's grade from which on a new score is later by any clock that is known to two seconds.
_CLEARLY_LATER = 5_000


class PlatformTool:
    """The tool, the stream, intake, and the operator; *campus* is the platform."""

    def __init__(self, logs: list[Any]) -> None:
        self.time = Time()
        self.campus = Platform()
        self._logs = logs
        self._stream: list[tuple[str, dict[bytes, bytes]]] = []
        self._us = self._structures = 0
        self._metrics = Metrics("platforms")
        self._start_intake()
        #: What is true: the learner's points of 100, and of how many the block is made.
        self.points: int | None = None
        self.possible = 100
        self.composite = False
        self.scores = 0
        #: Whether a person's grade must have given way: something was ordered, or scored clearly later.
        self.is_ordered = self.is_later = False
        self._graded_by_hand_at = 0
        self.backup: tuple[Backup, Decimal | None] | None = None
        self.restores = 0
        #: Whether the platform's last answer says what its clock is.
        self.knows_clock = False
        self.before: dict[str, Any] = {}

    async def begin_tool(self, *, composite: bool, scopes: str) -> None:
        """The platform is added, the course known, and the learner launches."""
        self.composite = composite
        await follow(self._database_now)
        values = {"issuer": ISSUER, "client_id": "key", "token_url": f"{ISSUER}/t", "consumer_secret": ""}
        consumer = await LtiConsumer.create(
            consumer_name="campus", consumer_key="key", product=self.campus.product, **values
        )
        self.consumer_id = consumer.id
        self._scopes = scopes
        if composite:
            await self.structure(possible=100)
        await self.launch(ITEMS[0])

    @property
    def real(self) -> int:
        return self.time.real

    @property
    def newest(self) -> Decimal | None:
        """What is to be held; None: nothing, or nothing of ours."""
        return None if self.points is None else Decimal(self.points) / self.possible

    async def _database_now(self) -> int:
        return self.time.ms

    # --- What the tool says ---

    async def score(self, points: int | None = None) -> None:
        """Scores go up and down, and seldom come again, unless *points* says so."""
        self.scores += 1
        self.points = self.scores * 7 % 100 if points is None else points
        await self._say("score.changed", **self._problem, points_earned=self.points, points_possible=100)

    async def clear(self) -> None:
        """What the learner did is taken back."""
        self.points = None
        await self._say("score.cleared", **self._problem)

    async def structure(self, *, possible: int) -> None:
        """The course as it is now: the block has a second problem, which the learner has not tried, or none."""
        self.possible = possible
        self._structures += 1
        others = {"other problem": (BLOCK, possible - 100)} if possible > 100 else {}
        blocks = {"course": (None, None), BLOCK: ("course", None), PROBLEM: (BLOCK, 100), **others}
        said = [
            {"usage_id": usage, "parent": parent, "points_possible": points}
            for usage, (parent, points) in blocks.items()
        ]
        await self._say("course.structure", course_id=COURSE, version=self._structures, blocks=json.dumps(said))

    async def launch(self, item: str) -> None:
        """The learner comes through the same link; its line item may be another one now."""
        if item != self.campus.item:
            self.is_ordered = True
        self.campus.item = item
        names = {"issuer": ISSUER, "client_id": "key", "lineitem": item, "lti_user_id": "user", "scopes": self._scopes}
        whose = {"user_id": LEARNER, "course_id": COURSE, "usage_id": BLOCK, "resource_link_id": "link"}
        await self._say("launch", **names, **whose)

    @property
    def _problem(self) -> dict[str, str]:
        return {"user_id": LEARNER, "course_id": COURSE, "usage_id": PROBLEM if self.composite else BLOCK}

    async def _say(self, kind: str, **fields: Any) -> None:
        self._us = max(self._us, self.real * 1000) + 2
        modified = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self._us)).isoformat()
        texts = {"type": kind, "modified": modified, **fields}
        entry = {name.encode(): str(text).encode() for name, text in texts.items()}
        self._stream.append((f"{self.real}-{len(self._stream)}", entry))
        if self.real - self._graded_by_hand_at > _CLEARLY_LATER and self.time.ahead <= 0:
            # Where the database's clock is ahead of the tool's, a score seems to be as much older than it is.
            self.is_later = True
        await self.intake()

    # --- Intake ---

    def _start_intake(self) -> None:
        self.catch_up, self._clock = CatchUp(), DaemonClock(self.time)
        applier = Applier(CourseTrees(), DEBOUNCE)
        self._batches = Batches(applier, self._clock, self.catch_up, self._metrics, _enqueue)  # type: ignore[arg-type]

    async def intake(self) -> None:
        """It reads all that it has not read, and catches up."""
        self._clock.look()
        seen = await self._observe()
        if seen.entries:
            is_behind = not self.catch_up.applied
            before = await self._version()
            await self._batches.take(await read_position(), seen.entries)
            assert not await QuarantinedEvent.exists(), "an event was refused"
            await self._observe()
            await self._note_replays(before, is_behind=is_behind)
        assert self.catch_up.applied, "intake does not catch up"

    async def _note_replays(self, before: int | None, *, is_behind: bool) -> None:
        if before is None or not is_behind:
            return
        row = await read_row(self.id)
        if row["version_number"] > before:
            self.is_ordered = True
            assert row["ordered_version"] > before, "what is read again after a restore orders nothing"

    async def _version(self) -> int | None:
        return (await read_row(self.id))["version_number"] if self.before else None

    async def _observe(self) -> StreamRead:
        position = await read_position()
        here = parse_id(position.entry_id)
        left = [entry for entry in self._stream if parse_id(entry[0]) > here]
        last = self._stream[-1][0] if self._stream else "0-0"
        seen = StreamRead(left, last, self._stream[0][0] if self._stream else None, at_position=True)
        self.catch_up.observe(position.epoch, position.entry_id, seen)
        return seen

    # --- The operator, people, and servers ---

    async def force(self) -> None:
        wanted = AssignmentFilter(assignment_id=self.id)
        assert await mark(wanted, first=self.id, last=self.id, now=self.time.ms, force=True) == 1
        self.is_ordered = True

    def grade_by_hand(self) -> None:
        self.campus.grade_by_hand(now=self.real)
        self.is_ordered = self.is_later = False
        self._graded_by_hand_at = self.real

    def pass_time(self, milliseconds: int) -> None:
        self.time.real += milliseconds
        self.campus.lose_what_is_late(self.real)

    async def back_up(self) -> None:
        self.backup = await Backup.take(), self.newest

    async def restore(self, *, land: bool) -> None:
        """
        The backup is put back, which takes longer than a lease, with daemons that send or none.

        Args:
            land: Requests whose sender no longer waits land meanwhile, or never.
        """
        assert self.backup is not None
        while land and (late := self.campus.next_to_land()) is not None:
            self.campus.apply(late, now=self.real)
        self.pass_time(LEASE + 1_000)
        await self.backup[0].put_back()
        self.restores += 1
        await follow(self._database_now)
        self.time.steps = (await ClockWatch.get()).steps
        self.knows_clock = False
        self.before = await read_row(self.id)

    async def step_clock(self, milliseconds: int) -> None:
        """The database's clock steps; forward, where it would be too far behind."""
        if self.time.ahead + milliseconds < -_BEHIND:
            milliseconds = -milliseconds
        await self.was_looked_at()
        self.time.ahead += milliseconds
        assert await follow(self._database_now) == milliseconds
        self.time.steps += 1
        if milliseconds > 0:
            # No other than a time without daemons: until its next answer the platform's clock is as it was.
            self.knows_clock = False
        self.before = await read_row(self.id)

    async def was_looked_at(self) -> None:
        """Some daemon looks at the clock twice a second."""
        await ClockWatch.filter(id=1).update(seen_at=self.time.ms)

    id: int


async def _enqueue(dirty: Any) -> None:
    """The driver says when a message comes."""

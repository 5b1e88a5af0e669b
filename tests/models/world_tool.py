"""What the tool of a small world says, on a stream that may lose its newest entries and be read again."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tortoise.transactions import in_transaction

from daemon.ingest.apply import Applier
from daemon.ingest.batch import Batches, PositionMovedError
from daemon.ingest.catch_up import CatchUp
from daemon.ingest.stream import STREAM_START
from models import consumer_admin
from models.changes import Debounce
from models.clock_watch import follow
from models.course import CourseTrees
from models.quarantine import QuarantinedEvent
from models.stream_position import lock_position, move_position, read_position
from tests.models.oracle import Address, Blocks, Expected, Moment, Owner, Place
from tests.models.rows import COURSE
from tests.models.simulated_daemons import DaemonClock
from tests.models.world_campuses import CONSUMERS, SERVICES, STRUCTURES, place_of
from tests.models.world_daemons import Daemons

DEBOUNCE = Debounce(delay_ms=20_000, ceiling_ms=60_000)
#: The times that the tool gives: its own, that of its last event once more, or none.
NOW, TIED, ABSENT = "now", "tied", "absent"


@dataclass(frozen=True, slots=True)
class Said:
    """One entry of the stream. *expect* applies it to what is expected; true if it cannot be applied."""

    entry_id: str
    fields: dict[bytes, bytes]
    expect: Callable[[], bool]


class Tool(Daemons):
    """The tool, its stream, and intake."""

    def __init__(self, logs: list[Any], *, max_per_campus: int, caught_up: bool) -> None:
        super().__init__(logs, max_per_campus=max_per_campus)
        self.expected = Expected()
        #: The rows as they were read last, by id.
        self.rows: dict[int, dict[str, Any]] = {}
        self.last_launch: tuple[Place, Owner] | None = None
        #: Where a row ever was.
        self.places: list[Place] = []
        #: Addresses at which rows of two consumers were at once.
        self.shared: set[Address] = set()
        #: Which times the tool gives to its events.
        self.when = NOW
        self._stream: list[Said] = []
        self._catch_up = CatchUp()
        self._catch_up.applied = caught_up
        self._us = self._version = self._entries = 0
        self._clock = DaemonClock(self.time)

    async def start(self) -> None:
        await follow(self._database_now)
        for key in CONSUMERS:
            await consumer_admin.add(key, key, "secret", guid=None, now=self.time.ms)
        applier = Applier(CourseTrees(), DEBOUNCE)
        self._batches = Batches(applier, self._clock, self._catch_up, self.metrics, self._enqueue)

    async def _enqueue(self, dirty: Any) -> None:
        await self.daemons[0].outcomes.enqueue_dirty(dirty)

    # --- The stream ---

    def _next(self) -> Moment:
        """The moment of the next event."""
        if self.when == NOW:
            # After whatever happened in this millisecond: a launch unparks what was parked before it.
            self._us = max(self._us, self.time.real * 1000) + 2
        return self.time.real * 1000 if self.when == ABSENT else self._us, self._entries + 1

    async def _say(
        self, kind: str, moment: Moment | None, expect: Callable[[], bool], *, timed: bool = False, **fields: Any
    ) -> None:
        """*moment*: None for what has no time. *timed*: whether the event names it in any case."""
        self._entries += 1
        texts = {"type": kind, **fields}
        if moment is not None and (timed or self.when != ABSENT):
            texts["modified"] = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment[0])).isoformat()
        entry = {name.encode(): str(text).encode() for name, text in texts.items()}
        self._stream.append(Said(f"{self.time.real}-{self._entries}", entry, expect))
        await self._read(self._stream[-1])

    async def _read(self, said: Said) -> None:
        refused = said.expect()
        await self._take(said)
        assert await QuarantinedEvent.exists() == refused, "an event was refused, or one that says nothing was applied"
        await QuarantinedEvent.all().delete()
        await self.look()

    async def _take(self, said: Said) -> None:
        entries, position = [(said.entry_id, said.fields)], await read_position()
        if not self._clock.is_current:
            try:
                await self._batches.take(position, entries)
            except PositionMovedError:
                self._clock.look()
            else:
                raise AssertionError("an event is applied by a clock that has stepped")
        await self._batches.take(position, entries)

    async def read_again(self, *, lost: int) -> None:
        """The stream loses its newest entries, which were read, and is read again from its start."""
        del self._stream[max(1, len(self._stream) - lost) :]
        async with in_transaction():
            position = await lock_position()
            assert position is not None
            await move_position(position.epoch + 1, STREAM_START)
        for said in self._stream:
            await self._read(said)

    async def look(self) -> None:
        """What holds after every step."""
        raise NotImplementedError

    # --- What is said ---

    async def score(self, user: str, problem: str, earned: int, *, ago: int | None = None) -> None:
        """A new score; or one from *ago* microseconds before the newest, which comes after it: 0 for the same time."""
        known = self.expected.scores.get((user, problem))
        is_new = ago is None or known is None
        moment = self._next() if is_new else (known[2][0] - ago, self._entries + 1)
        changed = False

        def expect() -> bool:
            nonlocal changed
            changed = self.expected.score(user, problem, earned, 2.0, moment)
            return False

        points = {"points_earned": earned, "points_possible": 2}
        where = {"user_id": user, "course_id": COURSE, "usage_id": problem}
        await self._say("score.changed", moment, expect, timed=not is_new, **where, **points)
        for row in self.rows.values() if changed else ():
            if row["user_id"] == user and self.expected.touches(user, problem, row["usage_id"]):
                assert row["version_number"] > row["sent_version"], "a new score, and a clean grade"

    async def structure(self, name: str, *, stale: bool = False) -> None:
        """A new structure of the course; or an old one, which comes late."""
        version = self._next_version(stale=stale)
        await self._say(
            "course.structure",
            None,
            lambda: self.expected.structure(STRUCTURES[name], version) or False,
            **_structure(STRUCTURES[name], version),
        )

    async def own_structure(self, user: str, name: str | None, *, stale: bool = False) -> None:
        """A learner's own, or None: none any more; or an old one, which comes late."""
        version, moment = self._next_version(stale=stale), self._next()
        blocks = None if name is None else STRUCTURES[name]
        await self._say(
            "course.structure",
            moment,
            lambda: self.expected.own_structure(user, blocks, version, moment) or False,
            user_id=user,
            **_structure(blocks or {}, version),
        )

    def _next_version(self, *, stale: bool) -> int:
        self._version += 2
        return self._version - (3 if stale else 0)

    def place(self, consumer: str, user: str, block: str, *, service: int = 0, another: bool = False) -> Place:
        """Where a campus wants a grade; *another* sourcedid is one that it gave out anew."""
        services = SERVICES[consumer]
        return consumer, services[service % len(services)], f"{user}/{block}/2" if another else f"{user}/{block}"

    async def launch(self, place: Place, user: str, block: str) -> None:
        """A learner goes to a block."""
        said = Owner(user, block, f"link of {block}", self._next())
        self.last_launch = place, said
        applied = await self._launch(place, said)
        if applied:
            (row,) = [row for row in self.rows.values() if place_of(row) == place]
            parked_after = row["parked_at"] is not None and row["parked_at"] * 1000 >= said.moment[0]
            assert row["parked_at"] is None or parked_after, "stuck: parked after a launch"
            assert row["not_before"] <= self.time.ms, "stuck: backs off after a launch"

    async def launch_again(self, *, ago: int, another: bool) -> None:
        """The last launch comes again, or one from *ago* microseconds before it, perhaps with another sourcedid."""
        if self.last_launch is not None:
            (consumer, url, sourcedid), said = self.last_launch
            if another:
                sourcedid = sourcedid.removesuffix("/2") if sourcedid.endswith("/2") else f"{sourcedid}/2"
            again = replace(said, moment=(said.moment[0] - ago, self._entries + 1))
            await self._launch((consumer, url, sourcedid), again, timed=True)

    async def _launch(self, place: Place, said: Owner, *, timed: bool = False) -> bool:
        if place not in self.places:
            self.places.append(place)
        applied = False

        def expect() -> bool:
            nonlocal applied
            ids = {place_of(row): row["id"] for row in self.rows.values()}
            known = self.expected.known(place, said)
            applied = self.expected.launch(place, said)
            if applied:
                self.displace([ids[other] for other in known[1:]], ids[known[0]] if known else None)
                if any(other[0] != place[0] and other[1:] == place[1:] for other in self.expected.owners):
                    self.shared.add(place[1:])
            return False

        names = {"oauth_consumer_key": place[0], "lis_outcome_service_url": place[1], "lis_result_sourcedid": place[2]}
        whose = {"user_id": said.user, "course_id": COURSE, "usage_id": said.block, "resource_link_id": said.link}
        await self._say("launch", said.moment, expect, timed=timed, **names, **whose)
        return applied

    async def retire(self, user: str) -> None:
        """A learner is forgotten; what is under way may still land, and its delivery record goes."""
        moment = self._next()

        def expect() -> bool:
            self.expected.retire(user, moment)
            self.displace([row["id"] for row in self.rows.values() if place_of(row) not in self.expected.owners], None)
            return False

        await self._say("user.retired", moment, expect, user_id=user)

    async def disable(self, place: Place) -> None:
        """A sourcedid is taken back."""
        consumer, _, sourcedid = place
        moment = self._next()

        names = {"oauth_consumer_key": consumer, "lis_result_sourcedid": sourcedid}
        await self._say(
            "assignment.disabled", moment, lambda: self.expected.disable(consumer, sourcedid, moment), **names
        )

    def displace(self, goes: list[int], stays: int | None) -> None:
        """Rows go with their delivery records, or leave these to the one that stays."""
        unended = {attempt.token for attempt in self.attempts} | {attempt.token for attempt in self.gone}
        for token, row in self.ledgers.items():
            if row in goes:
                self.ledgers[token] = stays
                if token in unended:
                    self.results[token] = ""


def _structure(blocks: Blocks, version: int) -> dict[str, Any]:
    listed = [
        {"usage_id": usage, "parent": parent, "points_possible": possible}
        for usage, (parent, possible) in blocks.items()
    ]
    return {"course_id": COURSE, "version": version, "blocks": json.dumps(listed)}

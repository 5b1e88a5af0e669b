"""
A model of a small world: two learners, problems and a chapter, three campuses, and daemons that may fail.

Everything that intake and the daemons do is done by the real code: events are read, applied and committed as from the
stream; the dispatcher picks what is due; attempts claim, send, finish and hand over. The model is the world around it:
what is said, what the campuses do with a request and when, which daemon is slow, freezes, dies or joins, which messages
are lost, and how time passes. And it counts the requests that may be under way at each campus, apart from the database.

It takes for granted what :mod:`tests.models.life` does, and two things more. A sourcedid that one assignment gave up is
not launched for another one while a request for it may still land. And an attempt whose assignment was deleted does not
begin to send after its lease, and what it sent has landed by then, whatever the answer.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from daemon.ingest.apply import Applier
from daemon.ingest.batch import Batches
from daemon.ingest.catch_up import CatchUp
from models import consumer_admin
from models.changes import Debounce
from models.course import CourseTrees
from models.quarantine import QuarantinedEvent
from models.stream_position import read_position
from tests.models.oracle import Address, Expected, Owner
from tests.models.rows import COURSE, address_of, check_order, read_rows
from tests.models.simulated_daemons import Attempt
from tests.models.world_campuses import SERVICES, STRUCTURES, campus_of
from tests.models.world_daemons import Daemons

DEBOUNCE = Debounce(delay_ms=20_000, ceiling_ms=60_000)


class World(Daemons):
    """The world, with an empty database open. Each public method is one step."""

    def __init__(self, logs: list[Any], *, max_per_campus: int, caught_up: bool) -> None:
        super().__init__(logs, max_per_campus=max_per_campus)
        self.expected = Expected()
        #: The rows as they were read last, by id.
        self.rows: dict[int, dict[str, Any]] = {}
        self.last_launch: tuple[str, Address, Owner] | None = None
        self.paused: set[str] = set()
        self._catch_up = CatchUp()
        self._catch_up.applied = caught_up
        self._us = self._version = self._entries = 0

    async def start(self) -> None:
        for key in SERVICES:
            await consumer_admin.add(key, key, "secret", guid=None, now=self.time.ms)
        applier = Applier(CourseTrees(), DEBOUNCE)
        self._batches = Batches(applier, self.time, self._catch_up, self.metrics, self._enqueue)

    async def _enqueue(self, dirty: Any) -> None:
        await self.daemons[0].outcomes.enqueue_dirty(dirty)

    # --- What the tool says ---

    def _modified(self) -> int:
        # After whatever happened in this millisecond: a launch unparks what was parked before it.
        self._us = max(self._us, self.time.ms * 1000) + 2
        return self._us

    async def _say(self, kind: str, modified: int | None = None, **fields: Any) -> None:
        self._entries += 1
        texts = {"type": kind, **fields}
        if modified is not None:
            texts["modified"] = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=modified)).isoformat()
        entry = {name.encode(): str(text).encode() for name, text in texts.items()}
        await self._batches.take(await read_position(), [(f"{self.time.ms}-{self._entries}", entry)])
        assert not await QuarantinedEvent.exists(), "an event was refused"

    async def score(self, user: str, problem: str, earned: int, *, ago: int | None = None) -> None:
        """A new score; or one from *ago* microseconds before the newest, which comes after it: 0 for the same time."""
        known = self.expected.scores.get((user, problem))
        modified = self._modified() if ago is None or known is None else known[2] - ago
        self.expected.score(user, problem, earned, 2.0, modified)
        points = {"points_earned": earned, "points_possible": 2}
        await self._say("score.changed", modified, user_id=user, course_id=COURSE, usage_id=problem, **points)
        await self.look()
        if known is None or (known[0] != earned and not ago):
            for row in self.rows.values():
                if row["user_id"] == user and self.expected.touches(problem, row["usage_id"]):
                    assert row["version_number"] > row["sent_version"], "a new score, and a clean grade"

    async def structure(self, name: str, *, stale: bool = False) -> None:
        """A new structure of the course; or an old one, which comes late."""
        version = self._version - 1 if stale else self._version + 1
        if not stale:
            self.expected.blocks, self._version = STRUCTURES[name], version
        blocks = [
            {"usage_id": usage, "parent": parent, "points_possible": possible}
            for usage, (parent, possible) in STRUCTURES[name].items()
        ]
        await self._say("course.structure", course_id=COURSE, version=version, blocks=json.dumps(blocks))

    def address(self, campus: str, user: str, block: str, *, service: int = 0, another: bool = False) -> Address:
        """Where a campus wants a grade; *another* sourcedid is one that it gave out anew."""
        services = SERVICES[campus]
        return services[service % len(services)], f"{user}/{block}/2" if another else f"{user}/{block}"

    async def launch(self, campus: str, user: str, block: str, address: Address) -> None:
        """A learner goes to a block."""
        await self._launch(campus, address, Owner(user, block, f"link of {block}", self._modified()), anew=True)

    async def launch_again(self, *, ago: int, another: bool) -> None:
        """The last launch comes again, or one from *ago* microseconds before it, perhaps with another sourcedid."""
        if self.last_launch is not None:
            campus, (url, sourcedid), said = self.last_launch
            if another:
                sourcedid = sourcedid.removesuffix("/2") if sourcedid.endswith("/2") else f"{sourcedid}/2"
            await self._launch(campus, (url, sourcedid), replace(said, modified=said.modified - ago), anew=False)

    async def _launch(self, campus: str, address: Address, said: Owner, *, anew: bool) -> None:
        services = frozenset(SERVICES[campus])
        ids = {address_of(row): row["id"] for row in self.rows.values()}
        known = ([address] if address in ids else []) + self.expected.displaced_by(address, said, services)
        if address not in ids and self._may_land_at(address, but_of=ids[known[0]] if known else None):
            return
        if anew:
            self.last_launch = (campus, address, said)
        applied = self.expected.launch(address, said, services)
        if applied and len(known) > 1:
            self._displace([ids[other] for other in known[1:]], ids[known[0]])
        await self._say(
            "launch",
            said.modified,
            oauth_consumer_key=campus,
            user_id=said.user,
            course_id=COURSE,
            usage_id=said.block,
            lis_result_sourcedid=address[1],
            lis_outcome_service_url=address[0],
            resource_link_id=said.link,
        )
        await self.look()
        if applied and anew:
            row = next(row for row in self.rows.values() if address_of(row) == address)
            assert row["parked_at"] is None, "stuck: parked after a launch"
            assert row["not_before"] <= self.time.ms, "stuck: backs off after a launch"

    def _may_land_at(self, address: Address, *, but_of: int | None) -> bool:
        unsent = [attempt.token for attempt in self.attempts if attempt.token and attempt.address == address]
        sent = [request.token for request in self.campus.under_way() if request.address == address]
        return any(self.ledgers[token] != but_of for token in unsent + sent)

    async def retire(self, user: str) -> None:
        """A learner is forgotten; what is under way may still land, and its delivery record goes."""
        modified = self._modified()
        self.expected.retire(user, modified)
        self._displace([row["id"] for row in self.rows.values() if row["user_id"] == user], None)
        await self._say("user.retired", modified, user_id=user)

    def _displace(self, goes: list[int], stays: int | None) -> None:
        for attempt in [attempt for attempt in self.attempts if attempt.assignment_id in goes]:
            if attempt.request is None or not attempt.may_crash:
                self._lose(attempt)
            elif attempt.request.under_way:
                attempt.request.limit = attempt.latest
        self.campus.lose_what_is_late(self.time.ms)
        unended = {attempt.token for attempt in self.attempts} | {attempt.token for attempt in self.gone}
        for token, row in self.ledgers.items():
            if row in goes:
                self.ledgers[token] = stays
                if token in unended:
                    self.results[token] = ""

    def _lose(self, attempt: Attempt) -> None:
        self.die(attempt)
        if attempt.request is not None and attempt.request.under_way:
            attempt.request.lost = True

    async def disable(self, which: int) -> None:
        """A sourcedid is taken back."""
        if self.rows:
            row = list(self.rows.values())[which % len(self.rows)]
            campus, modified = campus_of(row), self._modified()
            sourcedid = row["lis_result_sourcedid"]
            self.expected.disable(sourcedid, frozenset(SERVICES[campus]), modified)
            names = {"oauth_consumer_key": campus, "lis_result_sourcedid": sourcedid}
            await self._say("assignment.disabled", modified, **names)

    # --- What the operator does ---

    async def correct(self, campus: str) -> None:
        """The consumer is added once more, with another secret."""
        assert not await consumer_admin.add(campus, campus, "another secret", guid=None, now=self.time.ms)
        await self.look()
        for row in self.rows.values():
            if row["url"] in SERVICES[campus]:
                assert row["parked_scope"] != "campus", "stuck: parked for what was corrected"

    async def pause(self, campus: str) -> None:
        self.paused.add(campus)
        await consumer_admin.pause(campus, now=self.time.ms)

    async def resume(self, campus: str) -> None:
        self.paused.discard(campus)
        await consumer_admin.resume(campus, now=self.time.ms)

    # --- What must hold ---

    async def look(self) -> None:
        """What holds after every step."""
        rows = {row["id"]: row for row in await read_rows()}
        owners = {
            address_of(row): (row["user_id"], row["usage_id"], row["disabled_at"] is None) for row in rows.values()
        }
        assert owners == {
            address: (owner.user, owner.block, owner.enabled) for address, owner in self.expected.owners.items()
        }, "registered otherwise than launched"
        for row in rows.values():
            check_order(row, self.rows.get(row["id"], row))
            if row["disabled_at"] is None:
                self._check_grade(row)
        self.rows = rows

    def _check_grade(self, row: dict[str, Any]) -> None:
        grade = self.expected.grade(row["user_id"], row["usage_id"])
        if row["parked_at"] is not None:
            assert self.texts[row["claim_token"]] == grade, "stuck: parked, though this score was not refused"
        elif row["waiting_since"] is not None:
            assert self.expected.is_unknown(row["user_id"], row["usage_id"]), "stuck: waits for what is there"
        elif row["version_number"] == row["sent_version"] and grade is not None and not self._has_sent(row["id"]):
            assert self.campus.holds.get(address_of(row)) == grade, "stale"

    def _has_sent(self, assignment_id: int) -> bool:
        """Whether a sender that sent has yet to finish, and so to learn that it was fenced."""
        return any(attempt.request and attempt.assignment_id == assignment_id for attempt in self.attempts)

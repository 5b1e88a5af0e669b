"""
A model of a small world: two learners, problems and a chapter, three campuses, and daemons that may fail.

Everything that intake and the daemons do is done by the real code: events are read, applied and committed as from the
stream; the dispatcher picks what is due; attempts claim, send, finish and hand over. The model is the world around it:
what is said, how often it is read, what the operator does, what the campuses do with a request and when, which daemon
is slow, freezes, dies or joins, which messages are lost, how time passes, and how the database's clock steps. And it
counts the requests that may be under way at each campus, apart from the database.

It takes for granted what :mod:`tests.models.life` does, and what real life cannot do without:

- The clocks of the tool and of the stream are right, and the database's is never more than an hour behind: entries go
  to quarantine then. A launch unparks what was parked before it by both clocks, so at the end the clock is set right.
- When the clock steps, one daemon notices at once; the others look twice a second, but one that is frozen, or whose
  attempt ends before it looks, goes by the old time.
- At a cell where rows of two consumers are at once it is not known which grade must stay, as of then.
"""

from typing import Any

from models import consumer_admin
from tests.models.oracle import Address
from tests.models.rows import TIMES, address_of, check_order, read_campuses, read_rows
from tests.models.world_campuses import place_of
from tests.models.world_tool import Tool

#: Milliseconds that a row may have to wait, or a campus may be blocked, at most; no rule allows more.
LONGEST_WAIT = 2 * 3_600_000


class World(Tool):
    """The world, with an empty database open. Each public method is one step."""

    def __init__(self, logs: list[Any], *, max_per_campus: int, caught_up: bool) -> None:
        super().__init__(logs, max_per_campus=max_per_campus, caught_up=caught_up)
        self.paused: set[str] = set()

    # --- What the operator does ---

    async def correct(self, consumer: str) -> None:
        """The consumer is added once more, with another secret."""
        assert not await consumer_admin.add(consumer, consumer, "another secret", guid=None, now=self.time.ms)
        await self.look()
        for row in self.rows.values():
            if row["consumer_key"] == consumer:
                assert row["parked_scope"] != "campus", "stuck: parked for what was corrected"

    async def remove(self, consumer: str) -> None:
        """The consumer is removed with all that it has, and added again."""
        self.displace([row["id"] for row in self.rows.values() if row["consumer_key"] == consumer], None)
        self.expected.remove(consumer)
        self.paused.discard(consumer)
        await consumer_admin.remove(consumer, now=self.time.ms)
        await consumer_admin.add(consumer, consumer, "secret", guid=None, now=self.time.ms)
        await self.look()

    async def pause(self, consumer: str) -> None:
        self.paused.add(consumer)
        await consumer_admin.pause(consumer, now=self.time.ms)

    async def resume(self, consumer: str) -> None:
        self.paused.discard(consumer)
        await consumer_admin.resume(consumer, now=self.time.ms)

    # --- The clock ---

    async def step_clock(self, milliseconds: int, *, seen_by: int) -> None:
        await super().step_clock(milliseconds, seen_by=seen_by)
        self.rows = {row["id"]: row for row in await read_rows()}

    # --- What must hold ---

    async def look(self) -> None:
        """What holds after every step."""
        rows = {row["id"]: row for row in await read_rows()}
        owners = {place_of(row): (row["user_id"], row["usage_id"], row["disabled_at"] is None) for row in rows.values()}
        assert owners == {
            place: (owner.user, owner.block, owner.enabled) for place, owner in self.expected.owners.items()
        }, "registered otherwise than launched"
        for row in rows.values():
            check_order(row, self.rows.get(row["id"], row))
            assert max(row[name] or 0 for name in TIMES) <= self.time.ms + LONGEST_WAIT, "waits for too long"
            if row["disabled_at"] is None:
                self._check_grade(row)
        for campus in await read_campuses():
            assert campus["blocked_until"] <= self.time.ms + LONGEST_WAIT, "blocked for too long"
        self.rows = rows

    def _check_grade(self, row: dict[str, Any]) -> None:
        grade = self.expected.grade(row["user_id"], row["usage_id"])
        if row["parked_at"] is not None:
            # A retirement may have taken the score of a row whose launch is later.
            forgotten = grade is None and row["user_id"] in self.expected.retired
            assert forgotten or self.texts[row["claim_token"]] == grade, (
                "stuck: parked, though this score was not refused"
            )
            assert row["parked_at"] <= self.time.ms, "parked in the future: no launch will unpark it"
        elif row["waiting_since"] is not None:
            assert self.expected.is_unknown(row["user_id"], row["usage_id"]), "stuck: waits for what is there"
        elif row["version_number"] == row["sent_version"] and grade is not None:
            address = address_of(row)
            if address not in self.shared and not self._has_sent(address):
                assert self.campus.holds.get(address) == grade, "stale"

    def _has_sent(self, address: Address) -> bool:
        """Whether a sender that sent has yet to finish, and so to learn that it was fenced, or that its row is gone."""
        return any(attempt.request and attempt.address == address for attempt in self.attempts)

"""
The states of an assignment: every verb in every state does what docs/state_machine.md says, and nothing else.

Rows come into each state by the real functions, and each of them has lost a claim before, whose holder may come back.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from models.address import AddressAnswer, note_answers, try_again
from models.assignment import GradedAssignment
from models.campus import Campus
from models.changes import Cause, Change, Debounce, change, change_waiting, clear_backoff, force_resend, unpark
from models.claims import Claim, claim, claim_for_reading
from models.consumer import LtiConsumer
from models.db.sql import Statement
from models.delivery import Delivery
from models.destination import OutcomeService
from models.disabling import disable
from models.finish import Finish, Outcome
from models.launch import Registration
from models.moment import Moment
from models.queries.baseline import TakenOver, take_over
from models.registration import register
from models.rescue import rescue
from models.retirement import retire
from models.states import STATE, STATES
from models.stream_position import read_position
from models.unoffered import NOT_OFFERED, bring_back_offered, park_unoffered
from tests.models.claiming import LEASE, all_ended, claimed, lease
from tests.models.launching import LINKED

DOCUMENT = (Path(__file__).parents[2] / "docs" / "state_machine.md").read_text()
#: Milliseconds.
NOW, MINUTE, DAY = 1_700_000_000_000, 60_000, 86_400_000
DEBOUNCE = Debounce(delay_ms=20_000, ceiling_ms=600_000)
STARTS = ("clean", "due", "waiting: time", "waiting: structure", "claimed", "parked", "disabled")
DASH = "\u2013"

_STATE = Statement(f"SELECT {STATE} AS state FROM graded_assignment WHERE id = :id")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _table() -> dict[str, dict[str, str]]:
    """By verb and by state before it, the state after it."""
    lines = [line for line in DOCUMENT.split("<!-- verbs -->")[1].splitlines() if line.startswith("|")]
    names = _cells(lines[0])
    return {cells[0]: dict(zip(names[1:], cells[1:], strict=True)) for cells in map(_cells, lines[2:])}


TABLE = _table()


class Row:
    """One assignment at a campus that answers."""

    def __init__(self) -> None:
        self.now = NOW
        self.lost: Claim | None = None
        self.held: Claim | None = None

    @classmethod
    async def at(cls, start: str) -> Row:
        row = cls()
        await LtiConsumer.create(consumer_name="campus", consumer_key="key", consumer_secret="secret")
        row.id = (await register(row._launch("sourcedid"), kind="leaf", now=NOW)).assignment_id
        await Campus.all().update(answered_at=NOW)
        row.lost = await row._claim()
        row.now += LEASE
        assert await rescue(now=row.now) == 1
        match start:
            case "clean":
                await row._attempt("accepted", score="1")
            case "waiting: time":
                await row._attempt("retried", not_before=row.now + MINUTE)
            case "waiting: structure":
                await row._attempt("waiting", given_back=True)
            case "parked":
                await row._attempt("parked", parked_scope="campus", parked_reason="HTTP 404", returns_at=row.now)
            case "claimed":
                row.held = await row._claim()
            case "disabled":
                await disable("key", "sourcedid", moment=Moment(row.now * 1000), now=row.now)
        row.now += 1
        return row

    def _launch(self, sourcedid: str) -> Registration:
        return replace(LINKED, lis_result_sourcedid=sourcedid, modified_us=self.now * 1000)

    async def _claim(self) -> Claim:
        return await claimed(self.id, now=self.now)

    async def _attempt(self, outcome: Outcome, **how: Any) -> None:
        await self._end(Finish(await self._claim(), outcome, **how))

    async def _end(self, end: Finish) -> None:
        await all_ended([end], now=self.now)

    async def state(self) -> str:
        found = await _STATE.row(id=self.id, now=self.now)
        return "gone" if found is None else found["state"]

    # --- Verbs ---

    async def change(self, kind: Any) -> None:
        await change([Change(self.id, kind)], now=self.now, debounce=DEBOUNCE)

    async def change_waiting(self) -> None:
        await change_waiting("course", now=self.now, debounce=DEBOUNCE, cause=Cause())

    async def launch(self, sourcedid: str) -> None:
        await register(self._launch(sourcedid), kind="leaf", now=self.now)

    async def address_accepted(self) -> None:
        row = await GradedAssignment.get(id=self.id)
        await note_answers(
            [AddressAnswer(row.outcome_service_id, row.campus_id, self.now, accepted=True)], now=self.now
        )

    async def take_over(self) -> None:
        # Without the attempt that was lost before.
        await Delivery.filter(result="unknown").delete()
        await GradedAssignment.all().update(forced_version=0, hold_until=0)
        await LtiConsumer.all().update(paused_at=self.now)
        row = await GradedAssignment.get(id=self.id)
        await take_over([TakenOver(row.id, row.version_number, "1", clamped=False)], now=self.now)

    async def disable(self) -> None:
        await disable("key", "sourcedid", moment=Moment(self.now * 1000), now=self.now)

    async def park_unoffered(self) -> None:
        await OutcomeService.all().update(offered="")
        consumer = await LtiConsumer.get()
        await park_unoffered(consumer.id, now=self.now)

    async def bring_back_offered(self) -> None:
        await GradedAssignment.filter(parked_at__isnull=False).update(parked_reason=NOT_OFFERED)
        await bring_back_offered(now=self.now)

    async def retire(self) -> None:
        await retire("learner", await read_position(), moment=Moment(self.now * 1000), now=self.now)

    async def finish(self, outcome: Outcome, **how: Any) -> None:
        assert self.held is not None
        await self._end(Finish(self.held, outcome, **how))

    async def finish_lost(self, *, bytes_left: bool) -> None:
        assert self.lost is not None
        await self._end(Finish(self.lost, "accepted", score="0", bytes_left=bytes_left))

    async def pass_time(self) -> None:
        self.now += DAY
        await rescue(now=self.now)


VERBS: dict[str, Callable[[Row], Awaitable[Any]]] = {
    "change: leaf": lambda row: row.change("leaf"),
    "change: composite": lambda row: row.change("composite"),
    "change_waiting": lambda row: row.change_waiting(),
    "force_resend": lambda row: force_resend(row.id, now=row.now),
    "unpark": lambda row: unpark(row.id, now=row.now),
    "address_accepted": lambda row: row.address_accepted(),
    "try_again": lambda row: try_again(now=row.now + DAY),
    "take_over": lambda row: row.take_over(),
    "clear_backoff": lambda row: clear_backoff(row.id, now=row.now),
    "register: again": lambda row: row.launch("sourcedid"),
    "register: another address": lambda row: row.launch("another"),
    "disable": lambda row: row.disable(),
    "retire": lambda row: row.retire(),
    "claim": lambda row: claim([row.id], lease(row.now), most=1),
    "claim_for_reading": lambda row: claim_for_reading(row.id, lease(row.now)),
    "finish: accepted": lambda row: row.finish("accepted", score="1"),
    "finish: unchanged": lambda row: row.finish("unchanged"),
    "finish: empty": lambda row: row.finish("empty"),
    "finish: released": lambda row: row.finish("released", given_back=True, not_before=row.now + MINUTE),
    "finish: superseded": lambda row: row.finish("superseded", given_back=True),
    "finish: retried": lambda row: row.finish("retried", not_before=row.now + MINUTE),
    "finish: parked": lambda row: row.finish("parked", parked_scope="course", parked_reason="concluded"),
    "finish: waiting": lambda row: row.finish("waiting", given_back=True),
    "finish: in_doubt": lambda row: row.finish("in_doubt", hold_until=row.now + MINUTE, bytes_left=True),
    "finish: overtaken": lambda row: row.finish("overtaken", given_back=True, stamp_from=9),
    "finish: overruled": lambda row: row.finish("overruled"),
    "finish: read": lambda row: row.finish("read", given_back=True),
    "finish: lost claim, nothing sent": lambda row: row.finish_lost(bytes_left=False),
    "finish: lost claim, bytes left": lambda row: row.finish_lost(bytes_left=True),
    "park_unoffered": lambda row: row.park_unoffered(),
    "bring_back_offered": lambda row: row.bring_back_offered(),
    "rescue": lambda row: rescue(now=row.now),
    "time": lambda row: row.pass_time(),
}


@pytest.mark.parametrize("start", STARTS)
async def test_a_row_comes_into_each_state(empty_database, start):
    assert await (await Row.at(start)).state() == start.split(":")[0]
    assert await GradedAssignment.all().count() == 1


@pytest.mark.parametrize(
    ("verb", "start"), [(verb, start) for verb in VERBS for start in STARTS if TABLE[verb][start] != DASH]
)
async def test_a_verb_leaves_a_row_in_the_state_that_the_table_says(empty_database, verb, start):
    row = await Row.at(start)
    await VERBS[verb](row)
    assert await row.state() == TABLE[verb][start]


def test_the_table_has_every_verb_and_state_and_names_no_other():
    assert set(TABLE) == set(VERBS)
    assert {start.split(":")[0] for start in STARTS} == set(STATES)
    for verb, cells in TABLE.items():
        assert set(cells) == set(STARTS), verb
        assert set(cells.values()) <= {*STATES, DASH, "gone"}, verb


def test_only_what_ends_a_claim_has_states_in_which_it_cannot_happen():
    cannot = {verb for verb, cells in TABLE.items() if DASH in cells.values()}
    assert cannot == {f"finish: {outcome}" for outcome in get_args(Outcome)}


def test_the_drawing_has_the_transitions_of_the_table_and_no_other():
    drawn = {
        (before, after): set(verbs.split(", "))
        for before, after, verbs in re.findall(r"^    (\w+) --> (\w+): (.+)$", DOCUMENT, re.MULTILINE)
    }
    expected: dict[tuple[str, str], set[str]] = {}
    for verb, cells in TABLE.items():
        for start, after in cells.items():
            before = start.split(":")[0]
            if after not in (before, DASH, "gone"):
                expected.setdefault((before, after), set()).add(verb.split(":")[0])
    assert drawn == expected

"""Statements for many assignments do to each what their namesakes for one do, and pass over the rest."""

from __future__ import annotations

import pytest
from models.attempt import Accepted, Ended
from models.together import Acceptance

from models import attempt, together
from models.assignment import WAKE_MS, Debounce, Wake, bump
from models.delivery import Line
from tests.models.rows import make_assignment, read_lines, read_row

NOW = 1_000_000
LEASE = 50_000
DIRTY = {"version_number": 4, "sent_version": 3, "sent_score": "0.5", "due_at": NOW - 9_000, "attempts": 2}
LINE = Line("accepted", score="1", clamped=True, http_status=200, code_major="success", description="ö \U0001f600 'x'")

#: Rows of every kind that a claim must tell apart; of these the first two are plain.
KINDS = {
    "plain": {},
    "woken and forced": {"wake_until": NOW + 5, "forced_version": 2},
    "clean": {"version_number": 3},
    "not due": {"due_at": NOW + 1},
    "backing off": {"not_before": NOW + 1},
    "held": {"hold_until": NOW + 1},
    "parked": {"parked_at": 1},
    "disabled": {"disabled_at": 1},
    "waiting": {"waiting_since": 1},
    "claimed": {"claim_token": 5, "claimed_until": NOW + 1},
    "lapsed": {"claim_token": 5, "claimed_until": NOW},
}
PLAIN = 2

pytestmark = pytest.mark.usefixtures("empty_database")


def alike(row):
    """A row but for what names it."""
    own = ("id", "claim_token", "lis_result_sourcedid", "sourcedid_digest")
    return {name: value for name, value in row.items() if name not in own}


async def claim_together(*assignments, first_token=100, now=NOW):
    tokens = [(assignment, first_token + number) for number, assignment in enumerate(assignments)]
    return list((await together.claim(tokens, now=now, lease_ms=LEASE)).values())


async def test_claims_are_those_of_rows_that_are_free_and_plain():
    rows = {kind: await make_assignment(**{**DIRTY, **columns}) for kind, columns in KINDS.items()}
    before = {kind: await read_row(row) for kind, row in rows.items()}
    got = await claim_together(*rows.values())
    assert {claim.assignment_id for claim in got} == {rows[kind] for kind in list(KINDS)[:PLAIN]}
    for kind in list(KINDS)[PLAIN:]:
        assert await read_row(rows[kind]) == before[kind]


@pytest.mark.parametrize("kind", list(KINDS)[:PLAIN])
async def test_a_claim_among_others_is_what_it_is_alone(kind):
    one, other = [await make_assignment(**{**DIRTY, **KINDS[kind]}) for _ in range(2)]
    alone = await attempt.claim(one, token=7, now=NOW, lease_ms=LEASE)
    (among,) = await claim_together(other)
    assert alike(await read_row(one)) == alike(await read_row(other))
    assert {**vars_of(alone), **names(among)} == vars_of(among)


def vars_of(claim):
    return {name: getattr(claim, name) for name in claim.__slots__}


def names(claim):
    return {name: getattr(claim, name) for name in ("assignment_id", "token", "lis_result_sourcedid")}


async def test_of_two_tokens_for_one_row_one_has_it():
    row = await make_assignment(**DIRTY)
    (got,) = await claim_together(row, row)
    assert (await read_row(row))["claim_token"] == got.token


async def test_an_acceptance_among_others_is_what_it_is_alone():
    one, other = [await make_assignment(**DIRTY) for _ in range(2)]
    first, second = await claim_together(one, other)
    alone = await attempt.end(first, Accepted("1"), now=NOW + 9, line=LINE, redo_if_fenced=True)
    acceptance = Acceptance(second, "1", LINE)
    assert await together.accept([acceptance], now=NOW + 9) == {acceptance: alone}
    assert alike(await read_row(one)) == alike(await read_row(other))
    (line,), (other_line,) = await read_lines(one), await read_lines(other)
    own = {"id", "assignment_id", "claim_token"}
    assert {k: v for k, v in line.items() if k not in own} == {k: v for k, v in other_line.items() if k not in own}
    assert other_line["claim_token"] == second.token


async def test_a_row_that_changed_meanwhile_keeps_its_change_and_is_woken():
    row = await make_assignment(**DIRTY)
    (got,) = await claim_together(row)
    await bump(row, kind="leaf", now=NOW + 1, debounce=Debounce(0, 0))
    acceptance = Acceptance(got, "1", LINE)
    ended = await together.accept([acceptance], now=NOW + 9)
    assert ended == {acceptance: Ended(wake=Wake(row, 5, "leaf", NOW + 1))}
    after = await read_row(row)
    assert (after["sent_version"], after["pending_since"]) == (4, NOW)
    assert after["wake_until"] == NOW + 9 + WAKE_MS


async def test_an_acceptance_that_was_fenced_changes_nothing_and_hinders_no_other():
    fenced, plain = [await make_assignment(**DIRTY) for _ in range(2)]
    lost, kept = await claim_together(fenced, plain)
    taken = await attempt.claim(fenced, token=9, now=NOW + LEASE, lease_ms=LEASE)
    before = await read_row(fenced)
    ends = [Acceptance(lost, "1", LINE), Acceptance(kept, "1", LINE)]
    assert list(await together.accept(ends, now=NOW + LEASE)) == [ends[1]]
    assert await read_row(fenced) == before
    assert taken is not None
    assert [line["result"] for line in await read_lines(fenced)] == ["unknown"]


async def test_an_acceptance_may_be_repeated():
    row = await make_assignment(**DIRTY)
    (got,) = await claim_together(row)
    acceptance = Acceptance(got, "1", LINE)
    for _ in range(2):
        assert acceptance in await together.accept([acceptance], now=NOW + 9)
    assert len(await read_lines(row)) == 1


async def test_wake_ups_are_forgotten_and_those_who_are_gone_are_not_told_of():
    row = await make_assignment(**DIRTY, wake_until=NOW)
    assert await together.forget_wakes([row, 4711]) == {row: True}
    assert (await read_row(row))["wake_until"] is None

"""Among 100,000 assignments an attempt reads a few: by the indexes of due and of claimed rows."""

import json
import re
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from tortoise.transactions import in_transaction

from models import claims, due, finishing
from models.assignment import GradedAssignment
from models.campus import Campus
from models.claims import claim
from models.db.database import open_database
from models.db.sql import Statement, connection, is_postgres
from models.due import Share, pick, read_capacity
from models.finish import Finish, HandOver
from models.rescue import _RESCUE, rescue
from tests.models.claiming import LATER, LEASE, MAX_PER_CAMPUS, NOW, all_ended, lease
from tests.models.plans import explained, rows_read
from tests.models.rows import make_service

ROWS = 100_000
#: Rows that one statement may read: some for each claim and each campus, whatever the size of the table.
FEW = 1_000
DUE, CLAIMED = "graded_assignment_due", "graded_assignment_claimed"

# Of each hundred 40 are clean, 40 due and fresh, 10 due and retried, 6 due later; the others are parked, disabled, and
# wait for a structure. The last campus has only clean ones, and most belong to the first one.
_FILL = Statement("""
    INSERT INTO graded_assignment (id, user_id, course_id, usage_id, outcome_service_id, campus_id,
        lis_result_sourcedid, sourcedid_digest, registered_us, note, composite, version_number, sent_version,
        forced_version, due_at, not_before, hold_until, attempts, parked_at, disabled_at, waiting_since)
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :rows)
    SELECT n, 'learner', 'course', 'block', service.id, service.campus_id,
        CAST(n AS VARCHAR), CAST(n AS VARCHAR), 0, '', FALSE, 2, CASE WHEN n % 100 < 40 THEN 2 ELSE 1 END,
        0, :now - n, CASE WHEN n % 100 >= 90 AND n % 100 < 97 THEN :now + n ELSE 0 END, 0,
        CASE WHEN n % 100 >= 80 AND n % 100 < 90 THEN 3 ELSE 0 END,
        CASE WHEN n % 100 = 97 THEN :now END, CASE WHEN n % 100 = 98 THEN :now END,
        CASE WHEN n % 100 = 99 THEN :now END
    FROM numbers JOIN outcome_service AS service ON service.id = CASE
        WHEN n % 100 < 40 THEN 9 WHEN n % 1000 < 900 THEN 1 ELSE 1 + n % 8 END
    RETURNING id""")


@pytest.fixture
async def large(shared_url: str) -> AsyncIterator[str]:
    """A database with that many rows at nine campuses, of which four have as many claims as they may; filled once."""
    async with open_database(shared_url):
        if await GradedAssignment.all().limit(1).count() == 0:
            for number in range(9):
                await make_service(f"campus {number}", f"https://campus-{number}.example/")
            await Campus.all().update(answered_at=1)
            async with in_transaction():
                await _FILL.rows(rows=ROWS, now=NOW)
            if is_postgres():
                await connection().execute_query("ANALYZE")
            for campus in range(1, 5):
                await claim([one.assignment_id for one in await pick([Share(campus, 9)], now=NOW)], lease(), most=99)
        yield shared_url


async def by_indexes(statement: Statement, **parameters: Any) -> set[str]:
    """The indexes by which the statement goes; fails if it reads many rows."""
    if "given" in parameters:
        parameters["given"] = json.dumps(parameters["given"])
    values = [parameters[name] for name in statement.names]
    if is_postgres():
        nodes = await explained(statement, values)
        run = [node for node in nodes if node.get("Relation Name") == "graded_assignment" and node["Actual Loops"]]
        scans = [node for node in run if "Scan" in node["Node Type"]]
        assert "Seq Scan" not in [scan["Node Type"] for scan in scans], nodes
        assert sum(map(rows_read, scans)) <= FEW, nodes
        return {node["Index Name"] for node in nodes if "Index Name" in node}
    steps = await connection().execute_query_dict(f"EXPLAIN QUERY PLAN {statement._sqlite}", values)
    plan = "\n".join(step["detail"] for step in steps)
    scan = rf"^SCAN (graded_assignment|running|due)\b(?! USING (?:COVERING )?INDEX {CLAIMED})"
    assert not re.search(scan, plan, re.MULTILINE), plan
    return set(re.findall(r"INDEX (\w+)", plan))


#: What each claim is made with.
LIMITS = {"now": NOW, "until": NOW + 9, "second": 0, "max_per_campus": MAX_PER_CAMPUS, "most": 64, "steps": 0}


async def test_capacity_goes_by_the_indexes_of_due_and_of_claimed_rows(large):
    indexes = await by_indexes(due._CAPACITY, now=NOW, max_per_campus=MAX_PER_CAMPUS)
    assert indexes >= {DUE, CLAIMED}
    found = {one.campus_id: one.free for one in await read_capacity(now=NOW, max_per_campus=MAX_PER_CAMPUS)}
    full, free = dict.fromkeys(range(1, 5), 0), dict.fromkeys(range(5, 9), MAX_PER_CAMPUS)
    assert found == full | free, "the last has nothing due"


async def test_picking_goes_by_the_index_of_due_rows(large):
    shares = [Share(campus, 8, newest=bool(campus % 2)) for campus in range(1, 10)]
    given = due.as_given(shares)
    assert DUE in await by_indexes(due._PICK, given=given, now=NOW, look=8, partitions=1)
    picked = await pick([Share(campus, 8) for campus in range(1, 10)], now=NOW)
    assert len(picked) == 8 * 8


async def test_a_hand_over_goes_by_the_indexes_of_due_and_of_claimed_rows(large):
    ended = [Share(campus, 2, remainder=remainder) for remainder in range(4) for campus in (1, 5)]
    where = {"given": due.as_given(ended), "look": due.look_at(ended, 4), "partitions": 4}
    assert await by_indexes(claims._CLAIM_NEXT, **where, **LIMITS) >= {DUE, CLAIMED}


@pytest.mark.parametrize("statement", [claims._CLAIM, claims._CLAIM_FOR_READING], ids=["sending", "reading"])
async def test_a_claim_goes_by_ids_and_counts_by_the_index_of_claimed_rows(large, statement):
    due = await pick([Share(campus, 8) for campus in range(1, 10)], now=NOW)
    given = [{"assignment_id": one.assignment_id} for one in due]
    assert CLAIMED in await by_indexes(statement, given=given, **LIMITS)
    await by_indexes(claims._LOCK, given=given)


async def test_an_end_goes_by_ids(large):
    rows = await GradedAssignment.filter(claimed_until__isnull=False)
    ends = [Finish(_claim_of(row), "accepted", score="1") for row in rows]
    await by_indexes(finishing._FINISH, given=[finishing._as_row(end, LATER) for end in ends], now=LATER)
    fence = {"doubt_until": NOW, "resend": True, "ended_at": LATER, "steps": 0}
    given = [{"assignment_id": row.id, **fence} for row in rows]
    await by_indexes(finishing._FENCE, given=given)
    await by_indexes(finishing._HOLDERS, given=given)


def _claim_of(row: GradedAssignment) -> Any:
    """As much of a claim as its end has."""
    address = SimpleNamespace(issuer=None)
    return SimpleNamespace(
        assignment_id=row.id,
        token=row.claim_token,
        version=row.version_number,
        claimed_at=NOW,
        must_go_out=True,
        address=address,
    )


async def test_a_rescue_goes_by_the_index_of_claimed_rows(large):
    assert CLAIMED in await by_indexes(_RESCUE, now=NOW + LEASE, steps=0)


async def test_a_statement_that_reads_many_rows_is_noticed(large):
    for condition in ("note = 'x'", "campus_id = 1"):
        with pytest.raises(AssertionError, match="graded_assignment"):
            await by_indexes(Statement(f"SELECT id FROM graded_assignment WHERE {condition}"))


async def test_attempts_end_and_hand_over_among_so_many(large):
    """What the plans are of does what it is for: last, since it changes the rows of this file."""
    due = await pick([Share(5, 4)], now=NOW)
    got = await claim([one.assignment_id for one in due], lease(), most=9)
    ends = [Finish(one, "accepted", score="1") for one in got]
    found = await all_ended(ends, hand_over=HandOver(lease(LATER), 1))
    assert len([one for one in found.values() if one.next is not None]) == MAX_PER_CAMPUS
    assert await rescue(now=LATER + LEASE) == 5 * MAX_PER_CAMPUS

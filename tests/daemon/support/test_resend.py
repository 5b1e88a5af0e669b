"""Marking many grades goes on, whatever becomes of some of them."""

import pytest

from daemon.support.resend import resend
from models.assignment import GradedAssignment
from models.db.clock import database_now
from models.db.sql import CHUNK, Statement, is_postgres
from models.queries.filter import AssignmentFilter
from tests.models.rows import make_assignment

NOW = 1_000_000
#: What one row refuses to become: its version has no room above it.
_FULL = {"version_number": 2**63 - 1}


@pytest.fixture
async def many(empty_database):
    first = await GradedAssignment.get(id=await make_assignment())
    copies = [first.clone(pk=None) for _ in range(CHUNK + 2)]
    for number, copy in enumerate(copies):
        copy.sourcedid_digest = f"{number:064}"
    await GradedAssignment.bulk_create(copies)
    return first.id


async def test_chunk_after_chunk_is_marked_and_reported(many):
    steps = []
    marked = await resend(AssignmentFilter(), now=lambda: NOW, force=False, advance=steps.append)
    assert (marked.number, marked.failed, steps) == (CHUNK + 3, [], [CHUNK, 3])
    assert await GradedAssignment.filter(version_number=2, due_at=NOW).count() == CHUNK + 3


async def test_one_that_cannot_be_marked_is_named_and_the_others_are_marked(many):
    if not is_postgres():
        # SQLite makes a fraction of what does not fit, where PostgreSQL refuses.
        await Statement("""
            CREATE TRIGGER refuses BEFORE UPDATE ON graded_assignment WHEN old.version_number = 9223372036854775807
            BEGIN SELECT RAISE(ABORT, 'no'); END""").rows()
    await GradedAssignment.filter(id=many).update(**_FULL)
    marked = await resend(AssignmentFilter(), now=lambda: NOW, force=False)
    if not is_postgres():
        await Statement("DROP TRIGGER refuses").rows()
    assert marked.number == CHUNK + 2
    assert [assignment for assignment, _ in marked.failed] == [many]


async def test_a_clock_that_was_set_back_since_makes_nothing_wait(empty_database):
    await make_assignment()
    ahead = await database_now() + 3_600_000
    await resend(AssignmentFilter(), now=lambda: ahead, force=True)
    assert (await GradedAssignment.get()).due_at <= await database_now()

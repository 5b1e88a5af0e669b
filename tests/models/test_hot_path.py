"""Every statement of intake and of an attempt goes by an index, however large the tables grow."""

from __future__ import annotations

import re

import pytest

from daemon.ingest import apply
from models import assignment, attempt, course, delivery, registration, score, together
from models import stale_event as stale
from models import stream_position as intake
from models.db.sql import Statement
from tests.models.queries.test_grades import plan

MODULES = (assignment, attempt, course, delivery, intake, registration, score, stale, together, apply)
STATEMENTS = {
    f"{module.__name__}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, Statement)
}
#: What grows with learners and their work; the others have a row a campus, or one a daemon.
LARGE = ("graded_assignment", "delivery", "score", "quarantined_event", "stale_event")

_TEXTS = {
    "user_id",
    "course_id",
    "usage_id",
    "digest",
    "digest_key",
    "start",
    "sourcedid",
    "key",
    "reason",
    "scope",
    "score",
    "result",
    "description",
    "code_major",
    "full",
    "entry_id",
    "epoch_text",
    "note",
    "type",
    "words",
    "position",
    "blocks",
    "usage_ids",
    "link",
    "url",
    "lis_result_sourcedid",
}
_FLAGS = {"force", "composite", "clamped", "false", "true"}


def sample(name: str) -> object:
    if name in _FLAGS:
        return False
    return "text" if name in _TEXTS else 1


def whole_tables(steps: str) -> list[str]:
    """The large tables that a plan reads from end to end."""
    scanned = re.findall(r"Seq Scan on (\w+)|^SCAN (\w+)(?! USING (?:COVERING )?INDEX)", steps, re.MULTILINE)
    return [name for names in scanned for name in names if name in LARGE]


@pytest.mark.parametrize("name", STATEMENTS)
async def test_it_goes_by_an_index(empty_database, name):
    statement = STATEMENTS[name]
    steps = await plan(statement, **{parameter: sample(parameter) for parameter in statement.names})
    assert whole_tables(steps) == [], steps


async def test_a_plan_that_reads_a_whole_table_is_noticed(empty_database):
    steps = await plan(Statement("SELECT id FROM graded_assignment WHERE note = :note"), note="x")
    assert whole_tables(steps) == ["graded_assignment"]

"""Every statement of intake, an attempt and support goes by an index, however large the tables grow."""

from importlib import import_module
from pkgutil import iter_modules

import pytest

import models
from daemon.ingest import apply
from models.db.sql import Statement
from models.queries import grades
from tests.models.plans import plan, whole_tables

#: What people do now and then, and what a loop does.
_SELDOM = ("consumer_admin", "heartbeat", "quarantine", "secrets")
MODULES = [
    apply,
    grades,
    *(import_module(f"models.{one.name}") for one in iter_modules(models.__path__) if one.name not in _SELDOM),
]
STATEMENTS = {
    f"{module.__name__}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, Statement)
}
# SQLite names the children of a new parent, but reads them only while a constraint is violated.
del STATEMENTS["models.campus._ENSURE"]
# They run on PostgreSQL alone, and read no table.
for _name in ("_HOLD_STILL", "_BE_ALONE"):
    del STATEMENTS[f"models.clock_watch.{_name}"]
# They are about the whole file of SQLite, and run there alone.
for _name in ("_WAITING", "_VACUUM", "_TRUNCATE"):
    del STATEMENTS[f"models.retirement.{_name}"]
_TEXTS = (
    "any_instance",
    "error",
    "consumer_key",
    "url_digest",
    "sourcedid_digest",
    "course_id",
    "digest_key",
    "entry_id",
    "origin",
    "place",
    "position",
    "reason",
    "scope",
    "shown",
    "stream_token",
    "type",
    "usage_id",
    "user_id",
)
_OTHERS = {"cleared": True, "given": [], "force": False, "slots": False}


def sample(name: str) -> object:
    return "text" if name in _TEXTS else _OTHERS.get(name, 1)


@pytest.mark.parametrize("name", STATEMENTS)
async def test_it_goes_by_an_index(empty_database, name):
    statement = STATEMENTS[name]
    steps = await plan(statement, **{parameter: sample(parameter) for parameter in statement.names})
    assert whole_tables(steps) == [], steps


async def test_a_plan_that_reads_a_whole_table_is_noticed(empty_database):
    steps = await plan(Statement("SELECT id FROM graded_assignment WHERE note = :note"), note="x")
    assert whole_tables(steps) == ["graded_assignment"]


@pytest.mark.parametrize("name", ["claims._CLAIM", "finishing._FINISH", "due._PICK", "changes._CHANGE"])
def test_the_statements_of_an_attempt_are_among_them(name):
    assert f"models.{name}" in STATEMENTS

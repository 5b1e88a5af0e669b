"""Migrations beside daemons that write: none asks for a stronger lock than the one that it has."""

import importlib

import pytest
from tortoise.migrations.operations import AddIndex, CreateModel, RunSQL

from models.db.migrate import known

#: Up to here no daemon of a release has ever run beside them.
FIRST = "0023"


def builds_an_index(operation) -> bool:
    """Whether it locks its table against writers alone; a session that has read rows for an update goes on."""
    return isinstance(operation, AddIndex) or (isinstance(operation, RunSQL) and "CREATE INDEX" in str(vars(operation)))


@pytest.mark.parametrize("name", [name for name in known() if name > FIRST])
def test_what_builds_an_index_does_nothing_else(name):
    operations = importlib.import_module(f"models.migrations.{name}").Migration.operations
    kinds = {"index" if builds_an_index(one) else "table" if isinstance(one, CreateModel) else "other"
             for one in operations}  # fmt: skip
    assert kinds in ({"index"}, {"table"}, {"other"}, {"table", "other"}), "PostgreSQL ends the one or the other"

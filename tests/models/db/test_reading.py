"""Reading without the models, on both databases."""

import pytest

from models.consumer import LtiConsumer
from models.db.clock import database_now
from models.db.database import NoDatabaseError
from models.db.reading import open_for_reading
from models.db.sql import Statement, is_postgres, reader
from models.queries.status import read_consumers, read_rates, read_status

NAMED = Statement("SELECT consumer_key AS key FROM lti_consumer WHERE consumer_name = :name")


@pytest.fixture
async def filled(database):
    """A database that has consumers; gives its URL."""
    for name in ("one", "two"):
        await LtiConsumer.create(consumer_name=name, consumer_key=f"key of {name}", consumer_secret="s")
    return database


async def test_statements_read_what_is_there(filled):
    async with open_for_reading(filled):
        assert is_postgres() == filled.startswith("postgres")
        assert await NAMED.rows(name="two") == [{"key": "key of two"}]
        assert await NAMED.row(name="nobody") is None
        assert sorted(await read_consumers()) == [("one", "key of one", 0), ("two", "key of two", 0)]
        now = await database_now()
        assert (await read_status(now=now)).campuses == []
        assert await read_rates(now=now) == {}
    assert reader.get() is None


async def test_the_models_are_open_again_after_a_fault(filled):
    with pytest.raises(Exception, match="no_such_table"):
        async with open_for_reading(filled):
            await Statement("SELECT 1 FROM no_such_table").rows()
    assert await LtiConsumer.all().count() == 2


async def test_a_file_that_is_not_there_is_not_made(tmp_path):
    file = tmp_path / "none.db"
    with pytest.raises(NoDatabaseError, match=r"there is no database .*none\.db"):
        async with open_for_reading(f"sqlite://{file}"):
            pass
    assert not file.exists()


async def test_a_server_that_does_not_answer_is_an_error(tmp_path):
    with pytest.raises(OSError, match="Connect call failed"):
        async with open_for_reading("postgresql://127.0.0.1:1/none"):
            pass

"""Opening the database."""

import pytest

from models.db.database import open_database, tortoise_config
from models.db.sql import Statement


async def test_a_new_sqlite_file_and_its_folder_are_readable_by_their_owner_alone(tmp_path):
    file = tmp_path / "state" / "passbackd.db"
    async with open_database(f"sqlite://{file}"):
        await Statement("CREATE TABLE secret (id INTEGER)").rows()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize("patient", [False, True])
async def test_a_commit_waits_for_the_disk_also_on_a_postgresql_that_is_set_up_not_to(
    postgres, fresh_database, patient
):
    url = fresh_database("postgresql")
    postgres.execute(f"ALTER DATABASE {url.rsplit('/', 1)[1]} SET synchronous_commit = off")
    async with open_database(url, patient=patient):
        assert await Statement("SHOW synchronous_commit").rows() == [{"synchronous_commit": "on"}]


def test_a_url_that_cannot_be_opened_says_what_is_known():
    with pytest.raises(ValueError, match=r"begins with sqlite://, postgres:// or postgresql://"):
        tortoise_config("mysql://host/database")


def test_a_migration_has_no_time_out():
    patient = tortoise_config("postgresql://host/database", patient=True)["connections"]["postgres"]["credentials"]
    assert patient["command_timeout"] is None
    assert "statement_timeout" not in patient["server_settings"]

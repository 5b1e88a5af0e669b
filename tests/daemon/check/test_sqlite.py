"""What is found about an SQLite file."""

from pathlib import Path

import pytest

from daemon.check.servers import check_database
from daemon.check.sqlite import HARDLY_ANY, LITTLE, sqlite_findings
from daemon.config import Config
from daemon.config.sections import DatabaseSection
from models.db.database import open_database
from models.db.migrate import migrate
from models.db.sql import connection

PATH = Path("/var/lib/passbackd/grades.db")


@pytest.fixture
def config(fresh_database):
    return Config(database=DatabaseSection(url=fresh_database("sqlite")))


@pytest.mark.parametrize(
    ("journal", "message", "free", "severity", "words"),
    [
        ("wal", "ok", LITTLE, "ok", "database: the file is whole"),
        ("wal", "row 3 is lost", LITTLE, "fault", "grades.db is damaged (row 3 is lost); stop the daemon"),
        ("wal", "ok", LITTLE, "ok", "database: SQLite 3.40, journal mode wal"),
        ("delete", "ok", LITTLE, "warning", "database.url: journal mode is delete and not wal"),
        ("wal", "ok", LITTLE, "ok", "1.0 GiB free on the disk of /var/lib/passbackd"),
        ("wal", "ok", LITTLE - 1, "warning", "database.url: only 1.0 GiB free"),
        ("wal", "ok", HARDLY_ANY - 1, "fault", "database.url: only 0.1 GiB free"),
    ],
)
def test_what_would_lose_or_hold_up_grades_is_shown(journal, message, free, severity, words):
    found = sqlite_findings(PATH, "3.40", journal, [message], free)
    assert [finding.severity for finding in found if words in finding.line()] == [severity]


async def test_a_whole_file_is_found_whole_and_a_damaged_one_damaged(config):
    await migrate(config.database.url)
    assert {finding.severity for finding in await check_database(config, deep=True)} == {"ok"}
    async with open_database(config.database.url):
        await connection().execute_script(
            "CREATE TABLE many (word TEXT); CREATE INDEX by_word ON many (word); "
            "INSERT INTO many VALUES ('a'), ('b'), ('c'); "
            "PRAGMA writable_schema = ON; "
            "UPDATE sqlite_master SET sql = 'CREATE TABLE many (word TEXT NOT NULL)' WHERE name = 'many'; "
            "INSERT INTO many VALUES (NULL);"
        )
    found = await check_database(config, deep=True)
    (damage,) = [finding for finding in found if finding.severity == "fault"]
    assert "NULL value in many.word" in damage.line()
    assert damage.cure == "stop the daemon and restore a backup"

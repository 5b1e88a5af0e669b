"""What is found about a PostgreSQL."""

import pytest

from daemon.check.postgres import check_postgres, check_session, postgres_findings, session_findings
from models.db.database import POSTGRES_SETTINGS, open_database
from models.db.migrate import migrate
from models.db.sql import connection

GOOD = {"version": "16.4", "read_only": "off", "is_standby": False, "may_write": True}
GOOD |= dict.fromkeys(("fsync", "full_page_writes", "synchronous_commit"), "on")


def test_of_a_good_one_version_and_round_trip_are_shown():
    assert [(finding.severity, finding.line()) for finding in postgres_findings(GOOD, 0.00123, 0.5)] == [
        ("ok", "database: PostgreSQL 16.4, answers in 1.2 ms"),
        ("ok", "database: its clock agrees with this machine's"),
    ]


@pytest.mark.parametrize(
    ("facts", "severity", "words"),
    [
        ({"fsync": "off"}, "fault", "database.url: fsync is off: "),
        ({"full_page_writes": "off"}, "warning", "database.url: full_page_writes is off: "),
        ({"synchronous_commit": "off"}, "ok", "database: synchronous_commit is off for others; passbackd's own"),
        ({"is_standby": True, "read_only": "on"}, "fault", "it is a standby, to which nothing can be written"),
        ({"read_only": "on"}, "ok", "database: this role may only read"),
        ({"may_write": False}, "ok", "database: this role may only read"),
        ({}, "warning", "database.url: its clock is 40 s behind this machine's"),
    ],
)
def test_what_would_lose_or_hold_up_grades_is_shown_with_its_cure(facts, severity, words):
    found = [finding for finding in postgres_findings(GOOD | facts, 0.001, -40.0) if words in finding.line()]
    assert [finding.severity for finding in found] == [severity]
    assert severity == "ok" or found[0].cure


async def test_a_real_one_is_asked_without_our_own_settings(fresh_database, postgres):
    url = fresh_database("postgresql")
    name = url.rsplit("/", 1)[1]
    postgres.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    before = {finding.problem.partition(":")[0] for finding in await check_postgres(url)}
    assert {"fsync is off", "its clock agrees with this machine's"} <= before
    assert any(finding.startswith("synchronous_commit is off for others") for finding in before)
    await migrate(url)
    assert not any("only read" in finding.problem for finding in await check_postgres(url))
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert any("only read" in finding.problem for finding in await check_postgres(url))


@pytest.mark.parametrize(
    ("changed", "severity", "words"),
    [
        ({}, None, ""),
        ({"application_name": "passbackd - 10.0.0.1:5432"}, None, ""),
        ({"lock_timeout": "0"}, "fault", "lock_timeout is 0 and not 5000"),
        ({"statement_timeout": "0"}, "fault", "statement_timeout is 0 and not 12000"),
        ({"idle_in_transaction_session_timeout": "0"}, "fault", "idle_in_transaction_session_timeout is 0"),
        (
            {"default_transaction_isolation": "serializable"},
            "fault",
            "isolation is serializable and not read committed",
        ),
        ({"synchronous_commit": "off"}, "fault", "synchronous_commit is off and not on"),
        ({"transaction_read_only": "on"}, "warning", "its sessions are read-only"),
    ],
)
def test_a_setting_that_is_not_in_force_as_passbackd_asked_for_it_is_a_fault(changed, severity, words):
    found = session_findings(POSTGRES_SETTINGS | {"transaction_read_only": "off"} | changed)
    assert [finding.severity for finding in found] == ([] if severity is None else [severity])
    assert all(words in finding.line() and finding.cure for finding in found)


async def test_the_settings_of_a_real_session_are_compared(fresh_database):
    async with open_database(fresh_database("postgresql")):
        assert await check_session() == []
        # As behind a pooler that does not pass them on.
        await connection().execute_script("SET lock_timeout = 0; SET default_transaction_read_only = on")
        assert [finding.severity for finding in await check_session()] == ["warning", "fault"]

"""What is told of a PostgreSQL."""

import pytest

from daemon.check.postgres import Facts, judge, look
from models.db.migrate import migrate


def told(**facts):
    return [(finding.severity, finding.line()) for finding in judge(Facts("16.4", **facts))]


def test_a_good_one_has_its_version_and_round_trip_told():
    assert told(trip=0.00123, ahead=0.5) == [
        ("ok", "database: PostgreSQL 16.4, answers in 1.2 ms"),
        ("ok", "database: its clock agrees with this machine's"),
    ]


@pytest.mark.parametrize(
    ("facts", "severity", "words"),
    [
        ({"fsync": "off"}, "fault", "database.url: fsync is off: "),
        ({"full_page_writes": "off"}, "warning", "database.url: full_page_writes is off: "),
        ({"synchronous_commit": "off"}, "ok", "database: synchronous_commit is off for others; passbackd's own"),
        ({"is_standby": True, "read_only": "on"}, "fault", "database.url: it is a standby, to which nobody can write"),
        ({"read_only": "on"}, "ok", "database: this role may only read"),
        ({"may_write": False}, "ok", "database: this role may only read"),
        ({"ahead": -40.0}, "warning", "database.url: its clock is 40.0 s behind this machine's"),
    ],
)
def test_what_would_lose_or_hold_up_grades_is_told_with_its_cure(facts, severity, words):
    found = [finding for finding in judge(Facts("16.4", **facts)) if words in finding.line()]
    assert [finding.severity for finding in found] == [severity]
    assert severity == "ok" or found[0].cure


async def test_a_real_one_is_asked_without_our_own_settings(fresh_database, postgres):
    url = fresh_database("postgresql")
    name = url.rsplit("/", 1)[1]
    postgres.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    before = {finding.problem.partition(":")[0] for finding in await look(url)}
    assert {"fsync is off", "its clock agrees with this machine's"} <= before
    assert any(finding.startswith("synchronous_commit is off for others") for finding in before)
    await migrate(url)
    assert not any("only read" in finding.problem for finding in await look(url))
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert any("only read" in finding.problem for finding in await look(url))

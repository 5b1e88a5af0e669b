"""Whether the work gets done, in words."""

from dataclasses import replace
from datetime import UTC

import pytest

from daemon.check.work import BACKLOG, Work, check_work, work_findings
from daemon.config import Config
from daemon.config.sections import DatabaseSection, EgressSection, RedisSection
from models.db.clock import Clock
from models.heartbeat import beat
from models.line_item import MissingLineItems
from models.members import Members
from models.quarantine import QuarantinedEvent
from models.states import OVERDUE_MS
from tests.daemon.check.test_campus_state import HOUR, NOW, SINCE, WELL

IDLE = Work(NOW, Members(1, NOW), [], 0, 0, [WELL])
NONE = "no daemon has written a heartbeat lately"
SILENT = "the daemon of this machine runs, but writes no heartbeat"
GONE = Members(0, NOW - 2 * HOUR)


def lines(**columns):
    return [f"{one.severity} {one.line()}" for one in work_findings(replace(IDLE, **columns), UTC)]


def test_what_is_done_is_said_in_numbers():
    assert lines() == [
        "ok daemon: 1 daemon at work",
        "ok redis.stream: 0 entries of the stream not applied yet",
        "ok quarantine: it is empty",
    ]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"quarantined": 2}, "warning quarantine: 2 events could not be applied; `passbackd quarantine list`"),
        (
            {"missing": [MissingLineItems("campus", 2, "line items: it answers 404")]},
            (
                "fault campus: 2 links without a column (line item), so that no grade of theirs goes out: 'line items: "
                "it answers 404'; have the platform allow"
            ),
        ),
        ({"waiting": 1}, "ok redis.stream: 1 entry of the stream not applied yet"),
        ({"waiting": BACKLOG + 1}, f"warning redis.stream: {BACKLOG + 1} entries of the stream not applied yet"),
        (
            {"daemons": Members(1, NOW, ("intake: it is stuck; end the session",))},
            "fault daemon: one is not ready: intake: it is stuck; end the session",
        ),
        (
            {"daemons": GONE, "here": None},
            f"warning daemon: {NONE}, the last of {SINCE}: nothing is read or sent; start `passbackd run`; if one",
        ),
        (
            {"daemons": Members(0, None), "here": None, "waiting": 2, "campuses": [replace(WELL, dirty=1)]},
            f"warning daemon: {NONE}: nothing is read or sent; 1 grade and 2 events wait; start",
        ),
        (
            {"daemons": GONE, "here": ["heartbeat: database has a full disk"]},
            f"fault daemon: {SILENT}, the last of {SINCE}: heartbeat: database has a full disk; see that the database",
        ),
        (
            {"campuses": [replace(WELL, due_since=NOW - 2 * HOUR, last_success=NOW - OVERDUE_MS - 1)]},
            f"fault daemon: grades are due for Uni at {WELL.origin} since {SINCE} (2 h), and none goes out; see",
        ),
    ],
)
def test_what_is_left_undone_is_said_with_why_and_what_to_do(columns, words):
    assert [line for line in lines(**columns) if line.startswith(words)]


@pytest.mark.parametrize(
    "columns",
    [
        {"last_success": NOW - OVERDUE_MS},
        {"due_since": NOW - OVERDUE_MS, "last_success": None},
        {"state": "throttled"},
        {"state": "down", "failing": True},
        {"failing": True},
        {"due_since": None},
    ],
)
def test_grades_that_go_out_or_wait_for_their_campus_are_not_overdue(columns):
    campus = replace(WELL, **{"due_since": NOW - 2 * HOUR, "last_success": NOW - 2 * HOUR} | columns)
    assert not [line for line in lines(campuses=[campus]) if line.startswith("fault")]


async def test_it_is_read_from_the_database_and_the_stream(empty_database, valkey_url):
    config = Config(
        database=DatabaseSection(url=empty_database),
        redis=RedisSection(url=valkey_url),
        egress=EgressSection(campuses={"typo": {}}),
    )
    clock = Clock()
    await clock.measure()
    await beat("one", now=clock.now(), troubles=["redis is full"])
    await QuarantinedEvent.create(epoch=0, entry_id="1-0", at=1, type="launch", reason="no", content=b"")
    found = {(one.severity, one.about): one.problem for one in await check_work(config)}
    assert found == {
        ("warning", "egress.campuses.typo"): "no consumer has this key, so that it opens nothing",
        ("fault", "daemon"): "one is not ready: redis is full",
        ("ok", "redis.stream"): "0 entries of the stream not applied yet",
        ("warning", "quarantine"): "1 event could not be applied",
    }


async def test_of_a_database_that_cannot_be_read_nothing_is_said(tmp_path):
    assert await check_work(Config(database=DatabaseSection(url=f"sqlite://{tmp_path}/none.db"))) == []
    (tmp_path / "no.db").write_text("no database" * 1000)
    (finding,) = await check_work(Config(database=DatabaseSection(url=f"sqlite://{tmp_path}/no.db")))
    assert (finding.severity, finding.about) == ("warning", "daemon")
    assert finding.problem.startswith("not looked at: ")

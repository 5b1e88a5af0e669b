"""What ``status`` prints for people, line by line."""

import io
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from daemon.cli.status import daemons_line, print_status, stream_line
from daemon.web.health import Snapshot
from models.assignment import STATES
from models.heartbeat import Members
from models.queries.status import CampusStatus, IdleConsumer, Status

NOW = 1_767_268_800_000  # 2026-01-01 12:00:00 UTC
UTC = ZoneInfo("UTC")
NONE = "no daemon is running: nothing is read or sent until `passbackd run` is started"


def page(*campuses, idle=(), rates=None, width=250):
    screen = Console(file=io.StringIO(), width=width, highlight=False)
    status = Status(dict.fromkeys(STATES, 0) | {"due": 3}, list(campuses), 2)
    shot = Snapshot(NOW, status, 0, Members(1, NOW), rates or {})
    print_status(shot, idle, screen, where=UTC, redis_away=None)
    return screen.file.getvalue()


@pytest.mark.parametrize(
    ("daemons", "words"),
    [
        (Members(1, NOW), "1 daemon is running"),
        (Members(3, NOW), "3 daemons are running"),
        (Members(0, None), NONE),
        (Members(0, NOW - 90_000), f"{NONE}; one was last seen 2026-01-01 11:58:30 UTC (1 min 30 s ago)"),
    ],
)
def test_the_number_of_daemons_is_shown(daemons, words):
    assert daemons_line(daemons, NOW, UTC) == words


@pytest.mark.parametrize(
    ("lag", "away", "words"),
    [
        (0, None, "stream: 0 entries not yet applied"),
        (1, None, "stream: 1 entry not yet applied"),
        (None, "", "stream: Redis does not answer"),
        (None, "it is down", "stream: Redis does not answer (it is down)"),
        (None, None, "stream: Redis answers, but the lag is unknown"),
    ],
)
def test_the_stream_shows_its_lag_or_why_it_is_unknown(lag, away, words):
    assert stream_line(lag, away) == words


def test_a_campus_shows_state_rate_and_what_waits_and_since_when():
    campus = CampusStatus("Example", "https://a.example:443", "down", 3, 1, NOW - 302_000, NOW - 60_000)
    campus.last_error, campus.last_error_at, campus.oldest_parked = "time-out", NOW - 1_000, NOW - 7_500_000
    lines = page(campus, rates={("Example", "https://a.example:443"): 12.34}).splitlines()
    assert "quarantine: 2 events" in lines
    assert "oldest due: for 5 min 2 s, since 2026-01-01 11:54:58 UTC" in lines
    assert "oldest parked: for 2 h 5 min, since 2026-01-01 09:55:00 UTC" in lines
    (row,) = [line.split() for line in lines if line.startswith(" Example")]
    assert " ".join(row) == "Example https://a.example:443 down 12.3 3 1 5 min 2 s 2026-01-01 11:59:00 UTC (1 min ago)"
    assert lines[-2:] == [
        "last error of each campus",
        "  Example at https://a.example:443 2026-01-01 11:59:59 UTC (1 s ago): time-out",
    ]


def test_a_campus_that_accepted_nothing_yet_shows_never_and_no_last_error():
    text = page(CampusStatus("Example", "https://a.example:443"))
    assert "never" in text
    assert "last error" not in text


def test_consumers_without_a_launch_are_shown_after_the_campuses():
    idle = [IdleConsumer("New College", paused=False), IdleConsumer("Old College", paused=True)]
    lines = page(CampusStatus("Example", "https://a.example:443"), idle=idle).splitlines()
    assert [line.split()[:6] for line in lines[-2:]] == [
        ["New", "College", "no", "launch", "yet", "up"],
        ["Old", "College", "no", "launch", "yet", "paused"],
    ]


def test_what_keeps_daemons_from_being_ready_is_shown_and_cannot_steer_the_terminal():
    screen = Console(file=io.StringIO(), width=250, highlight=False)
    shot = Snapshot(NOW, Status(dict.fromkeys(STATES, 0), [], 0), 0, Members(2, NOW, ("redis: away", "evil \x1b[2J")))
    print_status(shot, (), screen, where=UTC, redis_away=None)
    assert screen.file.getvalue().splitlines()[1:4] == [
        "2 daemons are running",
        "not ready: redis: away",
        "not ready: evil \\x1b[2J",
    ]


def test_without_any_campus_it_is_shown_how_to_add_one():
    assert page().splitlines()[-1] == "no campus is known yet: `passbackd consumer add` adds one"


@pytest.mark.parametrize("width", [20, 80, 250])
def test_words_of_campuses_can_neither_steer_a_terminal_nor_forge_a_line(width):
    evil = "[bold]x[/bold]\x1b[2J\n1 daemon is running\u202e[/]"
    text = page(
        CampusStatus(evil, "https://a.example:443", last_error=evil), idle=[IdleConsumer(evil, True)], width=width
    )
    assert all(char.isprintable() or char == "\n" for char in text)
    assert text.splitlines().count("1 daemon is running") == 1
    assert "[bold]x" in "".join(text.split())

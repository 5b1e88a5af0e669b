"""What ``status`` prints for people, line by line."""

import dataclasses
import io
import re
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from daemon.cli.status_page import print_status
from daemon.web.snapshot import Snapshot, render
from daemon.web.status_words import backlog_line, daemons_line, stream_line
from models.members import Members
from models.queries.status import CampusStatus, IdleConsumer, Rate, Status
from models.states import OVERDUE_MS, STATES

NOW = 1_767_268_800_000  # 2026-01-01 12:00:00 UTC
UTC = ZoneInfo("UTC")
NONE = "no daemon is running: nothing is read or sent until `passbackd run` is started"
WHERE = "https://a.example:443"
#: What a terminal gets for colours.
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def shot(*campuses, idle=(), rates=None, daemons=None, troubles=()):
    status = Status(dict.fromkeys(STATES, 0) | {"due": 3}, list(campuses), 2)
    return Snapshot(NOW, status, 0, daemons or Members(1, NOW), rates or {}, troubles, idle)


def page(*campuses, width=250, terminal=False, **more):
    screen = Console(file=io.StringIO(), width=width, highlight=False, force_terminal=terminal, _environ={})
    print_status(shot(*campuses, **more), screen, where=UTC, redis_away=None)
    return screen.file.getvalue()


@pytest.mark.parametrize(
    ("daemons", "answers", "words"),
    [
        (Members(1, NOW), True, "^1 daemon is running$"),
        (Members(3, NOW), False, "^3 daemons are running$"),
        (Members(0, None), False, f"^{NONE}$"),
        (
            Members(0, NOW - 90_000),
            False,
            r"^no daemon was seen since 2026-01-01 11:58:30 UTC \(1 min 30 s ago\): none .* it hangs .* cannot write",
        ),
        (
            Members(0, NOW - 90_000),
            True,
            r"^a daemon of this machine answers, but none was seen in this database since 2026-01-01 .* \(a full disk",
        ),
        (Members(0, None), True, "^a daemon of this machine answers, but none was seen in this database: it cannot"),
    ],
)
def test_the_number_of_daemons_is_shown_or_what_may_be_wrong(daemons, answers, words):
    line = daemons_line(daemons, NOW, UTC, answers=answers)
    assert re.search(words, line), line


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


def backlog(*campuses):
    rates = {("a", WHERE): Rate(60.0, 30.0), ("b", WHERE): Rate(0.0, 6.0)}
    return backlog_line(shot(*campuses, rates=rates))


def test_a_backlog_has_its_rate_and_the_time_that_is_left():
    pace = "accepted: 60.0 grades/min in the last minute, 36.0 over ten minutes"
    a, b, c = (CampusStatus(name, WHERE, due=12, oldest_due=NOW - 600_000) for name in "abc")
    down, throttled = CampusStatus("d", WHERE, "down", 1), CampusStatus("e", WHERE, "throttled", 5)
    assert backlog() == pace
    assert backlog(a) == f"{pace}; 12 grades due, about 12 s left at this rate"
    assert backlog(a, b) == f"{pace}; 24 grades due, about 2 min left at this rate"
    assert backlog(a, c) == (
        f"{pace}; 24 grades due, about 12 s left at this rate, and longer where no rate is known yet (1)"
    )
    assert backlog(a, c, down) == (
        f"{pace}; 25 grades due, about 12 s left at this rate, and longer where no rate is known yet (1), "
        "and longer where a campus accepts none (1)"
    )
    assert backlog(c) == f"{pace}; 12 grades due, and no rate is known yet"
    assert backlog(down, throttled) == f"{pace}; 6 grades due, and no rate is known yet"
    assert backlog(down) == f"{pace}; 1 grade due, and no campus that has any accepts grades now"


def test_a_campus_shows_state_rates_and_what_waits_and_since_when():
    campus = CampusStatus("Example", WHERE, "up", 3, 1, NOW - 302_000, NOW - 60_000)
    campus.last_error, campus.last_error_at, campus.oldest_parked = "time-out", NOW - 1_000, NOW - 7_500_000
    lines = page(campus, rates={("Example", WHERE): Rate(12.34, 3.0)}).splitlines()
    assert "quarantine: 2 events" in lines
    assert "oldest due: for 5 min 2 s, since 2026-01-01 11:54:58 UTC" in lines
    assert "oldest parked: for 2 h 5 min, since 2026-01-01 09:55:00 UTC" in lines
    (row,) = [line.split() for line in lines if line.startswith(" Example")]
    assert " ".join(row) == f"Example {WHERE} up 3 1 12.3 3.0 14 s 5 min 2 s 2026-01-01 11:59:00 UTC (1 min ago)"
    assert lines[-2:] == [
        "last error of each campus",
        f"  Example at {WHERE} 2026-01-01 11:59:59 UTC (1 s ago): time-out",
    ]


def test_an_error_before_the_last_success_is_shown_as_past():
    past = CampusStatus("Past", WHERE, last_success=NOW, last_error="time-out", last_error_at=NOW - 1_000)
    present = CampusStatus("Present", WHERE, last_success=NOW - 2_000, last_error="refused", last_error_at=NOW - 1_000)
    lines = page(past, present).splitlines()
    first = lines.index("last error of each campus")
    assert lines[first + 1 :] == [
        f"  Present at {WHERE} 2026-01-01 11:59:59 UTC (1 s ago): refused",
        "",
        "earlier errors: these campuses have accepted grades since",
        f"  Past at {WHERE} 2026-01-01 11:59:59 UTC (1 s ago): time-out",
    ]
    assert "last error of each campus" not in page(past)


def test_a_campus_that_accepted_nothing_yet_shows_never_and_no_last_error():
    text = page(CampusStatus("Example", WHERE))
    assert "never" in text
    assert "error" not in text


def test_consumers_without_a_launch_are_shown_after_the_campuses():
    idle = [IdleConsumer("New College", paused=False), IdleConsumer("Old College", paused=True)]
    lines = page(CampusStatus("Example", WHERE), idle=idle).splitlines()
    assert [line.split()[:6] for line in lines[-2:]] == [
        ["New", "College", "no", "launch", "yet", "up"],
        ["Old", "College", "no", "launch", "yet", "paused"],
    ]


def test_what_keeps_daemons_from_being_ready_is_shown_and_cannot_steer_the_terminal():
    lines = page(daemons=Members(2, NOW, ("redis: away", "evil \x1b[2J")), troubles=["disk \x1b[2J"]).splitlines()
    assert lines[1:4] == ["2 daemons are running", "not ready: redis: away", "not ready: evil \\x1b[2J"]
    assert "trouble: disk \\x1b[2J" in lines


def test_without_any_campus_it_is_shown_how_to_add_one():
    adds = "`passbackd consumer add` or `passbackd platform add` adds one"
    assert page().splitlines()[-1] == f"no campus is known yet: {adds}"


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("width", [20, 80, 250])
def test_words_of_campuses_can_neither_steer_a_terminal_nor_forge_a_line(width, terminal):
    evil = "[bold]x[/bold]\x1b[2J\n1 daemon is running\u202e[/]"
    campus = CampusStatus(evil, WHERE, last_error=evil, last_error_at=NOW)
    text = page(campus, idle=[IdleConsumer(evil, True)], width=width, terminal=terminal)
    text = COLOURS.sub("", text)
    assert all(char.isprintable() or char == "\n" for char in text)
    assert text.splitlines().count("1 daemon is running") == 1
    assert "[bold]x" in "".join(text.split())


# --- Terminals ---

NAMES = ("University of Example and Elsewhere", "throttled", "1234567", "7654321", "https://lms.example.edu:443")


@pytest.mark.parametrize("width", [60, 80, 99, 120, 200])
def test_no_word_is_cut_on_any_terminal(width):
    campus = CampusStatus(NAMES[0], NAMES[4], "throttled", 1234567, 7654321, NOW - 1, NOW - 90_000)
    lines = COLOURS.sub("", page(campus, width=width, terminal=True)).splitlines()
    assert max(map(len, lines)) <= width
    for word in NAMES:
        assert any(word in line for line in lines), word


def test_only_what_asks_for_a_person_is_red_and_only_on_a_terminal():
    down = CampusStatus("Down", WHERE, "down", 5, 6, NOW - OVERDUE_MS - 1)
    assert "\x1b" not in page(down)
    assert "\x1b[1;31m" not in page(CampusStatus("Up", WHERE, "up", 5, 0, NOW - 1), terminal=True)
    text = page(down, terminal=True, daemons=Members(0, None), troubles=["redis is full"])
    red = [part.partition("\x1b[0m")[0].strip() for part in text.split("\x1b[1;31m")[1:]]
    assert red == [
        NONE,
        "oldest due: for 15 min, since 2026-01-01 11:44:59 UTC",
        "trouble: redis is full",
        "down",
        "6",
        "15 min",
    ]


# --- The same as a document ---


def everything(**changes):
    """A snapshot whose fields are all of weight, by name; *changes*: other values for some."""
    values = {
        "now": NOW,
        "assignments": dict.fromkeys(STATES, 0) | {"due": 3},
        "quarantined": 2,
        "stream_lag": 5,
        "alive": 0,
        "last_seen": NOW - 90_000,
        "not_ready": ("redis: away",),
        "rates": {("Example", WHERE): Rate(6.0, 3.0)},
        "troubles": ("disk is full",),
        "name": "New College",
        "paused": False,
        "consumer": "Example",
        "origin": WHERE,
        "state": "up",
        "due": 3,
        "parked": 1,
        "oldest_due": NOW - 302_000,
        "last_success": NOW - 60_000,
        "last_error": "time-out",
        "last_error_at": NOW - 1_000,
        "oldest_parked": NOW - 500_000,
        "in_use": True,
        "numbers": {},
        "campus_id": 1,
    } | changes
    campus = CampusStatus(**{field.name: values[field.name] for field in dataclasses.fields(CampusStatus)})
    status = Status(values["assignments"], [campus], values["quarantined"])
    members = Members(values["alive"], values["last_seen"], values["not_ready"])
    idle = [IdleConsumer(values["name"], values["paused"])]
    return Snapshot(*(values["now"], status, values["stream_lag"], members, values["rates"], values["troubles"], idle))


def shown(seen):
    screen = Console(file=io.StringIO(), width=250, highlight=False, _environ={})
    print_status(seen, screen, where=UTC, redis_away=None)
    return screen.file.getvalue()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("assignments", dict.fromkeys(STATES, 0) | {"due": 3, "clean": 1}),
        ("quarantined", 3),
        ("stream_lag", 6),
        ("alive", 1),
        ("last_seen", NOW - 91_000),
        ("not_ready", ("database: away",)),
        ("rates", {("Example", WHERE): Rate(7.0, 3.0)}),
        ("rates", {("Example", WHERE): Rate(6.0, 4.0)}),
        ("troubles", ("redis is full",)),
        ("name", "Other College"),
        ("paused", True),
        ("consumer", "Sample"),
        ("origin", "https://b.example:443"),
        ("state", "down"),
        ("due", 4),
        ("parked", 2),
        ("oldest_due", NOW - 900_000),
        ("last_success", NOW),
        ("last_success", NOW - 90_000),
        ("last_error", "refused"),
        ("last_error_at", NOW - 2_000),
        ("oldest_parked", NOW - 600_000),
    ],
)
def test_whatever_the_page_shows_is_in_the_document_too(name, value):
    base, other = everything(), everything(**{name: value})
    assert shown(base) != shown(other), "it is looked at something that is shown"
    assert render(base) != render(other)

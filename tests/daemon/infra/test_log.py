"""The log: what people and machines are shown, and what nobody is."""

import io
import json
import logging
import re
from datetime import UTC, datetime, timedelta

import aiosqlite
import pytest
import structlog

from daemon.infra import log
from models.db.database import open_database


class Terminal(io.StringIO):
    def isatty(self):
        return True


pytestmark = pytest.mark.usefixtures("log_of_before")


@pytest.fixture
def stream():
    return io.StringIO()


def test_json_has_a_time_in_utc_a_level_a_logger_and_an_event(stream):
    log.configure("info", "json", "Europe/Berlin", stream=stream)
    structlog.get_logger("daemon.loops.dispatch").info("woken", assignments=3)
    line = json.loads(stream.getvalue())
    assert datetime.now(UTC) - datetime.fromisoformat(line.pop("timestamp")) < timedelta(minutes=1)
    assert line == {"level": "info", "logger": "daemon.loops.dispatch", "event": "woken", "assignments": 3}


def test_json_time_says_that_it_is_utc(stream):
    log.configure("info", "json", "Europe/Berlin", stream=stream)
    structlog.get_logger().info("x")
    assert json.loads(stream.getvalue())["timestamp"].endswith("+00:00")


def test_libraries_go_the_same_way(stream):
    log.configure("info", "json", "UTC", stream=stream)
    logging.getLogger("dramatiq.worker").warning("Lost %s of %d", "one", 2)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["logger"]) == ("Lost one of 2", "warning", "dramatiq.worker")


def test_json_is_a_line_an_event_with_its_exception(stream):
    log.configure("info", "json", "UTC", stream=stream)
    secret = "local"  # noqa: F841
    try:
        raise ValueError("what\nhappened")
    except ValueError:
        structlog.get_logger().exception("failed", reason="two\nlines", moment=timedelta(1))
    (line,) = stream.getvalue().splitlines()
    assert "ValueError: what\nhappened" in json.loads(line)["exception"]
    assert json.loads(line)["moment"] == "1 day, 0:00:00"
    assert "secret" not in line


@pytest.mark.parametrize(
    ("timezone", "shown"), [("UTC", "UTC"), ("Europe/Berlin", "CES?T"), ("America/Sao_Paulo", "-03"), ("local", r"\S+")]
)
def test_people_are_shown_times_in_their_zone(stream, timezone, shown):
    log.configure("info", "console", timezone, stream=stream)
    structlog.get_logger("daemon.run").info("ready", port=9871)
    assert re.match(
        rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{{3}} {shown} \[info *\] ready +\[daemon.run\] port=9871",
        stream.getvalue(),
    )


def test_there_are_colours_on_a_terminal_only(stream):
    log.configure("info", "console", "UTC", stream=stream)
    structlog.get_logger().info("x", y=1)
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_has_colours(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    log.configure("info", "console", "UTC", stream=terminal)
    structlog.get_logger().info("x", y=1)
    assert "\x1b" in terminal.getvalue()


def test_colours_can_be_refused(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    log.configure("info", "console", "UTC", stream=terminal)
    structlog.get_logger().info("x", y=1)
    assert "\x1b" not in terminal.getvalue()


def test_a_campus_can_neither_forge_a_line_nor_steer_a_terminal(stream):
    log.configure("info", "console", "UTC", stream=stream)
    structlog.get_logger().info("refused\x1b[1J", description="no\n2026-01-01 [info] all well", code="\x1b[2J")
    (line,) = stream.getvalue().splitlines()
    assert r"no\n2026-01-01" in line
    assert r"\x1b[1J" in line
    assert r"\x1b[2J" in line


def test_a_traceback_keeps_its_lines_and_shows_no_variables(stream):
    log.configure("info", "console", "UTC", stream=stream)
    secret = "hidden"  # noqa: F841
    try:
        raise ValueError("x")
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "Traceback (most recent call last):\n" in stream.getvalue()
    assert "ValueError: x\n" in stream.getvalue()
    assert stream.getvalue().count("hidden") == 0


def test_less_than_the_level_is_not_shown(stream):
    log.configure("warning", "json", "UTC", stream=stream)
    structlog.get_logger().info("ours")
    logging.getLogger("aiohttp.access").info("theirs")
    assert stream.getvalue() == ""


def test_a_second_configuration_replaces_the_first(stream):
    log.configure("info", "json", "UTC", stream=io.StringIO())
    log.configure("info", "json", "UTC", stream=stream)
    structlog.get_logger().info("once")
    assert len(stream.getvalue().splitlines()) == 1


async def test_values_in_statements_are_not_shown_even_at_debug(stream, fresh_database):
    log.configure("debug", "json", "UTC", stream=stream)
    url = fresh_database("sqlite")
    async with aiosqlite.connect(url.removeprefix("sqlite://")) as database:
        await database.execute("SELECT 'learner-7'")
    async with open_database(url) as context:
        connection = context.connections.get("sqlite")
        await connection.execute_query("SELECT 'learner-7', ?", ["learner-8"])
    logging.getLogger("tortoise.db_client").debug("learner-9")
    logging.getLogger("pydantic_settings").debug("learner-10")
    structlog.get_logger().debug("shown")
    assert "learner" not in stream.getvalue()
    assert "shown" in stream.getvalue()

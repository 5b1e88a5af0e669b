"""The log: what people and machines see, and which data it never shows."""

import io
import json
import logging
import os
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


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def json_log(stream):
    log.configure("info", "json", "Europe/Berlin", stream=stream)


def failed(**fields):
    """Logs an exception raised beside a local variable."""
    secret = "hidden"  # noqa: F841
    try:
        raise ValueError("what\nhappened")
    except ValueError:
        structlog.get_logger().exception("failed", **fields)


def test_json_has_a_time_in_utc_a_level_a_logger_and_an_event(stream, json_log):
    structlog.get_logger("daemon.loops.dispatch").info("enqueued", assignments=3)
    line = json.loads(stream.getvalue())
    timestamp = line.pop("timestamp")
    assert timestamp.endswith("+00:00")
    assert datetime.now(UTC) - datetime.fromisoformat(timestamp) < timedelta(minutes=1)
    assert line == {"level": "info", "logger": "daemon.loops.dispatch", "event": "enqueued", "assignments": 3}


def test_libraries_log_in_the_same_form(stream, json_log):
    logging.getLogger("dramatiq.worker").warning("Lost %s of %d", "one", 2)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["logger"]) == ("Lost one of 2", "warning", "dramatiq.worker")


def test_an_event_is_one_line_of_json_or_keeps_the_lines_of_its_traceback_and_shows_no_variables(stream, json_log):
    failed(reason="two\nlines", moment=timedelta(1))
    (line,) = stream.getvalue().splitlines()
    assert "ValueError: what\nhappened" in json.loads(line)["exception"]
    assert json.loads(line)["moment"] == "1 day, 0:00:00"
    log.configure("info", "console", "UTC", stream=stream)
    failed()
    assert "Traceback (most recent call last):\n" in stream.getvalue()
    assert "ValueError: what\nhappened\n" in stream.getvalue()
    assert "hidden" not in stream.getvalue()


@pytest.mark.parametrize(
    ("timezone", "shown"), [("UTC", "UTC"), ("Europe/Berlin", "CES?T"), ("America/Sao_Paulo", "-03"), ("local", r"\S+")]
)
def test_people_see_times_in_their_zone(stream, timezone, shown):
    log.configure("info", "console", timezone, stream=stream)
    structlog.get_logger("daemon.run").info("ready", port=9871)
    assert re.match(
        rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{{3}} {shown} \[info *\] ready +\[daemon.run\] port=9871",
        stream.getvalue(),
    )


@pytest.mark.parametrize(
    ("output", "environ", "colours"),
    [(io.StringIO, {}, False), (Terminal, {}, True), (Terminal, {"NO_COLOR": "1"}, False)],
    ids=["in a pipe", "on a terminal", "on a terminal without colours"],
)
def test_only_a_terminal_has_colours_unless_they_are_refused(output, environ, colours):
    stream = output()
    log.configure("info", "console", "UTC", stream=stream, environ=environ)
    structlog.get_logger().info("x", y=1)
    assert ("\x1b" in stream.getvalue()) is colours


def test_a_campus_can_neither_forge_a_line_nor_steer_a_terminal(stream):
    log.configure("info", "console", "UTC", stream=stream)
    structlog.get_logger().info("refused\x1b[1J", description="no\n2026-01-01 [info] all well", code="\x1b[2J")
    (line,) = stream.getvalue().splitlines()
    assert r"no\n2026-01-01" in line
    assert r"\x1b[1J" in line
    assert r"\x1b[2J" in line


def test_a_second_configuration_replaces_the_first_with_its_level(stream, json_log):
    log.configure("warning", "json", "UTC", stream=stream)
    structlog.get_logger().info("passbackd")
    logging.getLogger("aiohttp.access").info("library")
    structlog.get_logger().warning("once")
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
    structlog.get_logger().debug("shown")
    assert "learner" not in stream.getvalue()
    assert "shown" in stream.getvalue()


@pytest.mark.parametrize("kind", ["console", "json"])
def test_the_journal_gets_the_priority_of_each_line_and_nothing_else_does(tmp_path, kind):
    with (tmp_path / "log").open("w+") as stream:
        file = os.fstat(stream.fileno())
        for inode in (file.st_ino, file.st_ino + 1):
            environ = {"JOURNAL_STREAM": f"{file.st_dev}:{inode}"}
            log.configure("debug", kind, "UTC", stream=stream, environ=environ)
            for level in ("debug", "info", "warning", "error", "critical"):
                getattr(structlog.get_logger(), level)("a word")
            failed()
        stream.seek(0)
        lines = stream.read().splitlines()
    half = len(lines) // 2
    prefixes = [line[:3] for line in lines[:half]]
    assert prefixes[:5] == ["<7>", "<6>", "<4>", "<3>", "<2>"]
    assert set(prefixes[5:]) == {"<3>"}, "a traceback's lines too"
    assert not any(line.startswith("<") for line in lines[half:])

"""A lost server is logged once a minute, whichever part misses it; no other line is left out."""

import io
import json
import logging

import asyncpg
import pytest
import redis
import structlog
from dramatiq.errors import ConnectionClosed

from daemon.infra import log
from daemon.infra.log_throttle import THROTTLE_SECONDS, WORKS_AGAIN
from tests.actors.sending import Ticker


@pytest.fixture
def now():
    return Ticker()


@pytest.fixture
def lines(now):
    """Gives what was logged since the last call."""
    stream = io.StringIO()
    log.configure("info", "json", "UTC", stream=stream, monotonic=now)

    def read():
        text = stream.getvalue()
        stream.seek(0)
        stream.truncate()
        return [json.loads(line) for line in text.splitlines()]

    return read


def consumer(error, queue="outcomes.0"):
    """What a consumer of Dramatiq's logs at each attempt."""
    logger = logging.getLogger(f"dramatiq.worker.ConsumerThread({queue})")
    logger.critical("Consumer encountered a connection error: %s", error)
    logger.info("Restarting consumer in %0.2f seconds.", 3)


def attempt_and_actor(error):
    """What an attempt and its actor log of an error."""
    try:
        raise error
    except Exception:
        structlog.get_logger("actors.attempt").warning("the end could not be written yet", assignment=7, exc_info=True)
    logging.getLogger("dramatiq.worker.WorkerThread").error("an actor failed on %s", "x", exc_info=error)


def loop(error=None, server=None):
    structlog.get_logger("daemon.infra.loop").warning("server unavailable", loop="intake", server=server, error=error)


@pytest.mark.parametrize(
    "error",
    [redis.ConnectionError("gone"), redis.TimeoutError("silent"), redis.BusyLoadingError(), ConnectionClosed("gone")],
    ids=repr,
)
def test_a_lost_redis_is_logged_once_whichever_part_misses_it(lines, error):
    for _ in range(20):
        consumer(error)
        consumer(error, "outcomes.1.DQ")
        loop(server="redis")
        structlog.get_logger("actors.send_outcomes").warning("messages could not be sent", error=error)
    assert len(lines()) == 1


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError("no"), TimeoutError(), asyncpg.InterfaceError("connection is closed")], ids=repr
)
def test_a_lost_database_is_logged_once_in_one_line_beside_that_of_a_lost_redis(lines, error):
    loop(server="redis")
    for _ in range(20):
        attempt_and_actor(error)
        loop(server="database")
        logging.getLogger("asyncpg.pool").warning("Failed to restore the floor", exc_info=error)
    other, line = lines()
    assert (other["server"], line["server"]) == ("redis", "database")
    assert "exception" not in line, "a traceback says nothing about a server that is away"
    assert line["error"].startswith(type(error).__name__)


def test_another_trouble_of_the_same_server_has_a_line_of_its_own_in_our_words(lines):
    for error in (redis.ConnectionError("gone"), redis.OutOfMemoryError("used memory > 'maxmemory'")):
        for _ in range(3):
            consumer(ConnectionClosed(error))
            structlog.get_logger("daemon.infra.loop").warning("server unavailable", server="redis", error=error)
    gone, full = lines()
    assert (gone["problem"], full["problem"]) == (
        "redis does not answer",
        "redis is full (maxmemory) and takes no writes",
    )
    loop(asyncpg.DiskFullError("No space left on device"), server="database")
    (line,) = lines()
    assert line["problem"] == "database has a full disk"


def test_a_minute_later_it_is_logged_again_with_the_number_of_lines_left_out(lines, now):
    for _ in range(58):
        consumer(redis.ConnectionError("gone"))
    (first,) = lines()
    assert "more_like_it" not in first
    now.seconds += THROTTLE_SECONDS - 0.1
    loop(server="redis")
    assert lines() == []
    now.seconds += 0.1
    consumer(redis.ConnectionError("gone"))
    (second,) = lines()
    assert second["more_like_it"] == 58
    now.seconds += THROTTLE_SECONDS
    loop(server="redis")
    (third,) = lines()
    assert "more_like_it" not in third


def test_another_fault_that_time_may_repair_is_logged_once_a_minute_by_its_place_and_kind(lines):
    denied, deadlock = asyncpg.InsufficientPrivilegeError("no"), asyncpg.DeadlockDetectedError("no")
    for _ in range(3):
        for error in (denied, deadlock):
            attempt_and_actor(error)
            loop(error)
    logged = lines()
    assert len(logged) == 6
    assert sum("Traceback" in line.get("exception", "") for line in logged) == 4
    assert [line["error"] for line in logged if "error" in line] == [
        "InsufficientPrivilegeError: no",
        "DeadlockDetectedError: no",
    ]


def test_a_bug_and_a_line_about_no_lost_server_are_logged_each_time(lines):
    logger = structlog.get_logger("actors.attempt")
    for _ in range(3):
        for bug in (KeyError("x"), ValueError("x"), asyncpg.DataError("x")):
            attempt_and_actor(bug)
        logger.info("an attempt ended", result="retried", error=ConnectionRefusedError("the campus"))
        logger.error("the stream was reset: reading it from its start")
        logging.getLogger("aiohttp").warning("a library's line: %s", "words")
    assert len(lines()) == 27


def again(name="intake"):
    structlog.get_logger("daemon.infra.loop").info(WORKS_AGAIN, loop=name)


def test_a_server_that_comes_and_goes_works_again_once_for_each_line_about_it(lines, now):
    for _ in range(20):
        loop(server="database")
        again()
        again("prune")
    assert [(line["event"], line["loop"]) for line in lines()] == [
        ("server unavailable", "intake"),
        (WORKS_AGAIN, "intake"),
        (WORKS_AGAIN, "prune"),
    ]
    now.seconds += THROTTLE_SECONDS
    loop(server="database")
    again()
    assert [line["event"] for line in lines()] == ["server unavailable", WORKS_AGAIN]

"""A lost server is told of once a minute, whoever misses it; nothing else is kept back."""

import io
import json
import logging

import asyncpg
import pytest
import redis
import structlog
from dramatiq.errors import ConnectionClosed

from daemon.infra import log
from daemon.infra.log_throttle import TELL_EVERY


class Monotonic:
    """Seconds, moved by the test."""

    seconds = 1_000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def now():
    return Monotonic()


@pytest.fixture
def lines(now, log_of_before):
    """Gives what was logged since it was last asked."""
    stream = io.StringIO()
    log.configure("info", "json", "UTC", stream=stream, monotonic=now)

    def read():
        text = stream.getvalue()
        stream.seek(0)
        stream.truncate()
        return [json.loads(line) for line in text.splitlines()]

    return read


def consumer(queue, error):
    """What a consumer of Dramatiq's says at each try."""
    logger = logging.getLogger(f"dramatiq.worker.ConsumerThread({queue})")
    logger.critical("Consumer encountered a connection error: %s", error)
    logger.info("Restarting consumer in %0.2f seconds.", 3)


def end_not_written(error):
    try:
        raise error
    except Exception:
        structlog.get_logger("actors.attempt").warning("the end could not be written yet", assignment=7, exc_info=True)


def waits(server):
    structlog.get_logger("daemon.infra.loop").warning(
        "is waiting for a server", loop="intake", server=server, error="no"
    )


@pytest.mark.parametrize(
    "error",
    [redis.ConnectionError("gone"), redis.TimeoutError("silent"), redis.BusyLoadingError(), ConnectionClosed("gone")],
    ids=repr,
)
def test_a_lost_redis_is_told_once_whoever_misses_it(lines, error):
    for _ in range(20):
        consumer("outcomes.0", error)
        consumer("outcomes.1.DQ", error)
        waits("redis")
        structlog.get_logger("actors.outcomes").warning("wake-ups could not be sent; the sweep will", error=error)
    assert len(lines()) == 1


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("no"),
        TimeoutError(),
        asyncpg.ConnectionDoesNotExistError("closed"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.AdminShutdownError("restart"),
        asyncpg.TooManyConnectionsError("too many"),
    ],
    ids=repr,
)
def test_a_lost_database_is_told_once_whoever_misses_it(lines, error):
    for _ in range(20):
        end_not_written(error)
        waits("database")
        logging.getLogger("asyncpg.pool").warning("Failed to restore the floor", exc_info=error)
        logging.getLogger("dramatiq.worker.WorkerThread").error("an actor failed on %s", "x", exc_info=error)
    (line,) = lines()
    assert line["server"] == "database"
    assert "exception" not in line, "a traceback tells nothing of a server that is away"
    assert line["error"].startswith(type(error).__name__)


def test_two_lost_servers_are_two_lines(lines):
    for _ in range(3):
        waits("redis")
        waits("database")
    assert [line["server"] for line in lines()] == ["redis", "database"]


def test_after_a_minute_it_is_told_again_with_how_many_were_kept_back(lines, now):
    for _ in range(58):
        consumer("outcomes.0", redis.ConnectionError("gone"))
    (first,) = lines()
    assert "more_like_it" not in first
    now.seconds += TELL_EVERY - 0.1
    waits("redis")
    assert lines() == []
    now.seconds += 0.1
    consumer("outcomes.0", redis.ConnectionError("gone"))
    (second,) = lines()
    assert second["more_like_it"] == 58
    now.seconds += TELL_EVERY
    waits("redis")
    (third,) = lines()
    assert "more_like_it" not in third


def test_another_fault_that_time_may_mend_is_told_once_a_minute_by_its_place_and_kind(lines):
    denied, deadlock = asyncpg.InsufficientPrivilegeError("no"), asyncpg.DeadlockDetectedError("no")
    for _ in range(3):
        for error in (denied, deadlock):
            end_not_written(error)
            logging.getLogger("dramatiq.worker.WorkerThread").error("an actor failed on %s", "x", exc_info=error)
    told = lines()
    assert len(told) == 4
    assert all("Traceback" in line["exception"] for line in told), "nobody knows it by heart"


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("x"), asyncpg.DataError("x")], ids=repr)
def test_a_fault_of_ours_is_told_each_time(lines, error):
    for _ in range(3):
        end_not_written(error)
        logging.getLogger("dramatiq.worker.WorkerThread").error("an actor failed on %s", "x", exc_info=error)
    assert len(lines()) == 6


def test_what_tells_of_no_lost_server_is_told_each_time(lines):
    logger = structlog.get_logger("actors.attempt")
    for _ in range(3):
        logger.info("an attempt ended", result="retried", error=ConnectionRefusedError("the campus"))
        logger.error("an attempt ended after its claim had been taken over", assignment=7)
        logger.error("the stream was reset: reading it from its start")
        logging.getLogger("aiohttp").warning("something of theirs: %s", "words")
    assert len(lines()) == 12

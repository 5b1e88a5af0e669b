"""Which faults are the data's, and will never pass, and which are a server's, and will."""

import asyncio
import errno
import sqlite3
import ssl

import asyncpg
import dramatiq
import pytest
import redis
from tortoise.exceptions import (
    DBConnectionError,
    IntegrityError,
    OperationalError,
    TransactionManagementError,
    ValidationError,
)
from tortoise.transactions import in_transaction

from daemon.infra.errors import MAX_DESCRIPTION, describe, is_data_fault, lost_server, trouble
from models.db.sql import Statement
from models.score import Score
from tests.models.scores import apply_score


def caused(error, cause):
    """As ``raise error from cause`` leaves it."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        IntegrityError("UNIQUE constraint failed"),
        ValidationError("consumer_key: Length of 'k' 33 > 32"),
        ValueError("no"),
        TypeError("no"),
        KeyError("no"),
        OverflowError("int too large to convert to SQLite INTEGER"),
        RecursionError("too deep"),
        sqlite3.DataError("string or blob too big"),
        sqlite3.InterfaceError("type not supported"),
        asyncpg.exceptions.ProgramLimitExceededError("index row size 3000 exceeds"),
        asyncpg.exceptions.DataError("invalid input"),
        asyncpg.exceptions._base.DataError("invalid input for query argument $1"),
        caused(OperationalError("x"), asyncpg.exceptions.DataError("invalid input")),
        caused(RuntimeError("x"), caused(OperationalError("y"), ValueError("z"))),
    ],
    ids=repr,
)
def test_a_fault_of_the_data_never_passes(error):
    assert is_data_fault(error)
    assert lost_server(error) is None


@pytest.mark.parametrize(
    ("error", "server"),
    [
        (ConnectionRefusedError("no"), "database"),
        (TimeoutError(), "database"),
        (OSError("disk full"), "database"),
        (ssl.SSLCertVerificationError("it expired"), "database"),
        (DBConnectionError("no"), "database"),
        (asyncpg.InterfaceError("connection is closed"), "database"),
        (asyncpg.InternalClientError("cannot switch to state 11"), "database"),
        (asyncpg.CannotConnectNowError("starting up"), "database"),
        (asyncpg.AdminShutdownError("restart"), "database"),
        (asyncio.IncompleteReadError(b"", 4), None),
        (OperationalError("database is locked"), None),
        (TransactionManagementError("no"), None),
        (sqlite3.DatabaseError("database disk image is malformed"), None),
        (asyncpg.LockNotAvailableError("lock timeout"), None),
        (asyncpg.DeadlockDetectedError("no"), None),
        (asyncpg.ReadOnlySQLTransactionError("no"), "database"),
        (caused(TransactionManagementError("x"), asyncpg.ReadOnlySQLTransactionError("no")), "database"),
        (asyncpg.InsufficientPrivilegeError("no"), None),
        (caused(OperationalError("x"), ConnectionResetError("no")), "database"),
        (redis.ConnectionError("no"), "redis"),
        (redis.BusyLoadingError("no"), "redis"),
        (redis.TimeoutError("no"), "redis"),
        (dramatiq.ConnectionClosed("no"), "redis"),
        (redis.ResponseError("LOADING"), "redis"),
        (redis.ResponseError("WRONGTYPE"), "redis"),
        (OSError(errno.EMFILE, "Too many open files"), "this machine"),
        (redis.ConnectionError("Error 24 connecting to localhost:6379. Too many open files."), "this machine"),
    ],
    ids=repr,
)
def test_a_fault_of_a_server_passes_and_may_show_which_server_is_away(error, server):
    assert not is_data_fault(error)
    assert lost_server(error) == server


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (redis.ReadOnlyError("You can't write against a read only replica."), "redis is a replica and takes no writes"),
        # As Redis 6.2 reports what a script met with.
        (
            redis.ResponseError("Error running script (call to f_1): @user_script:40: -READONLY You can't write"),
            "redis is a replica and takes no writes",
        ),
        (dramatiq.ConnectionClosed("ResponseError: WRONGTYPE Operation"), "redis holds something else in a key of"),
        (redis.ResponseError("UNBLOCKED force unblock from blocking operation, instance state changed"), "a replica"),
        (redis.exceptions.MasterDownError("Link with MASTER is down"), "redis is a replica that has lost its primary"),
        (redis.BusyLoadingError("Redis is loading the dataset in memory"), "redis is still reading its data"),
        (redis.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), "redis is full (maxmemory)"),
        (dramatiq.ConnectionClosed("OutOfMemoryError: command not allowed when used memory > 'maxmemory'"), "is full"),
        (redis.ResponseError("MISCONF Redis is configured to save RDB snapshots"), "cannot save to its disk"),
        (redis.ResponseError("NOREPLICAS Not enough good replicas to write."), "misses its replicas"),
        (redis.exceptions.NoPermissionError("this user has no permissions to run 'eval'"), "forbids its user"),
        (redis.AuthenticationError("invalid username-password pair"), "redis refuses user or password"),
        (redis.ConnectionError("refused"), "redis does not answer"),
        (asyncpg.ReadOnlySQLTransactionError("no"), "database is read-only"),
        (asyncpg.AdminShutdownError("no"), "database was shut down"),
        (asyncpg.CannotConnectNowError("no"), "database is starting or shutting down"),
        (asyncpg.DiskFullError("no"), "database has a full disk"),
        (asyncpg.TooManyConnectionsError("no"), "database has no connection left"),
        (asyncpg.InvalidPasswordError("no"), "database refuses user or password"),
        (OperationalError("database or disk is full"), "database has a full disk"),
        (sqlite3.OperationalError("database or disk is full"), "database has a full disk"),
        (OperationalError("attempt to write a readonly database"), "may not be written"),
        (ConnectionRefusedError("no"), "database does not answer"),
        (OSError(errno.ENFILE, "Too many open files in system"), "this machine lets passbackd open no more files"),
    ],
    ids=repr,
)
def test_each_trouble_of_a_server_has_words_of_our_own(error, words):
    assert words in trouble(error).words


@pytest.mark.parametrize(
    ("error", "words", "cure"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "/srv/a.db"),
            "this machine does not let this account use /srv/a.db",
            "run this as the daemon's account",
        ),
        (FileNotFoundError(errno.ENOENT, "no", "/srv/a.pem"), "this machine has no /srv/a.pem", "the path is right"),
        (OSError(errno.ENOSPC, "No space left"), "this machine has no room left on the disk of a file", "make room"),
        (OSError(errno.EROFS, "Read-only", "/srv/x"), "has a read-only file system below /srv/x", "mount it"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "/x"), "cannot use /x (File name too long)", "see the path"),
        (OSError(errno.EMFILE, "Too many open files", "/x"), "lets passbackd open no more files", "LimitNOFILE"),
        # A socket has no name.
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "database does not answer", ""),
        (OperationalError("unable to open database file"), "database is a file that cannot be opened", "run this as"),
        (redis.OutOfMemoryError("used memory > 'maxmemory'"), "redis is full (maxmemory)", "raise maxmemory"),
    ],
    ids=repr,
)
def test_a_file_is_named_with_what_to_do_and_is_no_server_that_fails(error, words, cure):
    found = trouble(error)
    assert words in found.words
    assert cure in found.cure
    assert bool(cure) == bool(found.cure)


async def fault_of(statement):
    with pytest.raises(Exception) as caught:
        async with in_transaction():
            await statement
    return caught.value


@pytest.mark.parametrize(
    "values", [{"modified_us": 2**63}, {"modified_us": ["noon"]}, {"user": "\ud800"}, {"user": 7.5j}], ids=repr
)
async def test_what_the_database_cannot_store_is_a_fault_of_the_data(empty_database, values):
    given = {"user": "u", "modified_us": 1} | values
    error = await fault_of(apply_score(given["user"], "c", "p", points=(1, 2), modified_us=given["modified_us"]))
    assert is_data_fault(error)


async def test_a_second_row_where_one_is_allowed_is_a_fault_of_the_data(empty_database):
    row = {"user_id": "u", "course_id": "c", "usage_id": "p", "points_earned": 1, "points_possible": 2}
    await Score.create(**row, modified_us=1)
    assert is_data_fault(await fault_of(Score.create(**row, modified_us=1)))


async def test_a_wrong_statement_is_no_fault_of_the_data(empty_database):
    assert not is_data_fault(await fault_of(Statement("SELECT no_such_column FROM score").rows()))


def test_an_error_is_described_in_one_line_that_is_never_empty():
    assert describe(ValueError("two\nlines")) == "ValueError: two lines"
    assert describe(TimeoutError()) == "TimeoutError: no answer in time"
    assert len(describe(ValueError("x" * 1_000))) == MAX_DESCRIPTION

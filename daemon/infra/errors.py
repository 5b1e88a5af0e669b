"""Classifying errors: faults of the data, which no retry repairs, and faults of a server, which pass."""

import errno
import os
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import asyncpg
import redis.exceptions
from tortoise.exceptions import (
    DBConnectionError,
    IntegrityError,
    OperationalError,
    TransactionManagementError,
    ValidationError,
)

Server = Literal["database", "redis", "this machine"]

#: Characters of an error in one line.
MAX_DESCRIPTION = 300

#: Raised by a bug, or over a value that cannot be stored whatever the server's state.
_DATA = (
    IntegrityError,
    ValidationError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    RecursionError,
    AssertionError,
    NameError,
    NotImplementedError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    asyncpg.exceptions.DataError,
    # An index row can be too large: three long ids of four-byte characters.
    asyncpg.ProgramLimitExceededError,
)

_REDIS_AWAY = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError)

#: What Redis says of itself, also within the error of a script, where 6.2 has no code of its own for it.
_REDIS_SAYS = (
    (r"READONLY|read only replica|UNBLOCKED", "is a replica and takes no writes"),
    (r"MASTERDOWN|Link with MASTER is down", "is a replica that has lost its primary"),
    (r"LOADING|loading the dataset", "is still reading its data"),
    (r"\bOOM\b|used memory > 'maxmemory'", "is full (maxmemory) and takes no writes"),
    (r"MISCONF", "cannot save to its disk and so takes no writes"),
    (r"NOREPLICAS|enough good replicas", "misses its replicas and so takes no writes"),
    (r"CLUSTERDOWN|cluster is down", "belongs to a cluster that is down"),
    (r"max number of clients", "has too many clients"),
    (r"NOAUTH|WRONGPASS|invalid (username|password)|Authentication required", "refuses user or password"),
    (r"NOPERM|no permissions", "forbids its user what passbackd needs (ACL)"),
    (r"WRONGTYPE", "holds something else in a key of passbackd's"),
)

#: asyncpg lets errors of the system through, redis-py wraps them. The first that fits.
_DATABASE_SAYS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (asyncpg.ReadOnlySQLTransactionError, "is read-only: a standby, or a primary that was demoted"),
    ((asyncpg.AdminShutdownError, asyncpg.CrashShutdownError), "was shut down"),
    (asyncpg.CannotConnectNowError, "is starting or shutting down"),
    (asyncpg.DiskFullError, "has a full disk"),
    (asyncpg.TooManyConnectionsError, "has no connection left for passbackd"),
    (asyncpg.InsufficientResourcesError, "has too little memory or disk"),
    (asyncpg.PostgresIOError, "cannot read or write its disk"),
    (asyncpg.InvalidAuthorizationSpecificationError, "refuses user or password"),
    (asyncpg.InvalidCatalogNameError, "is not there by that name"),
    (
        (
            OSError,
            DBConnectionError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
            asyncpg.PostgresConnectionError,
            asyncpg.exceptions.OperatorInterventionError,
        ),
        "does not answer",
    ),
)
_SQLITE_SAYS = (
    ("disk is full", "has a full disk"),
    ("readonly database", "is a file that may not be written"),
    ("disk I/O error", "cannot read or write its disk"),
    ("unable to open database file", "is a file that cannot be opened"),
)
_NO_FILES = (errno.EMFILE, errno.ENFILE)

_NO_RIGHT = "run this as the daemon's account (`sudo passbackd` of an installed service), or give this one the right"
_MAKE_ROOM = "make room there"
#: What this machine does with a file, and what to do, by the system's number for it.
_FILE_SAYS = {
    errno.EACCES: ("does not let this account use {}", _NO_RIGHT),
    errno.EPERM: ("does not let this account use {}", _NO_RIGHT),
    errno.ENOENT: ("has no {}", "see that the path is right"),
    errno.ENOTDIR: ("has no {}", "see that the path is right"),
    errno.ENOSPC: ("has no room left on the disk of {}", _MAKE_ROOM),
    errno.EDQUOT: ("has no room left for this account on the disk of {}", _MAKE_ROOM),
    errno.EROFS: ("has a read-only file system below {}", "mount it for writing, or name another path"),
    errno.EIO: ("cannot read or write {}", "see its disk"),
}
#: Of these the system does not always name the file.
_NAMELESS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)

#: What to do about what a server says.
_CURES = {
    "has a full disk": _MAKE_ROOM,
    "is a file that may not be written": _NO_RIGHT,
    "is a file that cannot be opened": _NO_RIGHT,
    "cannot read or write its disk": "see its disk, and its log",
    "refuses user or password": "correct them in the URL",
    "is not there by that name": "correct the name in the URL, or create it",
    "has no connection left for passbackd": "raise max_connections, or end other sessions",
    "is full (maxmemory) and takes no writes": "raise maxmemory, or lower retention.stream_days",
    "holds something else in a key of passbackd's": (
        "delete that key, or, if another program needs it, name another redis.stream or redis.dramatiq_namespace"
    ),
    "is a replica and takes no writes": "name the primary in the URL",
    "is read-only: a standby, or a primary that was demoted": "name the primary in the URL",
    "cannot save to its disk and so takes no writes": "see its log, and make room on its disk",
    "lets passbackd open no more files": "raise the limit of open files (`ulimit -n`, LimitNOFILE)",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a server. *fix*: what to do, where :attr:`cure` has nothing by *what*."""

    server: Server
    what: str = "does not answer"
    fix: str = ""

    @property
    def cure(self) -> str:
        """What to do; empty where that is not known."""
        return self.fix or _CURES.get(self.what, "")

    @property
    def words(self) -> str:
        return f"{self.server} {self.what}"


def is_data_fault(error: BaseException) -> bool:
    """Whether a retry can never work. A lost server, a lock or a missing permission is no such fault: time helps."""
    if any(isinstance(one, _DATA) and not isinstance(one, asyncpg.InterfaceError | OSError) for one in _chain(error)):
        return True
    return isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)


def lost_server(error: BaseException) -> Server | None:
    """Which server is of no use at the moment, if *error* says that one is."""
    found = trouble(error)
    return None if found is None else found.server


def trouble(error: BaseException) -> Trouble | None:
    """What *error* says of a server: that it is gone, full, read-only, starting, or does not answer."""
    if is_data_fault(error):
        return None
    if "Too many open files" in str(error) or (isinstance(error, OSError) and error.errno in _NO_FILES):
        return Trouble("this machine", "lets passbackd open no more files")
    if (of_file := _file_trouble(error)) is not None:
        return of_file
    if _is_of_redis(error):
        what = next((words for said, words in _REDIS_SAYS if re.search(said, str(error))), None)
        away = isinstance(error, _REDIS_AWAY) or not isinstance(error, redis.exceptions.RedisError)
        return Trouble("redis", what) if what else Trouble("redis") if away else None
    if isinstance(error, OperationalError | TransactionManagementError | sqlite3.OperationalError):
        # Tortoise's, which say of the driver's by what they were caused. SQLite's at a COMMIT comes as it is.
        what = next((words for said, words in _SQLITE_SAYS if said in str(error)), None)
        if what is None and error.__cause__ is not None:
            return trouble(error.__cause__)
    else:
        what = next((words for kind, words in _DATABASE_SAYS if isinstance(error, kind)), None)
    return None if what is None else Trouble("database", what)


def _file_trouble(error: BaseException) -> Trouble | None:
    """Of a file of this machine; a socket that does not answer has no name."""
    if not isinstance(error, OSError) or (error.filename is None and error.errno not in _NAMELESS):
        return None
    name = "a file" if error.filename is None else os.fsdecode(error.filename)
    what, fix = _FILE_SAYS.get(error.errno or 0, (f"cannot use {{}} ({error.strerror})", "see the path and its rights"))
    return Trouble("this machine", what.format(name), fix)


def _is_of_redis(error: BaseException) -> bool:
    from dramatiq.errors import BrokerConnectionError  # noqa: PLC0415 - heavy

    return isinstance(error, (redis.exceptions.RedisError, BrokerConnectionError))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def describe(error: BaseException) -> str:
    """An error in one line."""
    words = str(error) or "no answer in time"
    return " ".join(f"{type(error).__name__}: {words}".split())[:MAX_DESCRIPTION]

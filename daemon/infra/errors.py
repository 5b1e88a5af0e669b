"""Classifying errors: faults of the data, which no retry repairs, and faults of a server, which pass."""

import sqlite3
from typing import Literal

import asyncpg
import redis.exceptions
from dramatiq.errors import BrokerConnectionError
from tortoise.exceptions import DBConnectionError, IntegrityError, ValidationError

Server = Literal["database", "redis"]

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

#: A server is gone, is starting, or does not answer. asyncpg lets errors of the system through, redis-py wraps them.
_REDIS_AWAY = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, BrokerConnectionError)
_DATABASE_AWAY = (
    OSError,
    DBConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
)


def is_data_fault(error: BaseException) -> bool:
    """Whether a retry can never work. A lost server, a lock or a missing permission is no such fault: time helps."""
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, _DATA) and not isinstance(chain, asyncpg.InterfaceError | OSError):
            return True
        chain = chain.__cause__
    return isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)


def lost_server(error: BaseException) -> Server | None:
    """Which server is away, if *error* says that one is."""
    if is_data_fault(error):
        return None
    if isinstance(error, _REDIS_AWAY):
        return "redis"
    return "database" if isinstance(error, _DATABASE_AWAY) else None


def describe(error: BaseException) -> str:
    """An error in one line."""
    words = str(error) or "no answer in time"
    return " ".join(f"{type(error).__name__}: {words}".split())[:MAX_DESCRIPTION]

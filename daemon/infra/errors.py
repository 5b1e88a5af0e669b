"""Telling faults of the data, which an entry carries with it, from faults of a server, which pass; and which server."""

import sqlite3
from typing import Literal

import asyncpg
import redis.exceptions
from dramatiq.errors import BrokerConnectionError
from tortoise.exceptions import DBConnectionError, IntegrityError, ValidationError

Server = Literal["database", "redis"]

#: Characters of an error that are worth a line.
WORDS = 300

#: Raised by our own code or a driver over a value that cannot be stored, whatever the server's state.
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
    """
    Whether trying the same again can never work.

    Anything else (a lost server, a lock that was not given, a missing permission) is a matter of time.
    """
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, _DATA) and not isinstance(chain, asyncpg.InterfaceError | OSError):
            return True
        chain = chain.__cause__
    return isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)


def lost_server(error: BaseException) -> Server | None:
    """Which server is away, if that is what *error* tells."""
    if is_data_fault(error):
        return None
    if isinstance(error, _REDIS_AWAY):
        return "redis"
    return "database" if isinstance(error, _DATABASE_AWAY) else None


def describe(error: BaseException) -> str:
    """An error in one line."""
    words = str(error) or "no answer in time"
    return " ".join(f"{type(error).__name__}: {words}".split())[:WORDS]

"""Telling faults of the data, which an entry carries with it, from faults of a server, which pass."""

from __future__ import annotations

import sqlite3

import asyncpg
from tortoise.exceptions import IntegrityError, ValidationError

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

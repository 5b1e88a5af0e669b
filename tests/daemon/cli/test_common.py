"""How a fault ends a command."""

import errno
import sqlite3

import asyncpg
import pytest
import redis
import typer
from tortoise.exceptions import OperationalError, TransactionManagementError

from daemon.cli.common import run_work

AGAIN = "a server failed while this ran, try again"

READ_ONLY = TransactionManagementError("cannot execute UPDATE in a read-only transaction")
READ_ONLY.__cause__ = asyncpg.ReadOnlySQLTransactionError("cannot execute UPDATE in a read-only transaction")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "/srv/a.db"),
            "this machine does not let this account use /srv/a.db (PermissionError: [Errno 13] ",
        ),
        (
            redis.ConnectionError("refused"),
            f"{AGAIN}: redis does not answer (ConnectionError: refused)\n",
        ),
        (
            OperationalError("disk is full"),
            f"{AGAIN}: database has a full disk (OperationalError: disk is full); make room there\n",
        ),
        (
            sqlite3.OperationalError("database or disk is full"),
            f"{AGAIN}: database has a full disk (OperationalError: database or disk is full); make room there\n",
        ),
        (
            OperationalError("database is locked"),
            f"{AGAIN}: OperationalError: database",
        ),
        (
            READ_ONLY,
            f"{AGAIN}: database is read-only: a standby, or a primary that was demoted (TransactionManagementError: ",
        ),
        (OperationalError("permission denied for table score"), "database.url: this role may not do that"),
    ],
    ids=repr,
)
def test_a_fault_says_what_failed_and_what_to_do(capsys, error, words):
    async def work():
        raise error

    with pytest.raises(typer.Exit):
        run_work(work())
    assert capsys.readouterr().err.startswith(words)

"""
The objects of dumps, joined: a temporary SQLite database, since a site may have a million.

Consumers are few, and stay in memory: no secret is written.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from daemon.support.openedx.dump import (
    MAX_COLUMN,
    BadObjectError,
    DumpedAssignment,
    DumpedConsumer,
    DumpedObject,
    DumpedService,
    DumpedUser,
    LongSourcedid,
)

#: Consumers of one site, at most.
MAX_CONSUMERS = 10_000

_TABLES = {
    DumpedService: ("service", "pk, consumer, url"),
    DumpedUser: ("lti_user", "pk, consumer, user, lti_user_id"),
    DumpedAssignment: ("assignment", "pk, service, user, course, usage, sourcedid, disabled"),
    LongSourcedid: ("long_sourcedid", "pk, sourcedid"),
}

_JOINED = """assignment LEFT JOIN service ON service.pk = assignment.service
    LEFT JOIN long_sourcedid AS long ON long.pk = assignment.pk AND long.sourcedid <> ''"""

_LAUNCHES = f"""
    SELECT assignment.file, assignment.line, service.consumer, user, course, usage,
        COALESCE(long.sourcedid, assignment.sourcedid), url, (
            SELECT lti_user_id FROM lti_user
            WHERE lti_user.user = assignment.user AND lti_user.consumer = service.consumer
            ORDER BY lti_user.pk DESC LIMIT 1)
    FROM {_JOINED} WHERE service.consumer IS NOT NULL AND NOT disabled ORDER BY assignment.pk"""  # noqa: S608 - of constants

_CENSUS = f"""
    SELECT service.consumer, url, COUNT(*), SUM(disabled),
        SUM(long.pk IS NULL AND NOT disabled AND LENGTH(assignment.sourcedid) = {MAX_COLUMN})
    FROM {_JOINED} GROUP BY 1, 2"""  # noqa: S608 - of constants


class LineOfFile(NamedTuple):
    """A line of one of the files, which are numbered from 0."""

    file: int
    line: int


class KnownAssignment(NamedTuple):
    """An assignment that is not disabled, with its address. *lti_user_id*: the newest on record."""

    file: int
    line: int
    consumer_pk: int
    user_id: str
    course_id: str
    usage_id: str
    sourcedid: str
    url: str
    lti_user_id: str | None


class ServiceCensus(NamedTuple):
    """
    How many assignments have one service, how many of them are *disabled*, and how many of the others' sourcedids were
    probably cut. *consumer_pk*, *url*: None where the service is not in the files.
    """

    consumer_pk: int | None
    url: str | None
    assignments: int
    disabled: int
    cut: int


class DumpStore:
    """*folder*: a private one, in which the database is."""

    def __init__(self, folder: Path) -> None:
        #: By primary key.
        self.consumers: dict[int, DumpedConsumer] = {}
        self._database = sqlite3.connect(folder / "dump.sqlite", isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
            self._database.execute(f"PRAGMA {pragma}")
        for table, columns in _TABLES.values():
            named = columns.replace("pk", "pk INTEGER PRIMARY KEY")
            self._database.execute(f"CREATE TABLE {table} ({named}, file INTEGER, line INTEGER)")
        self._database.execute("CREATE INDEX of_user ON lti_user (user, consumer, pk)")
        self._database.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def add(self, one: DumpedObject, place: LineOfFile) -> None:
        """
        Keep an object.

        Raises:
            BadObjectError: There is another one of the same model and primary key, or there are too many.
        """
        if isinstance(one, DumpedConsumer):
            known = self.consumers.setdefault(one.pk, one)
            if len(self.consumers) > MAX_CONSUMERS:
                raise BadObjectError(f"there are more than {MAX_CONSUMERS} consumers")
            if known == one:
                return
            raise _differs(one.pk, None)
        table, columns = _TABLES[type(one)]
        values = astuple(one)
        marks = ", ".join("?" * (len(values) + 2))
        done = self._database.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", (*values, *place))  # noqa: S608
        if done.rowcount:
            return
        before = self._database.execute(f"SELECT {columns}, line FROM {table} WHERE pk = ?", (one.pk,)).fetchone()  # noqa: S608
        if tuple(before[:-1]) != values:
            raise _differs(one.pk, before[-1])

    def assignments(self) -> Iterator[KnownAssignment]:
        """Those that are not disabled and whose service and consumer are in the files, by primary key."""
        for row in self._database.execute(_LAUNCHES):
            found = KnownAssignment(*row)
            if found.consumer_pk in self.consumers:
                yield found

    def census(self) -> list[ServiceCensus]:
        """Of every service that has an assignment."""
        return [ServiceCensus(*row) for row in self._database.execute(_CENSUS)]

    def learners(self) -> dict[int, int]:
        """How many learners have an assignment, by the primary key of the consumer."""
        return dict(
            self._database.execute(f"SELECT service.consumer, COUNT(DISTINCT user) FROM {_JOINED} GROUP BY 1")  # noqa: S608
        )


def _differs(pk: int, line: int | None) -> BadObjectError:
    at = "" if line is None else f" in line {line}"
    return BadObjectError(f"another object of this model with the pk {pk} came before{at}: name files of one dump only")

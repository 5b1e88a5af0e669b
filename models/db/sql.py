"""Raw SQL with named parameters, the same text for PostgreSQL and SQLite."""

import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Protocol

from pydantic_core import to_json

_PLACEHOLDER = re.compile(
    r"(?<!:):(?P<parameter>[a-z_]+)|\{lock_free:(?P<table>[a-z_]+)\}|\{(?P<word>given|for_update|random)\}"
)


#: The largest id that a database gives.
MAX_ID = 2**63 - 1
# Of an id that someone writes: so many are below the largest, whatever they are.
_MAX_DIGITS = 18

#: Rows that one of several statements changes at most: few enough that nothing waits long for its locks.
CHUNK = 500


class StatementRunner(Protocol):
    """What runs statements where the models are not open: :mod:`models.db.reading`. *is_postgres*: else SQLite."""

    is_postgres: bool

    async def execute_query_dict(self, query: str, values: list[Any]) -> list[dict[str, Any]]:
        """The rows of a SELECT."""


#: Set while the database is open for reading alone.
reader: ContextVar[StatementRunner | None] = ContextVar("reader", default=None)


def connection() -> Any:
    """Tortoise's ``BaseDBAsyncClient``: that of the running transaction, or of the pool when there is none."""
    from tortoise.context import require_context  # noqa: PLC0415 - heavy, and reading goes without

    return require_context().db()


def is_postgres() -> bool:
    reads = reader.get()
    return bool(connection().capabilities.dialect == "postgres") if reads is None else reads.is_postgres


class Statement:
    """
    One SQL statement.

    Args:
        text: SQL with ``:name`` parameters. ``{for_update}`` locks the rows on PostgreSQL, and ``{lock_free:table}``
            locks those rows of *table* that no other transaction has locked and skips the others; on SQLite, where a
            transaction locks the whole database, both are empty. ``{random}`` is a random number from 1 to 2^62, which
            PostgreSQL makes of 52 random bits. ``{given}`` is the parameter ``given``, a list of
            dictionaries, as a table of that name.
        sqlite: The same for SQLite, where its dialect differs.
        given: That table's columns with their types, as in ``id BIGINT, score VARCHAR``. No floating-point numbers:
            SQLite may read them from text with an error in the last place.
    """

    def __init__(self, text: str, *, sqlite: str | None = None, given: str = "") -> None:
        # The given rows are the first parameter.
        self.names = ["given"] if given else []
        self._postgres = self._rendered(
            text,
            sign="$",
            given=f"json_to_recordset(CAST($1 AS JSON)) AS given({given})",
            for_update="FOR NO KEY UPDATE",
            lock_free="FOR NO KEY UPDATE OF {} SKIP LOCKED",
            random="CAST(random() * 4611686018427387903 AS BIGINT) + 1",
        )
        self._sqlite = self._rendered(
            sqlite or text,
            sign="?",
            given=f"(SELECT {_extracted(given)} FROM json_each(?1)) AS given",
            for_update="",
            lock_free="",
            random="(random() & 4611686018427387903) + 1",
        )

    def _rendered(self, text: str, *, sign: str, lock_free: str, **words: str) -> str:
        def placeholder(match: re.Match[str]) -> str:
            if match["parameter"]:
                return f"{sign}{self._number(match['parameter'])}"
            if match["table"]:
                return lock_free.format(match["table"])
            return words[match["word"]]

        return _PLACEHOLDER.sub(placeholder, text)

    def _number(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name) + 1

    async def rows(self, **parameters: Any) -> list[dict[str, Any]]:
        """Run it and return its rows: of a SELECT, or of what RETURNING names."""
        text = self._postgres if is_postgres() else self._sqlite
        if "given" in parameters:
            parameters["given"] = to_json(parameters["given"]).decode()
        runs: StatementRunner = reader.get() or connection()
        return await runs.execute_query_dict(text, [parameters[name] for name in self.names])

    async def each(self, many: Sequence[dict[str, Any]]) -> None:
        """Run it once for each of *many* parameters, in one round trip; it may return no rows."""
        text = self._postgres if is_postgres() else self._sqlite
        await connection().execute_many(text, [[parameters[name] for name in self.names] for parameters in many])

    async def row(self, **parameters: Any) -> dict[str, Any] | None:
        """The first row, or None."""
        rows = await self.rows(**parameters)
        return rows[0] if rows else None


def _extracted(columns: str) -> str:
    """The columns of a JSON object, for SQLite."""
    names = [column.split()[0] for column in columns.split(",") if column]
    return ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in names)


def all_of(conditions: Mapping[str, object]) -> str:
    """The conditions whose value is not None, joined with AND; true if there is none."""
    return " AND ".join(["1 = 1", *(condition for condition, value in conditions.items() if value is not None)])


def written_id(word: str) -> int | None:
    """The id that a word of 1 to 18 digits of ASCII writes; None for all others."""
    return int(word) if word.isascii() and word.isdigit() and len(word) <= _MAX_DIGITS else None


def storable(text: str, most: int) -> str:
    """What PostgreSQL can store of a text from outside: neither NUL nor lone surrogates, *most* characters."""
    return text.replace("\x00", "").encode(errors="replace").decode()[:most]

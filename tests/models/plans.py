"""How the database runs a statement."""

import copy
import json
import re
from typing import Any

from tortoise.transactions import in_transaction

from models.db.sql import Statement, connection, is_postgres

#: What grows with learners and their work; the others have a row a campus, or one a daemon.
LARGE = ("graded_assignment", "delivery", "score", "quarantined_event", "stale_event", "retired_user")


async def plan(statement: Statement, **parameters) -> str:
    """The steps, where an index is not too much for a table because it is small."""
    explaining = copy.copy(statement)
    explaining._postgres = f"EXPLAIN {statement._postgres}"
    explaining._sqlite = f"EXPLAIN QUERY PLAN {statement._sqlite}"
    async with in_transaction():
        if is_postgres():
            await connection().execute_query("SET LOCAL enable_seqscan = off")
        rows = await explaining.rows(**parameters)
    return "\n".join(str(row.get("QUERY PLAN", row.get("detail"))) for row in rows)


def whole_tables(steps: str) -> list[str]:
    """The large tables that a plan reads from end to end."""
    scanned = re.findall(r"Seq Scan on (\w+)|^SCAN (\w+)(?! USING (?:COVERING )?INDEX)", steps, re.MULTILINE)
    return [name for names in scanned for name in names if name in LARGE]


async def explained(statement: Statement, values: list[Any]) -> list[dict[str, Any]]:
    """The nodes of the plan by which PostgreSQL has run the statement; nothing stays changed."""
    async with in_transaction() as transaction:
        rows = await transaction.execute_query_dict(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement._postgres}", values)
        await transaction.rollback()
    plan = rows[0]["QUERY PLAN"]
    nodes = [(json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]]
    for node in nodes:
        nodes.extend(node.get("Plans", ()))
    return nodes


def rows_read(scan: dict[str, Any]) -> int:
    """By all runs of a scan."""
    dropped = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    return int(scan["Actual Loops"] * (scan["Actual Rows"] + sum(scan.get(name, 0) for name in dropped)))

"""Who did what: whatever changes something at a person's wish leaves a row in the database, and a line in a log."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tortoise.transactions import in_transaction

from models.action import record_action
from models.db.clock import database_now
from models.retirement import is_forgotten


@dataclass(frozen=True, slots=True)
class Actor:
    """
    Who changes something, and where.

    Args:
        log: Writes a line where it outlives this database: what was done, to what (without the learner), and how many.
        recorded: The ids under which its changes are on record, in their order.
    """

    account: str
    host: str
    log: Callable[[str, Mapping[str, Any], Mapping[str, int]], None]
    recorded: list[int] = field(default_factory=list)


@asynccontextmanager
async def recorded_by(command: str, selection: Mapping[str, Any], actor: Actor) -> AsyncIterator[dict[str, int]]:
    """
    Record *command* once its change is done, with the counts that the body fills in, in one transaction with it.

    Args:
        selection: What it was to change, without secrets.
    """
    async with in_transaction():
        counts: dict[str, int] = {}
        yield counts
        await record_by(command, selection, counts, actor)


@asynccontextmanager
async def recorded_in_steps_by(
    command: str, selection: Mapping[str, Any], actor: Actor
) -> AsyncIterator[dict[str, int]]:
    """As :func:`recorded_by`, for changes of many transactions: what was done before a fault is recorded too."""
    counts: dict[str, int] = {}
    try:
        yield counts
    finally:
        await record_by(command, selection, counts, actor)


async def record_by(command: str, selection: Mapping[str, Any], counts: Mapping[str, int], actor: Actor) -> None:
    """Record what was done, in the caller's transaction if there is one."""
    chosen = {name: value for name, value in selection.items() if name != "user"}
    user = selection.get("user")
    kept = chosen if user is None or await is_forgotten(user) else selection
    now = await database_now()
    action_id = await record_action(command, kept, counts, account=actor.account, host=actor.host, now=now)
    actor.recorded.append(action_id)
    actor.log(command, chosen, counts)


def action_words(values: Mapping[str, object]) -> str:
    """The selection or the counts of an action, for people. Pure."""
    return ", ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value)}" for name, value in values.items()
    )

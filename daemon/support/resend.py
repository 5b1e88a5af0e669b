"""Marks many assignments to be sent once more; a fault of some never stops the rest."""

from collections.abc import Callable
from dataclasses import dataclass, field

from daemon.infra.errors import describe, lost_server
from models.db.clock import database_now
from models.queries.filter import AssignmentFilter
from models.queries.resend import mark, next_chunk


@dataclass(slots=True)
class Marked:
    """How many were marked, and what went wrong: the assignment and why."""

    number: int = 0
    failed: list[tuple[int, str]] = field(default_factory=list)


async def resend(
    wanted: AssignmentFilter, *, now: Callable[[], int], force: bool, advance: Callable[[int], None] = lambda _: None
) -> Marked:
    """
    Mark all that is wanted, chunk by chunk; one that fails is marked row by row.

    Args:
        now: The database's clock, milliseconds since 1970.
        force: Also where the campus acknowledged exactly this score already.
        advance: Called with the number of assignments in each chunk.

    Raises:
        Exception: A server was lost. What was marked until then stays marked.
    """
    marked, after = Marked(), 0
    while ids := await next_chunk(wanted, after=after, now=now()):
        # If the database's clock was set back since, a grade would wait until it has come so far again.
        await _mark(wanted, ids, min(now(), await database_now()), marked, force=force)
        after = ids[-1]
        advance(len(ids))
    return marked


async def _mark(wanted: AssignmentFilter, ids: list[int], now: int, marked: Marked, *, force: bool) -> None:
    try:
        marked.number += await mark(wanted, first=ids[0], last=ids[-1], now=now, force=force)
    except Exception as error:
        if lost_server(error) is not None:
            raise
        if len(ids) == 1:
            marked.failed.append((ids[0], describe(error)))
            return
        for one in ids:
            await _mark(wanted, [one], now, marked, force=force)

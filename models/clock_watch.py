"""
What becomes of stored times when the database's clock steps: they step with it.

Leases, holds and backoffs are times by the database's clock. When NTP sets that forward, claims and holds would end
while their requests are under way; when it is set back, dirty grades would wait for as long. Every daemon records twice
a second what time it is. The one that finds the clock elsewhere moves the stored times in the same transaction: once,
whichever daemons look.

Time in which no daemon looked is no different from a step forward: claims and holds are prolonged by it.
"""

from collections.abc import Awaitable, Callable

from tortoise import fields
from tortoise.models import Model
from tortoise.transactions import in_transaction

from models.db.clock import NOW_POSTGRES, NOW_SQLITE, Clock, database_now
from models.db.sql import Statement, is_postgres

#: Milliseconds. A smaller difference may be a daemon that was late; leases and holds have more to spare.
STEP_MS = 2_000
#: The key of PostgreSQL's advisory lock: "pb:clock" in ASCII.
_ADVISORY_LOCK = int.from_bytes(b"pb:clock")
#: Rows that one statement moves.
_CHUNK = 5_000


class ClockWatch(Model):
    """One row: the database's clock as a daemon saw it last, and how often it was moved by more than time."""

    id = fields.IntField(primary_key=True)
    # Milliseconds since 1970.
    seen_at = fields.BigIntField()
    steps = fields.BigIntField(db_default=0)

    class Meta:
        table = "clock_watch"
        table_description = "The database's clock as it was seen last"


#: Whether the caller knows the last step of the clock: its time is that of the stored times. As SQL.
CURRENT = "COALESCE((SELECT steps FROM clock_watch WHERE id = 1), 0) = :steps"
#: By how much times are off that follow from ``ended_at``, read when the clock had made ``steps`` steps. As SQL over
#: `given`, which has these columns; milliseconds.
OFF = """COALESCE((SELECT CASE WHEN clock_watch.steps = given.steps THEN 0 ELSE seen_at - given.ended_at END
    FROM clock_watch WHERE id = 1), 0)"""


def _seen(now: str) -> str:
    return f"""UPDATE clock_watch SET seen_at = {now}
        WHERE id = 1 AND seen_at <= {now} AND seen_at >= {now} - {STEP_MS} RETURNING id"""


_SEEN = Statement(_seen(NOW_POSTGRES), sqlite=_seen(NOW_SQLITE))
_FIRST = Statement("""
    INSERT INTO clock_watch (id, seen_at, steps) VALUES (1, :now, 0) ON CONFLICT (id) DO NOTHING RETURNING id""")
_LOCK = Statement("SELECT seen_at FROM clock_watch WHERE id = 1 {for_update}")
# No lock of the row: others would keep coming while a step waits to be alone with it. Not for SQLite, where a
# transaction is alone anyway.
_HOLD_STILL = Statement(f"SELECT pg_advisory_xact_lock_shared({_ADVISORY_LOCK})")
_BE_ALONE = Statement(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
_MOVE = Statement("UPDATE clock_watch SET seen_at = :now, steps = steps + :step WHERE id = 1 RETURNING id")


def _moved(columns: tuple[str, ...]) -> str:
    """Those times that lie after ``:after`` move by ``:by``."""
    return ", ".join(f"{name} = CASE WHEN {name} > :after THEN {name} + :by ELSE {name} END" for name in columns)


def _any(columns: tuple[str, ...]) -> str:
    return " OR ".join(f"{name} > :after" for name in columns)


#: What keeps a request's place while it may be under way; and what a row waits for, or is compared with.
_UNDER_WAY = ("claimed_until", "hold_until")
_WAITS = ("due_at", "not_before", "pending_since", "parked_at", "returns_at", "sent_at", "changed_at")
_CAMPUS = ("blocked_until", "tripped_at", "throttled_at", "last_error_at", "reading_until")
_SERVICE = ("accepted_at", "refused_at")
_ORPHAN = ("claimed_until", "in_doubt_until")

# By ids, so that no statement takes longer than the server allows.
_NEXT_IDS = Statement("""
    SELECT MAX(id) AS last FROM (
        SELECT id FROM graded_assignment WHERE id > :above ORDER BY id LIMIT CAST(:most AS BIGINT)) AS chunk""")
_MOVE_ASSIGNMENTS = {
    forward: Statement(f"""
        UPDATE graded_assignment SET {_moved(columns)}
        WHERE id > :above AND id <= :last AND ({_any(columns)}) RETURNING id""")
    for forward, columns in ((True, _UNDER_WAY), (False, (*_UNDER_WAY, *_WAITS)))
}
_MOVE_ORPHANS = Statement(f"UPDATE orphaned_claim SET {_moved(_ORPHAN)} WHERE {_any(_ORPHAN)} RETURNING id")
_MOVE_CAMPUSES = Statement(f"UPDATE campus SET {_moved(_CAMPUS)} WHERE {_any(_CAMPUS)} RETURNING id")
_MOVE_SERVICES = Statement(f"UPDATE outcome_service SET {_moved(_SERVICE)} WHERE {_any(_SERVICE)} RETURNING id")


_WATCH = Statement("SELECT seen_at, steps FROM clock_watch WHERE id = 1")
_IS_CURRENT = Statement(f"SELECT 1 AS found WHERE {CURRENT}")


async def hold_still() -> None:
    """
    Have no step be followed until this transaction ends: so the next one finds, and moves, what it stores.

    Before the transaction locks rows that a step moves.
    """
    if is_postgres():
        await _HOLD_STILL.rows()


async def is_current(steps: int) -> bool:
    """Whether the database's clock has not stepped again since; so that times may be stored by it."""
    return bool(await _IS_CURRENT.rows(steps=steps))


async def catch_up(clock: Clock) -> None:
    """Before times are stored that follow from *clock*: have it go by the database's clock, if that has stepped."""
    if not await is_current(clock.steps):
        await watch(clock)


async def how_far_off(at: int, steps: int) -> int:
    """As :data:`OFF`, for times that follow from *at*, which was read when the clock had made *steps* steps."""
    row = await _WATCH.row()
    return 0 if row is None or row["steps"] == steps else int(row["seen_at"]) - at


async def watch(clock: Clock) -> int:
    """
    Record the time, move the stored times if the database's clock has stepped, and have *clock* go by it.

    Returns:
        By how many milliseconds the time differs from that of *clock* so far.
    """
    # Read before: a step between the two is not adopted until the next watch has moved the times.
    reading = await clock.read()
    if not await _SEEN.rows():
        await follow(database_now)
    return clock.adopt(reading)


async def follow(read_now: Callable[[], Awaitable[int]]) -> int:
    """
    Move the stored times as far as the database's clock is from where it was seen last.

    Args:
        read_now: Reads it, milliseconds since 1970; called once the row is locked.

    Returns:
        By how many milliseconds they were moved; 0 if they were not.
    """
    async with in_transaction():
        if is_postgres():
            await _BE_ALONE.rows()
        row = await _LOCK.row()
        now = await read_now()
        if row is None:
            await _FIRST.rows(now=now)
            return 0
        by = now - row["seen_at"]
        stepped = abs(by) > STEP_MS
        if stepped:
            # Forward, what ended after the last look has not ended; back, what lies ahead comes nearer.
            await _move(by, after=row["seen_at"] if by > 0 else now)
        await _MOVE.rows(now=now, step=int(stepped))
        return by if stepped else 0


async def _move(by: int, *, after: int) -> None:
    above = 0
    while (chunk := await _NEXT_IDS.row(above=above, most=_CHUNK)) and chunk["last"] is not None:
        await _MOVE_ASSIGNMENTS[by > 0].rows(by=by, after=after, above=above, last=chunk["last"])
        above = chunk["last"]
    await _MOVE_ORPHANS.rows(by=by, after=after)
    if by < 0:
        await _MOVE_CAMPUSES.rows(by=by, after=after)
        await _MOVE_SERVICES.rows(by=by, after=after)

"""The daemons that run now, by their heartbeats. Times are milliseconds since 1970 by :mod:`models.db.clock`."""

from dataclasses import dataclass

from models.db.sql import Statement

#: Milliseconds after which a daemon without a heartbeat no longer counts as running.
ALIVE_MS = 5_000

# A time long after now is from before the clock was set back.
ALIVE = "seen_at > :since AND seen_at <= :until"
_MEMBERS = Statement(f"""
    SELECT SUM(CASE WHEN {ALIVE} THEN 1 ELSE 0 END) AS alive, MAX(seen_at) AS seen_at FROM heartbeat""")
_TROUBLES = Statement(f"SELECT DISTINCT troubles FROM heartbeat WHERE {ALIVE} AND troubles IS NOT NULL")


@dataclass(frozen=True, slots=True)
class Members:
    """
    *alive*: how many daemons are at work. *last_seen*: when any was; None if none was ever seen. *troubles*: why some
    of those at work are not ready.
    """

    alive: int
    last_seen: int | None
    troubles: tuple[str, ...] = ()


async def read_members(*, now: int) -> Members:
    """Which daemons are at work."""
    lately = {"since": now - ALIVE_MS, "until": now + ALIVE_MS}
    row = await _MEMBERS.row(**lately)
    if row is None:
        return Members(0, None)
    lines = [line for troubled in await _TROUBLES.rows(**lately) for line in troubled["troubles"].splitlines()]
    return Members(int(row["alive"] or 0), row["seen_at"], tuple(dict.fromkeys(sorted(lines))))

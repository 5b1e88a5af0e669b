"""How far intake is behind the stream, and the stream ahead of the clock."""

from daemon.ingest.stream import STREAM_START, Stream
from models.queries.status import read_applied


async def stream_lag(stream: Stream | None) -> int | None:
    """Entries not yet applied; None when Redis does not answer."""
    if stream is None:
        return None
    return await entries_after(stream, await read_applied() or STREAM_START)


async def entries_after(stream: Stream, position: str) -> int | None:
    """How many entries come after *position*, as Redis alone says; None when it does not answer."""
    try:
        return await stream.lag(position)
    except Exception:  # noqa: BLE001 - whatever is wrong with Redis, the rest of the status is worth showing
        return None


async def stream_ahead(stream: Stream, now: int) -> float | None:
    """
    Seconds that the newest id of the stream lies ahead of *now*, below 0 for one of the past.

    Args:
        now: By the database's clock, milliseconds since 1970.

    Returns:
        None when Redis does not answer; 0 without a stream.
    """
    try:
        last = await stream.last_ms()
    except Exception:  # noqa: BLE001 - whatever is wrong with Redis, the rest of the gauges is worth showing
        return None
    return 0.0 if last is None else (last - now) / 1000

"""The real daemon: from ``XADD`` to the row clean and the ledger written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.daemon import launches, running_daemon, scores

if TYPE_CHECKING:
    from pathlib import Path


async def end_to_end(work: Path, database: str, redis_url: str, campus: str, outcomes: int, concurrency: int) -> float:
    """Outcomes a second."""
    async with running_daemon(work, database, redis_url, "bench", concurrency=concurrency) as daemon:
        await daemon.add(launches("bench", campus, outcomes))
        await daemon.until_clean(outcomes)
        started = time.perf_counter()
        await daemon.add(scores("bench", outcomes))
        await daemon.until_clean(outcomes)
        return outcomes / (time.perf_counter() - started)

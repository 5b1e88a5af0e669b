"""How long a round of the dispatcher takes: which campuses have due rows and slots, and which rows those are."""

import asyncio
import time
from pathlib import Path

from daemon.loops.dispatch import divide
from models.db.database import open_database
from models.db.migrate import migrate
from models.db.sql import connection
from models.due import pick, read_capacity

#: Connections, and requests at once to each campus.
CONNECTIONS, PER_CAMPUS = 400, 4
NOW = 1_000_000_000

# A tenth was tried before. As a count that both databases can make.
_NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {number})"
_FILL = (
    """INSERT INTO lti_consumer (consumer_name, consumer_key, consumer_secret) VALUES ('bench', 'bench', 'secret')""",
    """{campuses} INSERT INTO campus (lti_consumer_id, origin, blocked_until, trips, successes, answered_at,
        reading_until) SELECT 1, 'https://' || n, 0, 0, 0, 1, 0 FROM numbers""",
    """INSERT INTO outcome_service (lti_consumer_id, campus_id, lis_outcome_service_url, url_digest)
        SELECT lti_consumer_id, id, origin, origin FROM campus""",
    """{rows} INSERT INTO graded_assignment (user_id, course_id, usage_id, outcome_service_id, campus_id,
        lis_result_sourcedid, sourcedid_digest, registered_us, composite, version_number, sent_version, due_at,
        forced_version, not_before, hold_until, attempts, note)
        SELECT 'user-' || n, 'course', 'problem', 1 + n % {number_of_campuses}, 1 + n % {number_of_campuses}, 's-' || n,
            's-' || n, 0, (1 = 0), 1, 0, {now} - (CAST(n AS BIGINT) * 7919) % 1000003, 0,
            CASE WHEN n % 10 = 0 THEN {now} - 1 ELSE 0 END, 0, 0, '' FROM numbers""",
    "ANALYZE",
)


async def rounds(url: str, *, due: int, campuses: int, number: int) -> list[float]:
    """Milliseconds of each of so many rounds, of which one more before them is not counted."""
    await migrate(url)
    # Patient: a million rows take longer than a statement of the daemon may.
    async with open_database(url, patient=True):
        await fill(due, campuses)
        took = [await _round() for _ in range(number + 1)]
    return took[1:]


async def _round() -> float:
    began = time.perf_counter()
    shares = divide(
        await read_capacity(now=NOW, max_per_campus=PER_CAMPUS), free=CONNECTIONS, free_for_slow=CONNECTIONS // 2
    )
    picked = await pick(shares, now=NOW)
    took = 1000 * (time.perf_counter() - began)
    assert picked, "nothing was due"
    return took


async def fill(due: int, campuses: int) -> None:
    """So many due assignments, spread over so many campuses, in the open database."""
    names = {
        "campuses": _NUMBERS.format(number=campuses),
        "rows": _NUMBERS.format(number=due),
        "number_of_campuses": campuses,
        "now": NOW,
    }
    for statement in _FILL:
        await connection().execute_script(statement.format(**names))


def measure(folder: Path, postgres: str, *, due: int, campuses: int, number: int) -> dict[str, list[float]]:
    """Milliseconds a round, by database."""
    urls = {"PostgreSQL": postgres, "SQLite": f"sqlite:///{folder}/dispatch.db"}
    return {name: asyncio.run(rounds(url, due=due, campuses=campuses, number=number)) for name, url in urls.items()}

"""How quickly support questions are answered, and whether pruning holds up sending, on a large PostgreSQL."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.daemon import launches, running_daemon, scores
from benchmarks.servers import Servers
from models.db.migrate import migrate

#: What is asked, and the answer's name in the table.
QUESTIONS = {
    "status": ["status", "--json"],
    "why": ["why", "--user", "user-77", "--json"],
    "why, by the campus's id": ["why", "--lti-user", "lti-77", "--json"],
    "parked": ["parked", "--json"],
    "resend --dry-run": ["resend", "--all", "--dry-run", "--json"],
}

# As much as a busy year leaves behind: ten campuses, one in fifty parked, and one course of many assignments.
_FILL = """
INSERT INTO lti_consumer (consumer_name, consumer_key, consumer_secret)
    SELECT 'campus ' || n, 'key-' || n, 'secret' FROM generate_series(1, 10) AS n;
INSERT INTO campus (lti_consumer_id, origin, blocked_until, trips, successes, answered_at, reading_until)
    SELECT id, 'https://campus-' || id || '.example:443', 0, 0, 0, 1, 0 FROM lti_consumer;
INSERT INTO outcome_service (lti_consumer_id, campus_id, lis_outcome_service_url, url_digest)
    SELECT lti_consumer_id, id, 'https://campus-' || id || '.example/o', md5(id::text) FROM campus;
INSERT INTO graded_assignment (user_id, course_id, usage_id, outcome_service_id, campus_id, lis_result_sourcedid,
    sourcedid_digest, lti_user_id, registered_us, composite, version_number, sent_version, sent_score, sent_at, due_at,
    forced_version, not_before, hold_until, attempts, note, parked_at, parked_reason, parked_scope)
    SELECT 'user-' || n / 10, CASE WHEN n <= {large} THEN 'course-large' ELSE 'course-' || n % 200 END,
        'block-' || n % 10, service.id, service.campus_id, 's-' || n, md5(n::text), 'lti-' || n / 10, 0, n % 2 = 0,
        3, CASE WHEN n % 50 = 0 THEN 2 ELSE 3 END, '0.5', {now},
        0, 0, 0, 0, 0, '',
        CASE WHEN n % 50 = 0 THEN {now} END, CASE WHEN n % 50 = 0 THEN 'HTTP 200, failure: course has ended' END,
        CASE WHEN n % 50 = 0 THEN 'course' END
    FROM generate_series(1, {assignments}) AS n
    JOIN outcome_service AS service ON service.id = n % 10 + 1;
"""
# Those of one number at a time, since each statement has two minutes.
_LINES = """
INSERT INTO delivery (assignment_id, claim_token, at, attempt, version, score, clamped, result, description)
    SELECT assignment.id, {n}, {now} - ({lines} - {n}) * 40 * 86400000::bigint, 1, 1, '0.5', false,
        CASE WHEN {n} % 5 = 0 THEN 'retried' ELSE 'accepted' END, ''
    FROM graded_assignment AS assignment
"""


def fill(servers: Servers, url: str, assignments: int, *, lines: int = 10, large: int = 0) -> None:
    """
    So many assignments with delivery records, older by forty days from one to the next.

    Args:
        lines: Delivery records of each.
        large: Assignments of the course ``course-large``; the others are of 200 courses.
    """
    asyncio.run(migrate(url))
    given = {"lines": lines, "now": int(time.time() * 1000)}
    each = [_LINES.format(n=number, **given) for number in range(1, lines + 1)]
    for sql in (_FILL.format(assignments=assignments, large=large, **given), *each, "ANALYZE"):
        servers.postgres.execute(sql, database=url.rsplit("/", 1)[1])


def ask(folder: Path, database: str, redis_url: str, rounds: int) -> dict[str, list[float]]:
    """Seconds of each question, a process each, besides those that ``--version`` takes: a start of Python."""
    config = folder / "config.toml"
    config.write_text(f'[database]\nurl = "{database}"\n[redis]\nurl = "{redis_url}"\n')
    found: dict[str, list[float]] = {"a start of Python (--version)": [], **{name: [] for name in QUESTIONS}}
    for _ in range(rounds):
        found["a start of Python (--version)"].append(_seconds("--version"))
        for name, question in QUESTIONS.items():
            found[name].append(_seconds(*question, "--config", str(config)))
    return found


def _seconds(*arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "daemon", *arguments], check=True, capture_output=True)
    return time.perf_counter() - began


async def beside_pruning(
    folder: Path, database: str, redis_url: str, campus: str, *, outcomes: int, rounds: int, prune: bool
) -> list[float]:
    """Outcomes a second while nothing, or almost every delivery record, is pruned."""
    figures = []
    # Learners of its own: a launch that is known makes no grade clean.
    name = "beside-pruning" if prune else "alone"
    async with running_daemon(
        folder, database, redis_url, name, concurrency=64, ledger_days=1 if prune else 3650
    ) as daemon:
        clean = await daemon.clean()
        await daemon.add(launches(name, campus, outcomes))
        await daemon.until_clean(clean + outcomes)
        for number in range(rounds):
            began = time.perf_counter()
            await daemon.add(scores(name, outcomes, number + 1))
            await daemon.until_clean(clean + outcomes)
            figures.append(outcomes / (time.perf_counter() - began))
    return figures

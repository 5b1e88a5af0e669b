"""What the pages show: nothing, one assignment, or as many as a campus's worth of courses has."""

from collections.abc import Awaitable, Callable

from models.db.database import open_database
from models.db.sql import connection
from tests.browser.sites import Served
from tests.daemon.pages.conftest import STREAM
from tests.daemon.why.story import NOW, Story

#: The words by which the one assignment can be looked for, and what each is.
ENTRY_ID = "1772450000000-0"
WORDS = {
    "a learner's id in the tool": "42",
    "a learner's id at a campus": "campus-42",
    "a sourcedid": "grade-of-unit",
    "a course": "physics",
    "an assignment": "{id}",
    "a stream entry": ENTRY_ID,
}
MANY = 100_000

# A campus that is down, one that is throttled, and others; one assignment in fifty is parked, one in ninety is due.
# Names are as long as those of Open edX are, without a place at which a browser would break them.
_MANY = [
    """INSERT INTO lti_consumer (consumer_name, consumer_key, consumer_secret)
    SELECT 'University of the ' || repeat('Long', 20) || 'Name ' || n, 'key-' || n, 'secret'
    FROM generate_series(1, 10) AS n""",
    """INSERT INTO campus (lti_consumer_id, origin, blocked_until, trips, successes, answered_at, reading_until,
        tripped_at, last_error, last_error_at, throttled_at, max_in_flight)
    SELECT id, 'https://learning-management-system-' || id || '.university.example.edu:443',
        CASE WHEN id = 1 THEN {now} + 60000 ELSE 0 END, CASE WHEN id = 1 THEN 3 ELSE 0 END, 0, 1, 0,
        CASE WHEN id = 1 THEN {now} - 1800000 END, CASE WHEN id <= 2 THEN 'HTTP 503: no words' END,
        CASE WHEN id <= 2 THEN {now} - 1000 END, CASE WHEN id = 2 THEN {now} - 5000 END, CASE WHEN id = 2 THEN 1 END
    FROM lti_consumer""",
    """INSERT INTO outcome_service (lti_consumer_id, campus_id, lis_outcome_service_url, url_digest)
    SELECT lti_consumer_id, id, origin || '/outcomes', md5(id::text) FROM campus""",
    """INSERT INTO graded_assignment (user_id, course_id, usage_id, outcome_service_id, campus_id,
        lis_result_sourcedid, sourcedid_digest, lti_user_id, context_title, resource_link_title, registered_us,
        composite, version_number, sent_version, sent_score, sent_at, due_at, forced_version, not_before, hold_until,
        attempts, note, parked_at, parked_reason, parked_scope)
    SELECT 'user-' || n / 10, 'course-v1:University+Physics' || n % 200 || '+2026_spring_term',
        'block-v1:University+Physics' || n % 200 || '+2026_spring_term+type@problem+block@' || md5((n % 10)::text),
        service.id, service.campus_id, 's-' || n, md5(n::text), 'lti-' || n / 10, 'Physics ' || n % 200,
        'Momentum and its conservation, part ' || n % 10, 0, n % 2 = 0, 3,
        CASE WHEN n % 50 = 0 OR n % 90 = 0 THEN 2 ELSE 3 END, '0.5', {now} - n * 300::bigint, {now} - 900000, 0, 0, 0,
        0, '', CASE WHEN n % 50 = 0 THEN {now} - 7200000 END,
        CASE WHEN n % 50 = 0 THEN 'HTTP 200, failure: course has ended' END, CASE WHEN n % 50 = 0 THEN 'course' END
    FROM generate_series(1, {many}) AS n JOIN outcome_service AS service ON service.id = n % 10 + 1""",
    """INSERT INTO delivery (assignment_id, claim_token, at, attempt, version, score, clamped, result, description,
        http_status, duration_ms)
    SELECT assignment.id, assignment.id, {now} - assignment.id * 500, 1, 1, '0.5', false,
        CASE WHEN assignment.id % 5 = 0 THEN 'retried' ELSE 'accepted' END, 'the words of a campus', 200, 120
    FROM graded_assignment AS assignment""",
    """INSERT INTO quarantined_event (epoch, entry_id, at, type, reason, content, truncated, user_id, consumer_key,
        course_id)
    SELECT 0, n || '-0', {now} - n * 1000::bigint, 'launch', 'no consumer has the key key-' || n % 3,
        'type=launch'::bytea, false, 'user-' || n, 'unknown-' || n % 3, 'course-v1:University+Physics1+2026_spring_term'
    FROM generate_series(1, 1000) AS n""",
    """INSERT INTO action (at, account, host, command, selection, counts)
    SELECT {now} - n * 60000::bigint, 'anna (web)', '192.0.2.1', 'resend', '{{"assignment": ' || n || '}}',
        '{{"matched": 1, "marked": 1}}' FROM generate_series(1, 500) AS n""",
    "ANALYZE",
]


async def none(_site: Served) -> None:
    """Nothing: a daemon of which no one has asked anything yet."""


async def one(site: Served) -> None:
    """A learner's unit, whose grade the campus has acknowledged, and its newest event in the stream."""
    story = Story()
    await story.begin(accepted=True)
    entry = {"type": "score.changed", "user_id": "42", "course_id": "physics", "usage_id": "p1"}
    await site.redis.xadd(STREAM, entry, id=ENTRY_ID)


async def many(site: Served) -> None:
    """:data:`MANY` assignments of ten campuses, each with an attempt, however long that takes."""
    async with open_database(site.database_url, patient=True):
        for statement in _MANY:
            await connection().execute_script(statement.format(now=NOW, many=MANY))


#: How much there is, and how many assignments.
SIZES: dict[str, Callable[[Served], Awaitable[None]]] = {"none": none, "one": one, "many": many}
COUNTS = {"none": 0, "one": 1, "many": MANY}

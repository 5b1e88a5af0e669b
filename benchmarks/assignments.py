"""What launches would make, in one statement: consumers with assignments; and the course of a composite."""

import asyncio
import json
from collections.abc import Mapping

from benchmarks.daemon import Event
from benchmarks.servers import Servers
from models.db.migrate import migrate

# The learners of a consumer are `<its key>-0`, `<its key>-1`, ..., as in benchmarks.daemon.
_FILL = """
CREATE TEMPORARY TABLE place AS SELECT name, url FROM (VALUES {places}) AS given (name, url);
INSERT INTO lti_consumer (consumer_name, consumer_key, consumer_secret) SELECT name, name, 'secret' FROM place;
INSERT INTO campus (lti_consumer_id, origin, blocked_until, trips, successes, answered_at, reading_until)
    SELECT id, regexp_replace(url, '/grades$', ''), 0, 0, 0, 1, 0 FROM lti_consumer JOIN place ON name = consumer_key;
INSERT INTO outcome_service (lti_consumer_id, campus_id, lis_outcome_service_url, url_digest)
    SELECT lti_consumer_id, campus.id, url, md5(url)
    FROM campus JOIN lti_consumer ON lti_consumer.id = lti_consumer_id JOIN place ON name = consumer_key;
INSERT INTO graded_assignment (user_id, course_id, usage_id, outcome_service_id, campus_id, lis_result_sourcedid,
    sourcedid_digest, registered_us, composite, version_number, sent_version, due_at, forced_version, not_before,
    hold_until, attempts, note)
    SELECT consumer_key || '-' || n, 'course', '{usage}', service.id, service.campus_id,
        '{tag}-' || consumer_key || '-' || n, md5(consumer_key || '-' || n), 0, {composite}, 1, 1,
        0, 0, 0, 0, 0, ''
    FROM generate_series(0, {learners} - 1) AS n CROSS JOIN outcome_service AS service
    JOIN lti_consumer ON lti_consumer.id = service.lti_consumer_id;
ANALYZE;
"""


def fill(servers: Servers, database: str, places: Mapping[str, str], learners: int, *, composite: bool = False) -> None:
    """
    One assignment for each learner of each consumer, clean.

    Args:
        database: The URL of an empty PostgreSQL.
        places: Outcome services by consumer key.
        composite: Whether the assignment is ``unit-0`` and not ``problem``.
    """
    asyncio.run(migrate(database))
    name = database.rsplit("/", 1)[1]
    sql = _FILL.format(
        places=", ".join(f"('{key}', '{url}')" for key, url in places.items()),
        usage="unit-0" if composite else "problem",
        composite=str(composite).lower(),
        learners=learners,
        # The campus counts different grades: those of two databases must differ.
        tag=name,
    )
    servers.postgres.execute(sql, database=name)


def course_structure(blocks: int) -> Event:
    """The event of a course of so many blocks: units of nine problems each."""
    tree: list[dict[str, object]] = [{"usage_id": "course", "parent": None}]
    for unit in range(blocks // 10):
        tree.append({"usage_id": f"unit-{unit}", "parent": "course"})
        tree += [
            {"usage_id": f"problem-{unit}-{number}", "parent": f"unit-{unit}", "points_possible": 1}
            for number in range(9)
        ]
    return {"type": "course.structure", "course_id": "course", "version": "1", "blocks": json.dumps(tree)}

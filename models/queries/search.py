"""What a support person may mean by a word: whose or which grades, or which campus. Reads only, by indexes."""

from dataclasses import dataclass

from models.consumer import digest
from models.db.sql import Statement, written_id

#: Characters of a word that is looked for; a request's first line has no room for more.
MAX_WORD = 4096

_KINDS = Statement("""
    SELECT
        CASE WHEN EXISTS (SELECT 1 FROM graded_assignment WHERE user_id = :word)
            OR EXISTS (SELECT 1 FROM score WHERE user_id = :word)
            OR EXISTS (SELECT 1 FROM quarantined_event WHERE user_id = :word)
            OR EXISTS (SELECT 1 FROM stale_event WHERE user_id = :word) THEN 1 ELSE 0 END AS learner,
        CASE WHEN EXISTS (
            SELECT 1 FROM graded_assignment
            WHERE substr(lti_user_id, 1, 200) = substr(:word, 1, 200) AND lti_user_id || '' = :word)
            THEN 1 ELSE 0 END AS lti_user,
        CASE WHEN EXISTS (SELECT 1 FROM graded_assignment WHERE sourcedid_digest = :digest)
            THEN 1 ELSE 0 END AS sourcedid,
        CASE WHEN EXISTS (SELECT 1 FROM graded_assignment WHERE course_id = :word) THEN 1 ELSE 0 END AS course,
        CASE WHEN EXISTS (SELECT 1 FROM graded_assignment WHERE id = :id) THEN 1 ELSE 0 END AS assignment,
        CASE WHEN EXISTS (SELECT 1 FROM lti_consumer WHERE consumer_key = :word)
            OR EXISTS (SELECT 1 FROM lti_consumer WHERE consumer_name = :word) THEN 1 ELSE 0 END AS campus""")


@dataclass(frozen=True, slots=True)
class Meant:
    """What a word names: a learner of the tool, or of a campus, a sourcedid, a course, an assignment, a campus."""

    learner: bool
    lti_user: bool
    sourcedid: bool
    course: bool
    assignment: bool
    campus: bool


async def find_meaning(word: str) -> Meant:
    """What *word* names; it may be several things."""
    given = {"word": word, "digest": digest(word), "id": written_id(word) or 0}
    row = await _KINDS.row(**given)
    return Meant(**{name: bool(value) for name, value in (row or {}).items()})

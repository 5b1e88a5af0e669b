"""Reads what is known about the grades that a user asks about. Reads only, and asks the database alone."""

from collections.abc import Mapping
from dataclasses import replace

from actors.compute_grade import block_grade
from daemon.why.known import Absent, Explanation, Known
from models.course import CourseTrees
from models.queries import grades as grade_queries
from models.queries.grades import AssignmentView, Query, Rejected
from models.score import Points, read_scores
from models.stale_event import StaleEvent


async def gather(asked: Query, *, now: int) -> Explanation:
    """
    Everything about the assignments that fit, or about why there are none.

    Args:
        now: Milliseconds since 1970 by the database's clock.
    """
    trees = CourseTrees()
    rows = await grade_queries.find_grades(asked, now=now)
    learners = dict.fromkeys(([] if asked.user_id is None else [asked.user_id]) + [row.user_id for row in rows])
    rejected = [event for learner in learners for event in await grade_queries.rejected(learner)]
    late = [event for learner in learners for event in await grade_queries.late(learner)]
    if not rows and asked.user_id is None:
        rejected = await grade_queries.rejected_lately(asked)
    courses = {(row.user_id, row.course_id) for row in rows}
    scores = {course: await read_scores(*course) for course in courses}
    return Explanation(
        known=tuple([await _known(row, trees, scores[row.user_id, row.course_id]) for row in rows]),
        absent=None if rows else await _absent(asked, trees, now),
        rejected=tuple([event for event in rejected if await _is_asked_for(event, asked, trees)]),
        late=tuple([event for event in late if await _is_asked_for(event, asked, trees)]),
    )


async def _known(row: AssignmentView, trees: CourseTrees, scores: Mapping[str, Points]) -> Known:
    lines, more = await grade_queries.ledger(row.id)
    grade = block_grade(row.usage_id, await trees.get(row.course_id), scores)
    return Known(row, tuple(lines), more, sent=await grade_queries.line_of_sent(row), grade=grade)


async def _absent(asked: Query, trees: CourseTrees, now: int) -> Absent:
    tree = None if asked.course_id is None else await trees.get(asked.course_id)
    # The user may have named the wrong course or block.
    anywhere = replace(asked, course_id=None, usage_id=None)
    elsewhere = [] if anywhere == asked else await grade_queries.find_grades(anywhere, now=now)
    return Absent(
        asked,
        learner_known=asked.user_id is not None and await grade_queries.is_known(asked.user_id),
        retired_us=None if asked.user_id is None else await grade_queries.retired_us(asked.user_id),
        course_known=None if asked.course_id is None else tree is not None,
        block_known=None if asked.usage_id is None or tree is None else asked.usage_id in tree,
        elsewhere=tuple(elsewhere),
    )


async def _is_asked_for(event: Rejected | StaleEvent, asked: Query, trees: CourseTrees) -> bool:
    """Whether an event may concern the block that is asked about: a score's problem may lie below it."""
    if asked.course_id is not None and event.course_id not in (None, asked.course_id):
        return False
    if asked.usage_id is None or event.usage_id in (None, asked.usage_id):
        return True
    if event.type == "launch":
        return False
    tree = None if event.course_id is None else await trees.get(event.course_id)
    if tree is None or asked.usage_id not in tree or event.usage_id not in tree:
        return True  # it is not known to lie elsewhere
    return asked.usage_id in tree.path(event.usage_id)

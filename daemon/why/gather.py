"""Reads what is known about the grades that a user asks about. Reads only, and asks the database alone."""

from collections.abc import Iterable
from dataclasses import replace

from actors.grade import Grade, NoGrade, block_grade
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
    grades = _Grades(trees)
    return Explanation(
        known=tuple([await _known(row, grades) for row in rows]),
        absent=None if rows else await _absent(asked, trees, now),
        rejected=tuple([event for event in rejected if await _is_asked_for(event, asked, trees)]),
        late=tuple([event for event in late if await _is_asked_for(event, asked, trees)]),
    )


class _Grades:
    """What would be sent now; each learner's scores in a course are read once."""

    def __init__(self, trees: CourseTrees) -> None:
        self._trees = trees
        self._scores: dict[tuple[str, str], dict[str, Points]] = {}

    async def of(self, row: AssignmentView) -> Grade | NoGrade:
        key = (row.user_id, row.course_id)
        if key not in self._scores:
            self._scores[key] = await read_scores(*key)
        return block_grade(row.usage_id, await self._trees.get(row.course_id), self._scores[key])


async def _known(row: AssignmentView, grades: _Grades) -> Known:
    lines, more = await grade_queries.ledger(row.id)
    return Known(row, tuple(lines), more, sent=await grade_queries.line_of_sent(row), grade=await grades.of(row))


async def _absent(asked: Query, trees: CourseTrees, now: int) -> Absent:
    tree = None if asked.course_id is None else await trees.get(asked.course_id)
    return Absent(
        asked,
        learner_known=asked.user_id is not None and await grade_queries.is_known(asked.user_id),
        retired_us=None if asked.user_id is None else await grade_queries.retired_us(asked.user_id),
        course_known=None if asked.course_id is None else tree is not None,
        block_known=None if asked.usage_id is None or tree is None else asked.usage_id in tree,
        elsewhere=tuple(await _elsewhere(asked, now)),
    )


async def _elsewhere(asked: Query, now: int) -> Iterable[AssignmentView]:
    """What the learner has in other courses and blocks: the user may have named the wrong one."""
    anywhere = replace(asked, course_id=None, usage_id=None)
    return [] if anywhere == asked else await grade_queries.find_grades(anywhere, now=now)


async def _is_asked_for(event: Rejected | StaleEvent, asked: Query, trees: CourseTrees) -> bool:
    """Not where it is known to be about another course or block; a score's problem may lie below the block."""
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

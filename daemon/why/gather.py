"""Reads what is known about the grades that a user asks about. Reads only, and asks the database alone."""

from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar

from actors.compute_grade import block_grade
from daemon.why.activity import Activity
from daemon.why.known import Absent, Explanation, Known, Part
from models.course import CourseTrees, Whose, with_own_tree
from models.course_tree import Tree
from models.db.together import together
from models.delivery import DeliveryRecord
from models.queries import activity as activity_queries
from models.queries import grades as grade_queries
from models.queries.filter import AssignmentFilter
from models.queries.grades import Query, Rejected
from models.queries.ledger import ledgers, lines_of_sent
from models.queries.views import AssignmentView
from models.score import DatedScore, read_dated_of
from models.stale_event import SOURCEDID_MOVED, StaleEvent

_Found = TypeVar("_Found")


async def gather(asked: Query, *, now: int, trees: CourseTrees | None = None) -> Explanation:
    """
    Everything about the assignments that fit, or about why there are none.

    Args:
        now: Milliseconds since 1970 by the database's clock.
        trees: Those that were read for questions before this one.
    """
    trees = trees or CourseTrees()
    found = await grade_queries.find_grades(asked, now=now)
    rows = found[: grade_queries.MAX_GRADES]
    learners = dict.fromkeys(([] if asked.user_id is None else [asked.user_id]) + [row.user_id for row in rows])
    # At once: each statement waits for its turn beside the sending of grades.
    quarantined, came_late, went, *of_rows = await together(
        _of_each(grade_queries.rejected, learners),
        _of_each(grade_queries.late, learners),
        _of_each(grade_queries.moved_away, learners),
        *_reads_of(rows),
    )
    known = await _known(rows, trees, *of_rows) if rows else []
    late, moved = chain.from_iterable(came_late), list(chain.from_iterable(went))
    if not rows and asked.user_id is None:
        quarantined = [await grade_queries.rejected_by_name(asked)]
    rejected_more = any(more for _, more in quarantined)
    places = {(row.user_id, row.course_id, row.usage_id) for row in rows}
    gone = [
        event
        for event in moved
        if (event.user_id, event.course_id, event.usage_id) not in places and await _is_asked_for(event, asked, trees)
    ]
    return Explanation(
        known=tuple(known),
        more_known=len(found) > len(rows),
        absent=None if rows else await _absent(asked, trees, now, tuple(gone), more=rejected_more),
        rejected=tuple(
            [event for events, _ in quarantined for event in events if await _is_asked_for(event, asked, trees)]
        ),
        rejected_more=rejected_more,
        late=tuple([event for event in late if await _is_asked_for(event, asked, trees)]),
        moved=tuple(gone),
        namesakes=asked.user_id is None and len(learners) > 1 and len({row.consumer_key for row in rows}) > 1,
    )


async def gather_activity(
    course_id: str, usage_id: str | None, *, now: int, trees: CourseTrees | None = None
) -> Explanation | Activity:
    """
    Everything about the grades of each learner of a course, or of one of its blocks; in groups where they are many.

    Args:
        now: As of :func:`gather`.
        trees: As of :func:`gather`.
    """
    trees = trees or CourseTrees()
    asked = Query(course_id=course_id, usage_id=usage_id)
    learners = await activity_queries.read_learners(course_id, usage_id)
    if len(learners) > activity_queries.MAX_EACH:
        return await gather_groups(AssignmentFilter(course_id=course_id, usage_id=usage_id), now=now)
    rejected, more = await grade_queries.rejected_launches(course_id, usage_id)
    if not learners:
        return Explanation(
            absent=await _absent(asked, trees, now, (), more=more), rejected=tuple(rejected), rejected_more=more
        )
    each = [await gather(replace(asked, user_id=learner), now=now, trees=trees) for learner in learners]
    return Explanation(
        known=tuple(known for one in each for known in one.known),
        more_known=any(one.more_known for one in each),
        # Most launches in quarantine are of learners who have no assignment; none is named twice.
        rejected=tuple(dict.fromkeys([*rejected, *(event for one in each for event in one.rejected)])),
        rejected_more=more or any(one.rejected_more for one in each),
        late=tuple(event for one in each for event in one.late),
        moved=tuple(event for one in each for event in one.moved),
        launches=tuple(rejected),
    )


async def gather_groups(wanted: AssignmentFilter, *, now: int, looked: int | None = None) -> Activity:
    """
    The grades of a course, or of one of its blocks, in groups, however few they are.

    Args:
        wanted: What of them.
        now: As of :func:`gather`.
        looked: As of :func:`models.queries.activity.read_activity`.

    Raises:
        ValueError: No course is given.
    """
    course_id = wanted.course()
    groups = await activity_queries.read_activity(wanted, now=now, looked=looked)
    rejected, more = await grade_queries.rejected_launches(course_id, wanted.usage_id)
    asked = Query(course_id=course_id, usage_id=wanted.usage_id)
    return Activity(asked, tuple(groups), tuple(rejected), more)


async def _of_each(read: Callable[[str], Awaitable[_Found]], learners: Iterable[str]) -> list[_Found]:
    return [await read(learner) for learner in learners]


def _reads_of(rows: Sequence[AssignmentView]) -> list[Coroutine[Any, Any, Any]]:
    """What :func:`_known` wants of these, as it wants it."""
    if not rows:
        return []
    courses = {(row.user_id, row.course_id) for row in rows}
    return [ledgers([row.id for row in rows]), lines_of_sent(rows), read_dated_of(courses), with_own_tree(courses)]


async def _known(
    rows: Sequence[AssignmentView],
    trees: CourseTrees,
    lines: Mapping[int, tuple[tuple[DeliveryRecord, ...], bool]],
    sent: Mapping[int, DeliveryRecord],
    scores: Mapping[Whose, Mapping[str, DatedScore]],
    own: Collection[Whose],
) -> list[Known]:
    """In their order. A learner may have hundreds, so the number of statements does not grow with them."""
    courses = {(row.user_id, row.course_id) for row in rows}
    found: dict[int, Known] = {}
    async for whose, tree in trees.each(courses):
        dated = scores.get(whose, {})
        points = {
            usage_id: None if score.cleared else (score.points_earned, score.points_possible)
            for usage_id, score in dated.items()
        }
        for row in rows:
            if (row.user_id, row.course_id) == whose:
                found[row.id] = Known(
                    row,
                    *lines[row.id],
                    sent=sent.get(row.id),
                    grade=block_grade(row.usage_id, tree, points),
                    parts=tuple(_parts(row.usage_id, tree, dated)),
                    by_own_structure=whose in own,
                )
    return [found[row.id] for row in rows]


def _parts(usage_id: str, tree: Tree | None, scores: Mapping[str, DatedScore]) -> list[Part]:
    """The problems of a block: those that have a score, or points in the structure."""
    blocks = [usage_id] if tree is None or usage_id not in tree else sorted(tree.below(usage_id))
    possible = {} if tree is None else tree.possible
    return [
        _part(block, scores.get(block), possible.get(block)) for block in blocks if block in scores or block in possible
    ]


def _part(block: str, score: DatedScore | None, possible: float | None) -> Part:
    """*possible*: what the structure says, if it does."""
    if score is None:
        return Part(block, None, possible or 0.0)
    at = score.modified_us // 1000
    if score.cleared:
        return Part(block, None, possible or 0.0, at, cleared=True)
    return Part(block, score.points_earned, score.points_possible, at)


async def _absent(asked: Query, trees: CourseTrees, now: int, moved: tuple[StaleEvent, ...], *, more: bool) -> Absent:
    known = []
    if asked.course_id is not None:
        found = [await trees.get(asked.course_id, learner) for learner in {"", asked.user_id or ""}]
        known = [tree for tree in found if tree is not None]
    # The user may have named the wrong course or block.
    anywhere = replace(asked, course_id=None, usage_id=None)
    elsewhere = [] if anywhere in (asked, Query()) else await grade_queries.find_grades(anywhere, now=now)
    return Absent(
        asked,
        learner_known=asked.user_id is not None and await grade_queries.is_known(asked.user_id),
        retired_us=None if asked.user_id is None else await grade_queries.retired_us(asked.user_id),
        course_known=None if asked.course_id is None else bool(known),
        block_known=None if asked.usage_id is None or not known else any(asked.usage_id in tree for tree in known),
        elsewhere=tuple(elsewhere),
        moved=moved,
        rejected_more=more,
    )


async def _is_asked_for(event: Rejected | StaleEvent, asked: Query, trees: CourseTrees) -> bool:
    """Whether an event may concern the block that is asked about: a score's problem may lie below it."""
    if asked.course_id is not None and event.course_id not in (None, asked.course_id):
        return False
    if asked.usage_id is None or event.usage_id in (None, asked.usage_id):
        return True
    if event.type in ("launch", SOURCEDID_MOVED):
        return False
    tree = None if event.course_id is None else await trees.get(event.course_id, event.user_id or "")
    if tree is None or asked.usage_id not in tree or event.usage_id not in tree:
        return True  # it is not known to lie elsewhere
    return asked.usage_id in tree.path(event.usage_id)

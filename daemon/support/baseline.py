"""Counts grades as delivered that another system sent before passbackd, chunk by chunk."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from actors.compute_grade import Grade, NoGrade, block_grade, wire_score
from models.course import CourseTrees
from models.course_tree import Tree
from models.db.clock import database_now
from models.queries.baseline import TakenOver, Unsent, next_unsent, take_over
from models.queries.filter import AssignmentFilter
from models.score import DatedScore, read_dated_of

#: What becomes of an assignment. ``taken``: its grade counts as delivered, or would. ``newer``: a score of its grade
#: is not older than the time that was given. ``older``: all are older than the other system's return. ``no score``:
#: nothing is attempted, or what was is taken back. ``waiting``: no known course structure holds its block.
#: ``disabled``, ``settled``, ``tried``: as in :class:`Unsent`. ``changed``: another change came first.
BaselineFate = Literal["taken", "newer", "older", "no score", "waiting", "disabled", "settled", "tried", "changed"]
LEFT: tuple[BaselineFate, ...] = ("newer", "older", "no score", "waiting", "tried", "settled", "disabled", "changed")

#: From when on, None for ever, and before when a grade's newest score is one that the other system has sent.
_Span = tuple[int | None, int]


async def baseline(
    wanted: AssignmentFilter,
    *,
    before_us: int,
    now: Callable[[], int],
    dry_run: bool,
    since_us: int | None = None,
    found: Counter[str],
    advance: Callable[[int], None] = lambda _: None,
) -> Counter[str]:
    """
    Count grades as delivered whose newest score is older than *before_us*.

    Args:
        before_us: Microseconds since 1970.
        now: The database's clock, milliseconds since 1970.
        dry_run: Only count what would be.
        since_us: The other system has sent again since then, after passbackd had; None: passbackd had not sent before.
        found: Gets how many met which :data:`BaselineFate`, also of what was done before a server was lost; returned.
        advance: Called with the number of assignments in each chunk.
    """
    trees, after, again = CourseTrees(), 0, since_us is not None
    while page := await next_unsent(wanted, after=after, again=again):
        found.update(one.left for one in page if one.left)
        taken = await _classify([one for one in page if not one.left], trees, (since_us, before_us), found)
        number = len(taken)
        if taken and not dry_run:
            number = await take_over(taken, now=min(now(), await database_now()), again=again)
        found["taken"] += number
        found["changed"] += len(taken) - number
        after = page[-1].id
        advance(len(page))
    return found


async def _classify(rows: Sequence[Unsent], trees: CourseTrees, span: _Span, found: Counter[str]) -> list[TakenOver]:
    """Those that may be taken over; the others are counted. The scores are read after the rows' versions."""
    by_learner: dict[tuple[str, str], list[Unsent]] = {}
    for one in rows:
        by_learner.setdefault((one.user_id, one.course_id), []).append(one)
    scores = await read_dated_of(by_learner.keys())
    taken: list[TakenOver] = []
    async for whose, tree in trees.each(by_learner.keys()):
        for one in by_learner[whose]:
            fate = _fate(one, tree, scores.get(whose, {}), span)
            if isinstance(fate, TakenOver):
                taken.append(fate)
            else:
                found[fate] += 1
    return taken


def _fate(one: Unsent, tree: Tree | None, scores: Mapping[str, DatedScore], span: _Span) -> TakenOver | BaselineFate:
    grade = block_grade(one.usage_id, tree, {usage_id: score.points for usage_id, score in scores.items()})
    if grade is NoGrade.UNKNOWN_BLOCK:
        return "waiting"
    if not isinstance(grade, Grade):
        return "no score"
    below = tree.below(one.usage_id) if tree is not None and one.usage_id in tree else (one.usage_id,)
    # One that was taken back changes the grade, too.
    newest, (since_us, before_us) = max(scores[name].had_since_us for name in below if name in scores), span
    if newest >= before_us:
        return "newer"
    if since_us is not None and newest < since_us:
        return "older"
    return TakenOver(one.id, one.version, *wire_score(grade))

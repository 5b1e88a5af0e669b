"""What a resend would do, without doing it: which grades would go out, and which would be skipped."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from actors.compute_grade import Grade, NoGrade, block_grade, wire_score
from actors.protocols.interface import CLEARED
from models.course import CourseTrees
from models.course_tree import Tree
from models.queries.filter import AssignmentFilter
from models.queries.resend import MAX_SHOWN, Candidate, next_candidates
from models.score import Points, read_wanted, wanted_below

#: ``sent``: it would be sent, or cleared. ``equal``: the campus acknowledged exactly this score last. ``none``: the
#: learner has nothing attempted there, or no more and the campus is not known to hold it, or the block is in no known
#: course structure.
Fate = Literal["sent", "equal", "none"]


@dataclass(slots=True)
class Preview:
    """*counts*: how many grades meet which fate. *first*: that of the first ones, by id, and the score of each."""

    counts: Counter[Fate] = field(default_factory=Counter)
    first: dict[int, tuple[Fate, str | None]] = field(default_factory=dict)


async def preview(
    wanted: AssignmentFilter,
    *,
    skips_equal: bool,
    force: bool = False,
    advance: Callable[[int], None] = lambda _: None,
) -> Preview:
    """
    Compute the grades of all that is wanted, chunk by chunk; change nothing.

    Args:
        skips_equal: Whether a score that the campus acknowledged last is not sent again.
        force: Whether each is sent whatever the campus acknowledged.
        advance: Called with the number of assignments in each chunk.
    """
    found, trees, after = Preview(), CourseTrees(), 0
    while candidates := await next_candidates(wanted, after=after):
        for candidate, score in zip(candidates, await _scores(candidates, trees), strict=True):
            fate = _fate(candidate, score, skips_equal=skips_equal, force=force)
            found.counts[fate] += 1
            if len(found.first) < MAX_SHOWN:
                found.first[candidate.id] = (fate, score)
        after = candidates[-1].id
        advance(len(candidates))
    return found


def _fate(candidate: Candidate, score: str | None, *, skips_equal: bool, force: bool) -> Fate:
    if score is None:
        return "none"
    if score == CLEARED:
        is_forced = candidate.must_go_out or (force and candidate.acknowledged)
        return "sent" if is_forced or candidate.sent_score is not None else "none"
    return "equal" if skips_equal and not candidate.must_go_out and score == candidate.sent_score else "sent"


async def _scores(candidates: list[Candidate], trees: CourseTrees) -> list[str | None]:
    """The score of each as it would be sent, :data:`CLEARED` if it was taken back; None without one."""
    by_learner = {whose: tree async for whose, tree in trees.each({(one.user_id, one.course_id) for one in candidates})}
    found = [by_learner[one.user_id, one.course_id] for one in candidates]
    keys = [
        wanted_below(one.user_id, one.course_id, one.usage_id, tree)
        for one, tree in zip(candidates, found, strict=True)
    ]
    points = await read_wanted(list(dict.fromkeys(keys)))
    return [_score(one.usage_id, tree, points[key]) for one, tree, key in zip(candidates, found, keys, strict=True)]


def _score(usage_id: str, tree: Tree | None, points: Mapping[str, Points | None]) -> str | None:
    grade = block_grade(usage_id, tree, points)
    if grade is NoGrade.CLEARED:
        return CLEARED
    return wire_score(grade)[0] if isinstance(grade, Grade) else None

"""The grade of a block, from the course tree and a learner's scores; and how it is written on the wire. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from models.course_tree import Tree
from models.score import Points


class NoGrade(Enum):
    """Why there is no grade to send; none is a zero."""

    NOTHING_ATTEMPTED = "the learner attempted nothing in this block"
    CLEARED = "what the learner attempted in this block was taken back"
    UNKNOWN_BLOCK = "no course structure that we know holds this block"


@dataclass(frozen=True, slots=True)
class Grade:
    """Weighted points."""

    earned: float
    possible: float


def block_grade(usage_id: str, tree: Tree | None, scores: Mapping[str, Points | None]) -> Grade | NoGrade:
    """
    The sum over the scored problems at and below a block.

    An attempted problem counts its own earned and possible points, one not attempted counts the tree's possible points;
    nothing is rounded. A score that was taken back counts as not attempted.

    Args:
        tree: The course, if its structure is known.
        scores: The learner's points by usage id, None for a score that was taken back: at least of the problems at and
            below the block, and of the whole course where the tree does not hold the block.
    """
    if tree is None or usage_id not in tree:
        if usage_id in scores:
            own = scores[usage_id]
            return NoGrade.CLEARED if own is None else Grade(*own)
        # What the learner did in this course may lie below the block, or not.
        return NoGrade.UNKNOWN_BLOCK if scores else NoGrade.NOTHING_ATTEMPTED
    below = list(tree.below(usage_id))
    attempted = [points for block in below if (points := scores.get(block)) is not None]
    if not attempted:
        return NoGrade.CLEARED if any(block in scores for block in below) else NoGrade.NOTHING_ATTEMPTED
    untouched = [tree.possible[block] for block in below if block in tree.possible and scores.get(block) is None]
    return Grade(
        math.fsum(earned for earned, _ in attempted),
        math.fsum([*(possible for _, possible in attempted), *untouched]),
    )


def wire_score(grade: Grade) -> tuple[str, bool]:
    """
    A grade as LTI takes it (LTI 1.1 Implementation Guide, 6.1.1: a decimal from 0.0 to 1.0).

    Returns:
        Fixed-point text with at most six decimals and no trailing zeros, and whether the value had to be clamped into
        0 to 1 (extra credit, penalties): whether it would have been written otherwise.
    """
    value = grade.earned / grade.possible if grade.possible else 0.0
    text = _fixed(min(max(value, 0.0), 1.0))
    return text, text != _fixed(value)


def _fixed(value: float) -> str:
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text

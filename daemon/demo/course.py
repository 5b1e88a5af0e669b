"""The course that the demo's learners take, and what is earned in it. Pure, and on purpose not built on ``actors``."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

COURSE_ID = "course-v1:ExampleU+PHYS101+2026"

#: Points of the problems of a unit, unit by unit, for each chapter; not all weights are whole numbers.
CHAPTERS = 2
UNITS: tuple[tuple[float, ...], ...] = ((1, 2, 5), (2.5, 1, 3), (4, 2, 2), (3, 7.5, 1.5))


@dataclass(frozen=True, slots=True)
class DemoBlock:
    """A node of the course tree. *points*: what a problem counts; None for everything else."""

    usage_id: str
    parent: str | None
    points: float | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """Blocks, parents first."""

    blocks: tuple[DemoBlock, ...]

    def children(self, usage_id: str) -> list[str]:
        """The blocks right below one."""
        return [block.usage_id for block in self.blocks if block.parent == usage_id]

    def problems(self, usage_id: str) -> list[DemoBlock]:
        """The problems at or below a block, in the order of the course."""
        inside = {usage_id}
        for block in self.blocks:
            if block.parent in inside:
                inside.add(block.usage_id)
        return [block for block in self.blocks if block.usage_id in inside and block.points is not None]

    def share(self, usage_id: str, earned: Mapping[str, Fraction]) -> Fraction | None:
        """
        The score from 0 to 1 that a learner should have for a block; None: no problem there was attempted.

        Args:
            earned: Newest points by the problem's usage id. One that is missing counts in full as possible.
        """
        problems = self.problems(usage_id)
        if not any(problem.usage_id in earned for problem in problems):
            return None
        possible = sum((Fraction(problem.points or 0) for problem in problems), Fraction(0))
        return sum((earned.get(problem.usage_id, Fraction(0)) for problem in problems), Fraction(0)) / possible


def example_course() -> Course:
    """Chapters, their units, and in each unit a text and three weighted problems; the same in every run."""
    root = _usage_id("course", "course")
    blocks = [DemoBlock(root, None)]
    for chapter in range(CHAPTERS):
        chapter_id = _usage_id("chapter", f"{chapter}")
        blocks.append(DemoBlock(chapter_id, root))
        for unit, weights in enumerate(UNITS):
            blocks += _unit(f"{chapter}.{unit}", chapter_id, weights)
    return Course(tuple(blocks))


def structure_event(course: Course) -> dict[str, str]:
    """The ``course.structure`` event that publishes the tree."""
    blocks: list[dict[str, object]] = []
    for block in course.blocks:
        points = {} if block.points is None else {"points_possible": block.points}
        blocks.append({"usage_id": block.usage_id, "parent": block.parent, **points})
    return {"type": "course.structure", "course_id": COURSE_ID, "version": "1", "blocks": json.dumps(blocks)}


def _unit(place: str, chapter: str, weights: Sequence[float]) -> list[DemoBlock]:
    unit = _usage_id("vertical", place)
    problems = [DemoBlock(_usage_id("problem", f"{place}.{n}"), unit, weight) for n, weight in enumerate(weights)]
    return [DemoBlock(unit, chapter), DemoBlock(_usage_id("html", place), unit), *problems]


def _usage_id(category: str, place: str) -> str:
    """A usage key as Open edX writes it."""
    name = "course" if category == "course" else uuid.uuid5(uuid.NAMESPACE_URL, f"{COURSE_ID}/{category}/{place}").hex
    return f"{COURSE_ID.replace('course-v1:', 'block-v1:', 1)}+type@{category}+block@{name}"

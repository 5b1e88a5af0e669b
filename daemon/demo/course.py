"""The course that the demo's learners take, and what is earned in it. Pure, and on purpose not built on ``actors``."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

COURSE_ID = "course-v1:ExampleU+PHYS101+2026"

#: Chapters, sequences in a chapter, units in a sequence.
CHAPTERS, SEQUENCES, UNITS = 2, 2, 2

#: What the problems of a unit count, unit by unit; not all weights are whole numbers.
WEIGHTS: tuple[tuple[float, ...], ...] = ((1, 2, 5), (2.5, 1, 3), (4, 2, 2), (3, 7.5, 1.5))


@dataclass(frozen=True, slots=True)
class Block:
    """A node of the course tree: a scored problem, a text, or something that holds other blocks."""

    usage_id: str
    #: What a scored problem counts; ``None`` for everything else.
    points: float | None = None
    children: tuple[Block, ...] = ()

    def walk(self) -> Iterator[Block]:
        """Yield this block and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def problems(self) -> tuple[Block, ...]:
        """Return the scored problems at or below this block, in the order of the course."""
        return tuple(block for block in self.walk() if block.points is not None)


@dataclass(frozen=True, slots=True)
class Points:
    """What was earned out of what was possible. Exact: fractions do not round."""

    earned: Fraction
    possible: Fraction

    def __add__(self, other: Points) -> Points:
        return Points(self.earned + other.earned, self.possible + other.possible)

    @property
    def share(self) -> Fraction:
        """The score that a campus should hold: 0 to 1, and 0 where nothing can be earned."""
        return self.earned / self.possible if self.possible else Fraction(0)


def earned_in(block: Block, attempted: Mapping[str, Points]) -> Points:
    """
    Add up what one learner earned in *block*.

    Args:
        attempted: The learner's newest points by the problem's usage key. A problem that is missing was never tried:
            it earns nothing and counts in full as possible.
    """
    total = Points(Fraction(0), Fraction(0))
    if block.points is not None:
        total = attempted.get(block.usage_id, Points(Fraction(0), Fraction(block.points)))
    for child in block.children:
        total += earned_in(child, attempted)
    return total


def structure_event(course_id: str, root: Block, *, version: int) -> dict[str, str]:
    """Write the ``course.structure`` event that publishes the tree below *root*."""
    parents = {child.usage_id: block.usage_id for block in root.walk() for child in block.children}
    blocks: list[dict[str, object]] = []
    for block in root.walk():
        entry: dict[str, object] = {"usage_id": block.usage_id, "parent": parents.get(block.usage_id)}
        if block.points is not None:
            entry["points_possible"] = block.points
        blocks.append(entry)
    return {
        "type": "course.structure",
        "course_id": course_id,
        "version": str(version),
        "blocks": json.dumps(blocks, separators=(",", ":")),
    }


def example_course() -> Block:
    """Make the demo's course: chapters, sequences, units, and in each unit a text and three weighted problems."""
    chapters = tuple(
        Block(
            _usage_id("chapter", f"{c}"),
            children=tuple(
                Block(
                    _usage_id("sequential", f"{c}.{s}"),
                    children=tuple(
                        _unit(f"{c}.{s}.{u}", WEIGHTS[(UNITS * s + u) % len(WEIGHTS)]) for u in range(UNITS)
                    ),
                )
                for s in range(SEQUENCES)
            ),
        )
        for c in range(CHAPTERS)
    )
    return Block(_usage_id("course", "course"), children=chapters)


def _unit(place: str, weights: tuple[float, ...]) -> Block:
    text = Block(_usage_id("html", place))
    problems = (Block(_usage_id("problem", f"{place}.{n}"), weight) for n, weight in enumerate(weights))
    return Block(_usage_id("vertical", place), children=(text, *problems))


def _usage_id(category: str, place: str) -> str:
    """Make a usage key as Open edX writes it; the same one for the same place in every run."""
    name = "course" if category == "course" else uuid.uuid5(uuid.NAMESPACE_URL, f"{COURSE_ID}/{category}/{place}").hex
    return f"{COURSE_ID.replace('course-v1:', 'block-v1:', 1)}+type@{category}+block@{name}"

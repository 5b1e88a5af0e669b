"""The course tree, one row a course: it is replaced whole, and read whole through a cache."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from models.batcher import Batcher
from models.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

#: Usage id, parent (None for the course root), points possible (None for what is not a scored problem).
Block = tuple[str, str | None, float | None]


class CourseStructure(Model):
    """The newest ``course.structure`` of a course."""

    id = fields.BigIntField(primary_key=True)
    course_key = fields.CharField(max_length=255, unique=True)
    version = fields.BigIntField()
    # When it was published, microseconds since 1970; null where the event did not say.
    modified_us = fields.BigIntField(null=True)
    # SHA-256 of the canonical blocks: tells a repeat from a conflict.
    digest = fields.CharField(max_length=64)
    # Canonical JSON: [[usage id, parent or null, points possible or null], ...], sorted by usage id.
    blocks = fields.TextField()

    class Meta:
        table = "course_structure"
        table_description = "Course trees"


class Tree:
    """
    The blocks of one course.

    Raises:
        ValueError: A block stands twice, a parent is not among the blocks, there is not exactly one root, or the
            parents make a cycle.
    """

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._parent: dict[str, str | None] = {}
        self._children: dict[str, list[str]] = {}
        #: Points possible of the scored problems.
        self.possible: dict[str, float] = {}
        for usage_id, parent, possible in blocks:
            if usage_id in self._parent:
                raise ValueError(f"block {usage_id!r} stands twice")
            self._parent[usage_id] = parent
            if parent is not None:
                self._children.setdefault(parent, []).append(usage_id)
            if possible is not None:
                self.possible[usage_id] = possible
        self._check()

    def _check(self) -> None:
        roots = [usage_id for usage_id, parent in self._parent.items() if parent is None]
        if len(roots) != 1:
            raise ValueError(f"there must be exactly one block without a parent, not {len(roots)}")
        for parent in self._children:
            if parent not in self._parent:
                raise ValueError(f"parent {parent!r} is not among the blocks")
        if sum(1 for _ in self.below(roots[0])) != len(self._parent):
            raise ValueError("the parents make a cycle: some blocks do not hang below the root")

    def __contains__(self, usage_id: str) -> bool:
        return usage_id in self._parent

    def __iter__(self) -> Iterator[str]:
        return iter(self._parent)

    def has_children(self, usage_id: str) -> bool:
        return usage_id in self._children

    def path(self, usage_id: str) -> tuple[str, ...]:
        """The block itself, then its ancestors up to the course; empty for a block that is not in the tree."""
        path = []
        step: str | None = usage_id if usage_id in self._parent else None
        while step is not None:
            path.append(step)
            step = self._parent[step]
        return tuple(path)

    def below(self, usage_id: str) -> Iterator[str]:
        """The block itself and everything below it."""
        stack = [usage_id]
        while stack:
            step = stack.pop()
            yield step
            stack.extend(self._children.get(step, ()))

    def above_and_below(self, usage_ids: Iterable[str]) -> set[str]:
        """Those of the blocks that are in the tree, their ancestors, and everything below them; each visited once."""
        above: set[str] = set()
        below: set[str] = set()
        for usage_id in usage_ids:
            step = self._parent.get(usage_id)
            while step is not None and step not in above:
                above.add(step)
                step = self._parent[step]
            stack = [usage_id] if usage_id in self._parent else []
            while stack:
                block = stack.pop()
                if block not in below:
                    below.add(block)
                    stack.extend(self._children.get(block, ()))
        return above | below

    def entry(self, usage_id: str) -> Block:
        """One block of the tree."""
        return usage_id, self._parent[usage_id], self.possible.get(usage_id)

    def blocks(self) -> list[Block]:
        """Sorted by usage id."""
        return [self.entry(usage_id) for usage_id in sorted(self._parent)]


def touched_by_change(old: Tree | None, new: Tree) -> set[str]:
    """The blocks on the old or the new path of whatever moved, came, went or changed its points."""
    changed = [usage_id for usage_id in {*(old or ()), *new} if _entry(old, usage_id) != _entry(new, usage_id)]
    touched: set[str] = set()
    for tree in (old, new):
        if tree is not None:
            touched |= tree.above_and_below(changed)
    return touched


def _entry(tree: Tree | None, usage_id: str) -> Block | None:
    return None if tree is None or usage_id not in tree else tree.entry(usage_id)


def canonical(tree: Tree) -> tuple[str, str]:
    """The tree as stored, and its digest."""
    text = json.dumps(tree.blocks(), ensure_ascii=False, separators=(",", ":"))
    return text, hashlib.sha256(text.encode()).hexdigest()


_DIGESTS = Statement(
    """
    SELECT course_structure.course_key AS course_key, digest FROM {given} CROSS JOIN course_structure
    WHERE course_structure.course_key = given.course_key""",
    given="course_key VARCHAR",
)
_BLOCKS = Statement("SELECT version, digest, blocks FROM course_structure WHERE course_key = :course_key")


class CourseTrees:
    """
    Reads course trees, and keeps those used last in memory.

    Args:
        keep: How many courses.
    """

    def __init__(self, keep: int = 64) -> None:
        self._keep = keep
        self._kept: OrderedDict[str, tuple[str, Tree]] = OrderedDict()
        self._digest = Batcher(_read_digests)
        # Of whoever asks for a tree that is not kept, the first one reads it.
        self._tree = Batcher(self._read, most=1)

    async def get(self, course_key: str) -> Tree | None:
        """The newest tree of a course; None when no structure came yet. The database is asked whether it changed."""
        digest = await self._digest(course_key)
        if digest is None:
            return None
        return self._kept_with(course_key, digest) or await self._tree((course_key, digest))

    async def get_many(self, course_keys: Collection[str]) -> dict[str, Tree | None]:
        """Each for itself what :meth:`get` gives; within the caller's transaction."""
        digests = await _read_digests(course_keys)
        found = await self._read(list(digests.items()))
        return {course_key: found.get((course_key, digests.get(course_key, ""))) for course_key in course_keys}

    async def _read(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Tree]:
        """Trees by course key and digest; a newer one where the course has changed since."""
        found = {}
        for course_key, digest in wanted:
            tree = self._kept_with(course_key, digest)
            if tree is None:
                row = await _BLOCKS.row(course_key=course_key)
                tree = None if row is None else self._keep_with(course_key, row["digest"], row["blocks"])
            if tree is not None:
                found[course_key, digest] = tree
        return found

    def _kept_with(self, course_key: str, digest: str) -> Tree | None:
        kept = self._kept.get(course_key)
        if kept is None or kept[0] != digest:
            return None
        self._kept.move_to_end(course_key)
        return kept[1]

    def _keep_with(self, course_key: str, digest: str, blocks: str) -> Tree:
        tree = Tree((usage, parent, possible) for usage, parent, possible in json.loads(blocks))
        self._kept[course_key] = digest, tree
        self._kept.move_to_end(course_key)
        while len(self._kept) > self._keep:
            self._kept.popitem(last=False)
        return tree


async def _read_digests(course_keys: Collection[str]) -> dict[str, str]:
    rows = await _DIGESTS.rows(given=[{"course_key": course_key} for course_key in course_keys])
    return {row["course_key"]: row["digest"] for row in rows}

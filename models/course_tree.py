"""The blocks of one course as a tree. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Self

from pydantic_core import from_json

#: Usage id, parent (None for the course root), points possible (None for what is not a scored problem).
Block = tuple[str, str | None, float | None]


class Tree:
    """
    The blocks of one course.

    Raises:
        ValueError: A block comes twice, a parent is missing, there is not exactly one root, or parents form a cycle.
    """

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._parent: dict[str, str | None] = {}
        #: Points possible of the scored problems.
        self.possible: dict[str, float] = {}
        for usage_id, parent, possible in blocks:
            if usage_id in self._parent:
                raise ValueError(f"block {usage_id!r} comes twice")
            self._parent[usage_id] = parent
            if possible is not None:
                self.possible[usage_id] = possible
        self._check()

    @classmethod
    def unpacked(cls, text: str) -> Self:
        """What :func:`packed` wrote."""
        usage_ids, parents, possible = from_json(text)
        tree = cls.__new__(cls)
        tree._parent = {  # noqa: SLF001 - of its own class
            usage_id: None if at is None else usage_ids[at] for usage_id, at in zip(usage_ids, parents, strict=True)
        }
        tree.possible = {
            usage_id: points for usage_id, points in zip(usage_ids, possible, strict=True) if points is not None
        }
        return tree

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = {}
        for usage_id, parent in self._parent.items():
            if parent is not None:
                children.setdefault(parent, []).append(usage_id)
        return children

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
        known = [usage_id for usage_id in usage_ids if usage_id in self._parent]
        above: set[str] = set()
        for usage_id in known:
            step = self._parent[usage_id]
            while step is not None and step not in above:
                above.add(step)
                step = self._parent[step]
        below: set[str] = set()
        stack = known
        while stack:
            block = stack.pop()
            if block not in below:
                below.add(block)
                stack.extend(self._children.get(block, ()))
        return above | below

    def blocks(self) -> list[Block]:
        """Sorted by usage id."""
        return [(usage_id, self._parent[usage_id], self.possible.get(usage_id)) for usage_id in sorted(self._parent)]


def touched_between(old: Tree | None, new: Tree | None) -> set[str]:
    """The blocks on the old or the new path of each that moved, came, went or changed its points."""
    trees = [tree for tree in (old, new) if tree is not None]
    before, after = (set() if tree is None else set(tree.blocks()) for tree in (old, new))
    changed = {usage_id for usage_id, *_ in before ^ after}
    return set().union(*(tree.above_and_below(changed) for tree in trees))


def canonical(tree: Tree) -> tuple[str, str]:
    """The tree as stored, and its digest."""
    text = json.dumps(tree.blocks(), ensure_ascii=False, separators=(",", ":"))
    return text, hashlib.sha256(text.encode()).hexdigest()


def packed(tree: Tree) -> str:
    """A form of half the size, which is read in a third of the time, as that of many trees has to be."""
    blocks = tree.blocks()
    places = {usage_id: at for at, (usage_id, *_) in enumerate(blocks)}
    parents = [None if parent is None else places[parent] for _, parent, _ in blocks]
    columns = [[usage_id for usage_id, *_ in blocks], parents, [points for *_, points in blocks]]
    return json.dumps(columns, ensure_ascii=False, separators=(",", ":"))

"""The blocks of one course as a tree. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator

#: Usage id, parent (None for the course root), points possible (None for what is not a scored problem).
Block = tuple[str, str | None, float | None]


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

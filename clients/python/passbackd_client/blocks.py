"""The blocks of a course. Pure."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from passbackd_client.checked import Checked
from passbackd_client.checks import ID, OPTIONAL_ID, OPTIONAL_POINTS
from passbackd_client.errors import InvalidEventError

#: Bytes of all blocks of a course as JSON.
MAX_BLOCKS_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Checked):
    """
    One block of a course.

    *parent*: the usage id of the block above; None for exactly one block, the course. *points_possible*: of scored
    problems only.
    """

    usage_id: str = field(metadata=ID)
    parent: str | None = field(default=None, metadata=OPTIONAL_ID)
    points_possible: float | None = field(default=None, metadata=OPTIONAL_POINTS)

    def json_object(self) -> dict[str, Any]:
        """As an element of ``blocks``; the course's parent is null."""
        return {"usage_id": self.usage_id, "parent": self.parent, **dict(self._written())}


def read_blocks(name: str, value: Any) -> tuple[Block, ...]:
    """The blocks in their order, none or a whole tree."""
    if not isinstance(value, Iterable):
        raise InvalidEventError(name, f"{name} is no list of blocks: {type(value).__name__}")
    blocks = tuple(value)
    for block in blocks:
        if not isinstance(block, Block):
            raise InvalidEventError(name, f"{name} holds what is no Block: {type(block).__name__}")
    if blocks:
        _check_tree(name, blocks)
    if len(blocks_text(blocks).encode()) > MAX_BLOCKS_BYTES:
        raise InvalidEventError(name, f"{name} is larger than {MAX_BLOCKS_BYTES} bytes")
    return blocks


def write_blocks(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    """As JSON has them."""
    return [block.json_object() for block in blocks]


def blocks_text(blocks: Iterable[Block]) -> str:
    """As the stream has them."""
    return json.dumps(write_blocks(blocks), ensure_ascii=False, separators=(",", ":"))


def _check_tree(name: str, blocks: Sequence[Block]) -> None:
    parents = {block.usage_id: block.parent for block in blocks}
    if len(parents) != len(blocks):
        raise InvalidEventError(name, f"{name}: a block comes twice")
    roots = sum(parent is None for parent in parents.values())
    if roots != 1:
        raise InvalidEventError(name, f"{name}: there must be exactly one block without a parent, not {roots}")
    # What is known to hang below the root, which is where each way up has to end.
    below: set[str] = set()
    for block in blocks:
        way: dict[str, None] = {}
        step: str | None = block.usage_id
        while step is not None and step not in below:
            if step in way:
                raise InvalidEventError(name, f"{name}: the parents make a cycle: {step!r} is above itself")
            if step not in parents:
                raise InvalidEventError(name, f"{name}: parent {step!r} is not among the blocks")
            way[step] = None
            step = parents[step]
        below.update(way)

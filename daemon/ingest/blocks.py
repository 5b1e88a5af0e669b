"""Reads the blocks of a course structure: JSON in, a tree or a reason out. Pure."""

import json
from typing import Any, NoReturn, TypeGuard

from daemon.ingest.events import BadEvent
from models.course_tree import Tree

#: Bytes of ``blocks``.
MAX_BLOCKS_BYTES = 8 * 1024 * 1024
#: Characters of one of the tool's ids: what the database can index.
MAX_ID_LENGTH = 255
#: The largest number of points: sums must stay finite.
MAX_POINTS = 1e12


def read_blocks(text: str) -> Tree:
    """
    The tree of a course, from a JSON array of its blocks.

    Raises:
        BadEvent: It is too large, no such JSON, or no tree.
    """
    return _tree(_array(text))


def read_own_blocks(text: str) -> Tree | None:
    """A learner's own tree, which an empty array takes away; otherwise as :func:`read_blocks`."""
    blocks = _array(text)
    return _tree(blocks) if blocks else None


def _array(text: str) -> list[Any]:
    if len(text.encode()) > MAX_BLOCKS_BYTES:
        raise BadEvent(f"blocks is larger than {MAX_BLOCKS_BYTES} bytes", "blocks")
    try:
        blocks = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadEvent("blocks is not JSON", "blocks") from error
    if not isinstance(blocks, list):
        raise BadEvent("blocks is not a JSON array", "blocks")
    return blocks


def _tree(blocks: list[Any]) -> Tree:
    try:
        return Tree([_block(block) for block in blocks])
    except ValueError as error:
        raise BadEvent(f"blocks: {error}", "blocks") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _block(block: Any) -> tuple[str, str | None, float | None]:
    if not isinstance(block, dict):
        raise BadEvent("a block is not an object", "blocks")
    usage_id, parent, possible = block.get("usage_id"), block.get("parent"), block.get("points_possible")
    if not _is_id(usage_id):
        raise BadEvent(f"a block's usage_id is not a string of 1 to {MAX_ID_LENGTH} characters", "blocks")
    if parent is not None and not _is_id(parent):
        raise BadEvent(
            f"the parent of {usage_id!r} is neither null nor a string of 1 to {MAX_ID_LENGTH} characters", "blocks"
        )
    if possible is not None and not _is_points(possible):
        raise BadEvent(f"points_possible of {usage_id!r} is not a number from 0 to {MAX_POINTS:g}", "blocks")
    return usage_id, parent, None if possible is None else float(possible)


def _is_id(value: Any) -> TypeGuard[str]:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_ID_LENGTH or "\x00" in value:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _is_points(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_POINTS

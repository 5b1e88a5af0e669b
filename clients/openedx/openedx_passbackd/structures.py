"""Course structures, out of what the platform's grades app has collected."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from opaque_keys.edx.keys import CourseKey, UsageKey

from openedx_passbackd.keys import block_of
from openedx_passbackd.platform_names import find

Block = dict[str, Any]

#: The names of the platform's transformers that leave what is read here.
GRADES, VISIBILITY, PARTITIONS = "grades", "visibility", "user_partitions"
#: Types of blocks below which learners see different problems.
PER_LEARNER = frozenset({"library_content", "legacy_library_content", "itembank", "split_test"})


def collected(course_key: CourseKey) -> Any:
    """The structure of a course that all learners' are made from."""
    return find("CourseData")(user=None, course_key=course_key).collected_structure


def weighted_possible(max_score: float, weight: float | None) -> float:
    """A problem's points, of which its weight is the number where it has one and there is a point to be had."""
    return float(max_score) if weight is None or max_score == 0 else float(weight)


def weight_of(structure: Any, usage_key: UsageKey) -> float | None:
    """A problem's weight, None where it has none or the course has no such problem."""
    return structure.get_xblock_field(usage_key, "weight", default=None)  # type: ignore[no-any-return]


def _points(structure: Any, key: UsageKey) -> float | None:
    if not structure.get_xblock_field(key, "has_score", default=False):
        return None
    max_score = structure.get_transformer_block_field(key, GRADES, "max_score", default=None)
    # The platform leaves such a problem out of its sums.
    return None if max_score is None else weighted_possible(max_score, weight_of(structure, key))


def _is_hidden(structure: Any, key: UsageKey) -> bool:
    merged = structure.get_transformer_block_field(key, VISIBILITY, "merged_visible_to_staff_only", default=False)
    return bool(merged or structure.get_xblock_field(key, "visible_to_staff_only", default=False))


def is_restricted(structure: Any) -> bool:
    """Whether something in a course is shown to some groups of learners alone."""
    for key in structure.topological_traversal():
        access = structure.get_transformer_block_field(key, PARTITIONS, "merged_group_access", default=None)
        # The platform's own class: whether a learner who is in no group sees the block.
        if access is not None and not access.check_group_access({}):
            return True
    return False


def per_learner(structure: Any) -> list[str]:
    """What in a course shows learners different problems; nothing in most courses."""
    types = sorted({key.block_type for key in structure.topological_traversal()} & PER_LEARNER)
    return [*types, "group_access"] if is_restricted(structure) else types


def blocks(structure: Any, course_key: CourseKey) -> list[Block]:
    """The scored problems that learners see, and what is above them: the root first, each with its first parent."""
    parents: dict[UsageKey, UsageKey | None] = {}
    points: dict[UsageKey, float] = {}
    for key in structure.topological_traversal():
        above = [parent for parent in structure.get_parents(key) if parent in parents]
        is_root = key == structure.root_block_usage_key
        if (not above and not is_root) or _is_hidden(structure, key):
            continue
        parents[key] = None if is_root else above[0]
        if (possible := _points(structure, key)) is not None:
            points[key] = possible
    wanted = {structure.root_block_usage_key}
    for key in points:
        ancestor: UsageKey | None = key
        while ancestor is not None and ancestor not in wanted:
            wanted.add(ancestor)
            ancestor = parents[ancestor]

    def block(key: UsageKey, parent: UsageKey | None) -> Block:
        ids = {
            "usage_id": str(block_of(key, course_key)),
            "parent": None if parent is None else str(block_of(parent, course_key)),
        }
        return {**ids, "points_possible": points[key]} if key in points else ids

    return [block(key, parent) for key, parent in parents.items() if key in wanted]


def scored(tree: list[Block]) -> dict[str, float]:
    """The points of each problem of a tree."""
    return {block["usage_id"]: block["points_possible"] for block in tree if "points_possible" in block}


def digest(tree: list[Block]) -> str:
    """The same for trees that are the same."""
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()


#: What reads the structure of a course.
Collect = Callable[[CourseKey], Any]

"""Course trees, one row each: replaced whole, and read whole through a cache."""

import json
from collections import OrderedDict
from collections.abc import Collection, Sequence

from tortoise import fields
from tortoise.models import Model

from models.course_tree import Tree
from models.db.data_loader import DataLoader
from models.db.sql import Statement


class CourseStructure(Model):
    """The newest ``course.structure`` of a course."""

    id = fields.BigIntField(primary_key=True)
    course_id = fields.CharField(max_length=255, unique=True)
    version = fields.BigIntField()
    # When it was published, microseconds since 1970; null where the event has no date.
    modified_us = fields.BigIntField(null=True)
    # SHA-256 of the canonical blocks, by which a repeat differs from a conflict.
    digest = fields.CharField(max_length=64)
    # Canonical JSON: [[usage id, parent or null, points possible or null], ...], sorted by usage id.
    blocks = fields.TextField()

    class Meta:
        table = "course_structure"
        table_description = "Course trees"


_DIGESTS = Statement(
    """
    SELECT course_structure.course_id AS course_id, digest FROM {given} CROSS JOIN course_structure
    WHERE course_structure.course_id = given.course_id""",
    given="course_id VARCHAR",
)
_BLOCKS = Statement("SELECT digest, blocks FROM course_structure WHERE course_id = :course_id")


class CourseTrees:
    """
    Reads course trees, and keeps those used last in memory, by course and digest.

    Args:
        keep: How many trees.
        keep_bytes: How many bytes of canonical blocks they may have together; a tree takes some ten times as much.
    """

    def __init__(self, keep: int = 64, keep_bytes: int = 8 * 1024 * 1024) -> None:
        self._keep, self._keep_bytes = keep, keep_bytes
        self._kept: OrderedDict[tuple[str, str], Tree] = OrderedDict()
        self._sizes: dict[tuple[str, str], int] = {}
        self._digest = DataLoader(_read_digests)
        # Tasks that ask together for a tree that is not kept share one read.
        self._tree = DataLoader(self._read, most=1)

    async def get(self, course_id: str) -> Tree | None:
        """The newest tree of a course; None before its first structure. Asks the database whether it has changed."""
        digest = await self._digest(course_id)
        return None if digest is None else self._find((course_id, digest)) or await self._tree((course_id, digest))

    async def get_many(self, course_ids: Collection[str]) -> dict[str, Tree | None]:
        """What :meth:`get` returns for each; within the caller's transaction."""
        digests = await _read_digests(course_ids)
        found = await self._read(list(digests.items()))
        return {course_id: found.get((course_id, digests.get(course_id, ""))) for course_id in course_ids}

    async def _read(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Tree]:
        """Trees by course and digest; a newer one where the course has changed since."""
        found = {}
        for course_id, digest in wanted:
            tree = self._find((course_id, digest))
            if tree is None and (row := await _BLOCKS.row(course_id=course_id)):
                tree = Tree(json.loads(row["blocks"]))
                self._keep_tree((course_id, row["digest"]), tree, len(row["blocks"]))
            if tree is not None:
                found[course_id, digest] = tree
        return found

    def _keep_tree(self, key: tuple[str, str], tree: Tree, size: int) -> None:
        self._kept[key], self._sizes[key] = tree, size
        while len(self._kept) > self._keep or (len(self._kept) > 1 and sum(self._sizes.values()) > self._keep_bytes):
            oldest, _ = self._kept.popitem(last=False)
            del self._sizes[oldest]

    def _find(self, key: tuple[str, str]) -> Tree | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)


async def _read_digests(course_ids: Collection[str]) -> dict[str, str]:
    rows = await _DIGESTS.rows(given=[{"course_id": course_id} for course_id in course_ids])
    return {row["course_id"]: row["digest"] for row in rows}

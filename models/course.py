"""The course tree, one row a course: it is replaced whole, and read whole through a cache."""

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
    # When it was published, microseconds since 1970; null where the event did not say.
    modified_us = fields.BigIntField(null=True)
    # SHA-256 of the canonical blocks: tells a repeat from a conflict.
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
_BLOCKS = Statement("SELECT version, digest, blocks FROM course_structure WHERE course_id = :course_id")


class CourseTrees:
    """
    Reads course trees, and keeps those used last in memory.

    Args:
        keep: How many courses.
    """

    def __init__(self, keep: int = 64) -> None:
        self._keep = keep
        self._kept: OrderedDict[str, tuple[str, Tree]] = OrderedDict()
        self._digest = DataLoader(_read_digests)
        # Of whoever asks for a tree that is not kept, the first one reads it.
        self._tree = DataLoader(self._read, most=1)

    async def get(self, course_id: str) -> Tree | None:
        """The newest tree of a course; None when no structure came yet. The database is asked whether it changed."""
        digest = await self._digest(course_id)
        if digest is None:
            return None
        return self._kept_with(course_id, digest) or await self._tree((course_id, digest))

    async def get_many(self, course_ids: Collection[str]) -> dict[str, Tree | None]:
        """Each for itself what :meth:`get` gives; within the caller's transaction."""
        digests = await _read_digests(course_ids)
        found = await self._read(list(digests.items()))
        return {course_id: found.get((course_id, digests.get(course_id, ""))) for course_id in course_ids}

    async def _read(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Tree]:
        """Trees by course key and digest; a newer one where the course has changed since."""
        found = {}
        for course_id, digest in wanted:
            tree = self._kept_with(course_id, digest)
            if tree is None:
                row = await _BLOCKS.row(course_id=course_id)
                tree = None if row is None else self._keep_with(course_id, row["digest"], row["blocks"])
            if tree is not None:
                found[course_id, digest] = tree
        return found

    def _kept_with(self, course_id: str, digest: str) -> Tree | None:
        kept = self._kept.get(course_id)
        if kept is None or kept[0] != digest:
            return None
        self._kept.move_to_end(course_id)
        return kept[1]

    def _keep_with(self, course_id: str, digest: str, blocks: str) -> Tree:
        tree = Tree((usage, parent, possible) for usage, parent, possible in json.loads(blocks))
        self._kept[course_id] = digest, tree
        self._kept.move_to_end(course_id)
        while len(self._kept) > self._keep:
            self._kept.popitem(last=False)
        return tree


async def _read_digests(course_ids: Collection[str]) -> dict[str, str]:
    rows = await _DIGESTS.rows(given=[{"course_id": course_id} for course_id in course_ids])
    return {row["course_id"]: row["digest"] for row in rows}

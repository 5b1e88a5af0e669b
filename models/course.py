"""
Course trees, and the trees of single learners: one row each, replaced whole, and read whole through a cache.

A learner's own tree wins over the course's: what a learner is shown of a course may be a part of it (problem banks,
split tests, cohorts).
"""

import json
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

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


class LearnerStructure(Model):
    """The newest ``course.structure`` of one learner's own; an empty one takes it away, and keeps its version."""

    id = fields.BigIntField(primary_key=True)
    user_id = fields.CharField(max_length=255)
    course_id = fields.CharField(max_length=255)
    version = fields.BigIntField()
    # When it was published, or arrived, microseconds since 1970.
    modified_us = fields.BigIntField()
    # As in CourseStructure; empty where the learner has no tree of their own any more.
    digest = fields.CharField(max_length=64)
    blocks = fields.TextField()

    class Meta:
        table = "learner_structure"
        table_description = "Trees of single learners"
        # By learner first: a retirement deletes all of one.
        unique_together = (("user_id", "course_id"),)


#: A learner and a course; no learner ("") stands for the course's common tree.
Whose = tuple[str, str]

_DIGESTS = Statement(
    """
    SELECT given.user_id AS user_id, given.course_id AS course_id, course_structure.digest AS common,
        learner_structure.digest AS own
    FROM {given}
    LEFT JOIN course_structure ON course_structure.course_id = given.course_id
    LEFT JOIN learner_structure
        ON learner_structure.user_id = given.user_id AND learner_structure.course_id = given.course_id""",
    given="user_id VARCHAR, course_id VARCHAR",
)
_BLOCKS = Statement("SELECT digest, blocks FROM course_structure WHERE course_id = :course_id")
_OWN_BLOCKS = Statement(
    "SELECT digest, blocks FROM learner_structure WHERE user_id = :user_id AND course_id = :course_id AND digest <> ''"
)


class _Place(NamedTuple):
    """Where a tree is stored: that of a learner, or ("") of a course."""

    user_id: str
    course_id: str
    digest: str

    async def read(self) -> dict[str, Any] | None:
        if self.user_id:
            return await _OWN_BLOCKS.row(user_id=self.user_id, course_id=self.course_id)
        return await _BLOCKS.row(course_id=self.course_id)


class CourseTrees:
    """
    Reads trees, and keeps those used last in memory, by digest: learners who are shown the same share one.

    Args:
        keep: How many trees.
        keep_bytes: How many bytes of canonical blocks they may have together; a tree takes some ten times as much.
    """

    def __init__(self, keep: int = 64, keep_bytes: int = 8 * 1024 * 1024) -> None:
        self._keep, self._keep_bytes = keep, keep_bytes
        self._kept: OrderedDict[str, Tree] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._place = DataLoader(_read_places)
        # Tasks that ask together for a tree that is not kept share one read.
        self._tree = DataLoader(self._read, most=1)

    async def get(self, course_id: str, user_id: str = "") -> Tree | None:
        """
        The learner's own newest tree, else the course's; None before its first structure.

        Asks the database whether it has changed. Without *user_id* the course's.
        """
        place = await self._place((user_id, course_id))
        return None if place is None else self._find(place.digest) or await self._tree(place)

    async def get_many(self, wanted: Collection[Whose]) -> dict[Whose, Tree | None]:
        """What :meth:`get` returns for each learner and course; within the caller's transaction."""
        places = await _read_places(wanted)
        found = await self._read(list(dict.fromkeys(places.values())))
        return {whose: found.get(places[whose]) if whose in places else None for whose in wanted}

    async def _read(self, wanted: Sequence[_Place]) -> dict[_Place, Tree]:
        """Trees; a newer one where it has changed since."""
        found = {}
        for place in wanted:
            tree = self._find(place.digest)
            if tree is None and (row := await place.read()):
                tree = Tree(json.loads(row["blocks"]))
                self._keep_tree(row["digest"], tree, len(row["blocks"]))
            if tree is not None:
                found[place] = tree
        return found

    def _keep_tree(self, digest: str, tree: Tree, size: int) -> None:
        self._kept[digest], self._sizes[digest] = tree, size
        while len(self._kept) > self._keep or (len(self._kept) > 1 and sum(self._sizes.values()) > self._keep_bytes):
            oldest, _ = self._kept.popitem(last=False)
            del self._sizes[oldest]

    def _find(self, digest: str) -> Tree | None:
        if digest in self._kept:
            self._kept.move_to_end(digest)
        return self._kept.get(digest)


async def _read_places(wanted: Iterable[Whose]) -> dict[Whose, _Place]:
    given = [{"user_id": user_id, "course_id": course_id} for user_id, course_id in wanted]
    return {
        (row["user_id"], row["course_id"]): _Place(row["user_id"], row["course_id"], row["own"])
        if row["own"]
        else _Place("", row["course_id"], row["common"])
        for row in await _DIGESTS.rows(given=given)
        if row["own"] or row["common"]
    }

"""
Course trees, and the trees of single learners: one row each, replaced whole, and read whole through a cache.

A learner's own tree wins over the course's: what a learner is shown of a course may be a part of it (problem banks,
split tests, cohorts).
"""

import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Iterable, Sequence

from tortoise import fields
from tortoise.models import Model

from models.course_tree import Tree
from models.db.data_loader import DataLoader
from models.db.sql import Statement
from models.moment import MAX_PLACE


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
    # When it was published, or arrived, microseconds since 1970, and the place of its entry: for retirements.
    modified_us = fields.BigIntField()
    place = fields.CharField(max_length=MAX_PLACE)
    # As in CourseStructure; empty where the learner has no tree of their own any more.
    digest = fields.CharField(max_length=64)
    blocks = fields.TextField()

    class Meta:
        table = "learner_structure"
        table_description = "Trees of single learners"
        # By learner first: a retirement deletes all of one.
        unique_together = (("user_id", "course_id"),)


#: A learner and a course; with no learner ("") the tree is the course's.
Whose = tuple[str, str]

_DIGESTS = Statement(
    """
    SELECT given.user_id AS user_id, given.course_id AS course_id,
        COALESCE(NULLIF(learner_structure.digest, ''), course_structure.digest) AS digest
    FROM {given}
    LEFT JOIN course_structure ON course_structure.course_id = given.course_id
    LEFT JOIN learner_structure
        ON learner_structure.user_id = given.user_id AND learner_structure.course_id = given.course_id""",
    given="user_id VARCHAR, course_id VARCHAR",
)
# One statement for both: an own tree that is taken away meanwhile leaves the course's, and never none.
_OWN = "FROM learner_structure WHERE user_id = :user_id AND course_id = :course_id AND digest <> ''"
_BLOCKS = Statement(f"""
    SELECT digest, blocks {_OWN}
    UNION ALL
    SELECT digest, blocks FROM course_structure WHERE course_id = :course_id AND NOT EXISTS (SELECT 1 {_OWN})""")
_HAS_OWN = Statement(f"SELECT 1 AS found {_OWN}")


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
        self._digest = DataLoader(_read_digests)
        # Tasks that ask together for a tree that is not kept share one read.
        self._tree = DataLoader(self._read, most=1)

    async def get(self, course_id: str, user_id: str = "") -> Tree | None:
        """
        The learner's own newest tree, else the course's; None before its first structure.

        Asks the database whether it has changed. Without *user_id* the course's.
        """
        whose = user_id, course_id
        digest = await self._digest(whose)
        return None if digest is None else self._find(digest) or await self._tree((whose, digest))

    async def each(self, wanted: Collection[Whose]) -> AsyncIterator[tuple[Whose, Tree | None]]:
        """
        What :meth:`get` returns for each learner and course; within the caller's transaction.

        One at a time, since the own trees of many learners are large together; those who share a tree in a row.
        """
        digests = await _read_digests(wanted)
        for whose in sorted(wanted, key=lambda whose: digests.get(whose, "")):
            yield whose, await self._current(whose, digests.get(whose))

    async def of(self, user_id: str, course_id: str) -> Tree | None:
        """As :meth:`get`, within the caller's transaction."""
        whose = user_id, course_id
        return await self._current(whose, (await _read_digests([whose])).get(whose))

    async def _read(self, wanted: Sequence[tuple[Whose, str]]) -> dict[tuple[Whose, str], Tree]:
        """By whose and digest; a newer one where it has changed since."""
        found = {(whose, digest): await self._current(whose, digest) for whose, digest in wanted}
        return {key: tree for key, tree in found.items() if tree is not None}

    async def _current(self, whose: Whose, digest: str | None) -> Tree | None:
        return None if digest is None else self._find(digest) or await self._load(whose)

    async def _load(self, whose: Whose) -> Tree | None:
        row = await _BLOCKS.row(user_id=whose[0], course_id=whose[1])
        if row is None:
            return None
        tree = Tree(json.loads(row["blocks"]))
        self._keep_tree(row["digest"], tree, len(row["blocks"]))
        return tree

    def _keep_tree(self, digest: str, tree: Tree, size: int) -> None:
        self._kept[digest], self._sizes[digest] = tree, size
        while len(self._kept) > self._keep or (len(self._kept) > 1 and sum(self._sizes.values()) > self._keep_bytes):
            oldest, _ = self._kept.popitem(last=False)
            del self._sizes[oldest]

    def _find(self, digest: str) -> Tree | None:
        if digest in self._kept:
            self._kept.move_to_end(digest)
        return self._kept.get(digest)


async def has_own_tree(user_id: str, course_id: str) -> bool:
    """Whether the course's tree does not count for this learner."""
    return await _HAS_OWN.row(user_id=user_id, course_id=course_id) is not None


async def _read_digests(wanted: Iterable[Whose]) -> dict[Whose, str]:
    given = [{"user_id": user_id, "course_id": course_id} for user_id, course_id in wanted]
    rows = await _DIGESTS.rows(given=given)
    return {(row["user_id"], row["course_id"]): row["digest"] for row in rows if row["digest"] is not None}

"""
Course trees, and the trees of single learners: one row each, replaced whole, and read whole through a cache.

A learner's own tree wins over the course's: what a learner is shown of a course may be a part of it (problem banks,
split tests, cohorts).
"""

import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
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
    # As models.course_tree.packed writes them, and their characters.
    blocks = fields.TextField()
    size = fields.IntField()

    class Meta:
        table = "learner_structure"
        table_description = "Trees of single learners"
        # By learner first: a retirement deletes all of one.
        unique_together = (("user_id", "course_id"),)


#: A learner and a course; no learner ("") with the course's tree.
Whose = tuple[str, str]


class _Current(NamedTuple):
    """Which tree counts. *size*: characters of a learner's own; 0: it is the course's."""

    user_id: str
    course_id: str
    digest: str
    size: int


_CURRENT = Statement(
    """
    SELECT given.user_id AS user_id, given.course_id AS course_id,
        COALESCE(learner_structure.digest, course_structure.digest) AS digest,
        COALESCE(learner_structure.size, 0) AS size
    FROM {given}
    LEFT JOIN course_structure ON course_structure.course_id = given.course_id
    LEFT JOIN learner_structure ON learner_structure.user_id = given.user_id
        AND learner_structure.course_id = given.course_id AND learner_structure.digest <> ''""",
    given="user_id VARCHAR, course_id VARCHAR",
)
_OWN_OF_MANY = Statement(
    """
    SELECT given.user_id AS user_id, given.course_id AS course_id, digest, blocks
    FROM {given} CROSS JOIN learner_structure
    WHERE learner_structure.user_id = given.user_id AND learner_structure.course_id = given.course_id
        AND digest <> ''""",
    given="user_id VARCHAR, course_id VARCHAR",
)
_BLOCKS = Statement("SELECT digest, blocks FROM course_structure WHERE course_id = :course_id")
#: Characters of learners' own trees that are read at once.
_BATCH = 1024 * 1024


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
        self._which = DataLoader(_read_current)
        # Tasks that ask together for a tree that is not kept share one read; courses' trees may be large.
        self._common = DataLoader(self._read, most=1)
        self._own = DataLoader(self._read)

    async def get(self, course_id: str, user_id: str = "") -> Tree | None:
        """
        The learner's own newest tree, else the course's; None before its first structure.

        Asks the database whether it has changed. Without *user_id* the course's.
        """
        current = await self._which((user_id, course_id))
        if current is None:
            return None
        return self._find(current.digest) or await (self._own if current.size else self._common)(current)

    async def each(self, wanted: Collection[Whose]) -> AsyncIterator[tuple[Whose, Tree | None]]:
        """
        What :meth:`get` returns for each learner and course; within the caller's transaction, if there is one.

        A few at a time, since the own trees of many learners are large together; those who share a tree in a row.
        """
        which = await _read_current(wanted)
        for whose in wanted:
            if whose not in which:
                yield whose, None
        for some in _batches(sorted(which.values(), key=lambda one: one.digest)):
            trees = await self._read(some)
            for one in some:
                yield (one.user_id, one.course_id), trees.get(one)

    async def of(self, user_id: str, course_id: str) -> Tree | None:
        """As :meth:`get`, within the caller's transaction."""
        return {whose: tree async for whose, tree in self.each([(user_id, course_id)])}[user_id, course_id]

    async def _read(self, wanted: Sequence[_Current]) -> dict[_Current, Tree]:
        """A newer one where it has changed since."""
        found: dict[_Current, Tree] = {}
        for some in _batches(wanted):
            # Taken out first: what is read may take the place of what is kept.
            found |= {one: tree for one in some if (tree := self._find(one.digest)) is not None}
            absent = [one for one in some if one not in found]
            given = [{"user_id": one.user_id, "course_id": one.course_id} for one in absent if one.size]
            rows = await _OWN_OF_MANY.rows(given=given) if given else []
            own = {(row["user_id"], row["course_id"]): row for row in rows}
            for one in absent:
                tree = await self._load(one, own.get((one.user_id, one.course_id)))
                if tree is not None:
                    found[one] = tree
        return found

    async def _load(self, one: _Current, own: Mapping[str, Any] | None) -> Tree | None:
        """*own*: the row of the learner's; without it, also because it was taken away meanwhile, the course's."""
        row = own or await _BLOCKS.row(course_id=one.course_id)
        if row is None:
            return None
        tree = self._find(row["digest"])
        if tree is None:
            tree = Tree.unpacked(row["blocks"]) if own else Tree(json.loads(row["blocks"]))
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


async def with_own_tree(wanted: Iterable[Whose]) -> set[Whose]:
    """The learners, each with a course, for whom the course's tree does not count."""
    return {whose for whose, current in (await _read_current(wanted)).items() if current.size}


async def _read_current(wanted: Iterable[Whose]) -> dict[Whose, _Current]:
    """Without those of whom no tree is known."""
    given = [{"user_id": user_id, "course_id": course_id} for user_id, course_id in wanted]
    rows = [row for row in await _CURRENT.rows(given=given) if row["digest"] is not None]
    return {
        (row["user_id"], row["course_id"]): _Current(row["user_id"], row["course_id"], row["digest"], row["size"])
        for row in rows
    }


def _batches(wanted: Iterable[_Current]) -> Iterator[list[_Current]]:
    """What is read at once: own trees of up to :data:`_BATCH` characters, at least one."""
    batch: list[_Current] = []
    size = 0
    for one in wanted:
        if batch and size + one.size > _BATCH:
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += one.size
    if batch:
        yield batch

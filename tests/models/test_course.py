"""Course trees in the table, and through the cache."""

import asyncio

import pytest

from models.course import CourseStructure, CourseTrees, LearnerStructure
from models.course_tree import Tree, canonical, packed


def named(root):
    """Another tree for each root."""
    return Tree([(root, None, None), ("g", root, None), ("n", "g", 10.0)])


TREE = Tree([("a", None, None), ("g", "a", None), ("n", "g", 10.0)])
SMALLER = Tree([("a", None, None), ("g", "a", None)])


pytestmark = pytest.mark.usefixtures("empty_database")


async def store(tree, *, version=1, course="course"):
    text, digest = canonical(tree)
    await CourseStructure.update_or_create({"version": version, "digest": digest, "blocks": text}, course_id=course)


async def test_a_tree_comes_back_as_it_was_stored():
    tree = Tree([("ü😀", None, None), ("p", "ü😀", 0.1 + 0.2), ("q", "ü😀", 0.0)])
    await store(tree)
    assert (await CourseTrees().get("course")).blocks() == tree.blocks()


async def test_a_new_version_and_a_deletion_are_seen_at_once_although_trees_are_kept():
    trees = CourseTrees()
    assert await trees.get("course") is None
    await store(TREE)
    first = await trees.get("course")
    assert await trees.get("course") is first
    await store(SMALLER, version=2)
    assert "n" not in await trees.get("course")
    await CourseStructure.all().delete()
    assert await trees.get("course") is None


async def test_a_new_version_is_read_once_for_all_who_ask_for_it_together():
    trees = CourseTrees()
    await store(TREE)
    found = await asyncio.gather(*(trees.get("course") for _ in range(5)))
    assert {id(tree) for tree in found} == {id(await trees.get("course"))}


async def test_the_trees_used_last_are_kept():
    trees = CourseTrees(keep=2)
    for course in ("one", "two", "three"):
        await store(named(course), course=course)
    one, two = await trees.get("one"), await trees.get("two")
    assert await trees.get("one") is one
    await trees.get("three")
    assert await trees.get("one") is one
    assert await trees.get("two") is not two


async def test_the_trees_that_are_kept_are_bounded_by_their_bytes_but_one_is_always_kept():
    trees = CourseTrees(keep_bytes=2 * len(canonical(named("three"))[0]))
    for course in ("one", "two", "three"):
        await store(named(course), course=course)
        await trees.get(course)
    two, three = await trees.get("two"), await trees.get("three")
    assert (await trees.get("two") is two, await trees.get("three") is three) == (True, True)
    await store(Tree([("a", None, None), *((f"b{n}", "a", 1.0) for n in range(100))]), course="large")
    large = await trees.get("large")
    assert await trees.get("large") is large
    assert await trees.get("two") is not two


async def store_own(user_id, tree):
    text, (_, digest) = packed(tree), canonical(tree)
    tree = {"version": 1, "modified_us": 0, "digest": digest, "blocks": text, "size": len(text)}
    await LearnerStructure.update_or_create(tree, user_id=user_id, course_id="course")


async def test_many_learners_get_their_own_trees_and_the_others_the_courses():
    learners = [f"learner-{number}" for number in range(20)]
    trees = CourseTrees(keep=3)
    await store(TREE)
    for learner in learners:
        await store_own(learner, named(learner))
    kept = [await trees.get("course", learner) for learner in learners[:3]]
    roots = {(learner, "course"): {learner} for learner in learners} | {("another", "course"): {"a"}}
    found = {whose: tree async for whose, tree in trees.each([*roots, ("another", "unknown")])}
    assert {whose: tree and set(tree.path("g")[1:]) for whose, tree in found.items()} == roots | {
        ("another", "unknown"): None
    }
    assert [found[learner, "course"] for learner in learners[:3]] == kept, "what is kept is not read again"
    asked = await asyncio.gather(*(trees.get("course", learner) for learner in learners))
    assert [tree.path("g")[1:] for tree in asked] == [(learner,) for learner in learners]


async def test_an_own_tree_that_is_taken_away_while_it_is_read_leaves_the_courses():
    class Slow(CourseTrees):
        async def _read(self, wanted):
            await LearnerStructure.all().update(digest="")
            return await super()._read(wanted)

    await store(TREE)
    await store_own("ann", SMALLER)
    assert (await Slow().get("course", "ann")).blocks() == TREE.blocks()

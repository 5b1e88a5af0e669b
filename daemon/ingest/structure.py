"""What a ``course.structure`` does to the database. Runs inside intake's transaction."""

from collections.abc import Mapping
from typing import Any

from daemon.ingest.events import BadEvent, CourseStructured, LearnerStructured
from models.assignment import GradedAssignment, Kind, row_kind
from models.changes import Cause, Change, Dirty, change, change_blocks, change_waiting
from models.course import CourseStructure, CourseTrees, LearnerStructure
from models.course_tree import Tree, canonical, packed, touched_between
from models.debounce import Debounce
from models.launch import EventResult


async def apply_structure(
    event: CourseStructured, trees: CourseTrees, *, now: int, debounce: Debounce, force: bool
) -> EventResult:
    """
    Store a tree and change the assignments that it touches, but of learners who have a tree of their own.

    Raises:
        BadEvent: Its version had other blocks before.
    """
    text, digest = canonical(event.tree)
    stored = await CourseStructure.get_or_none(course_id=event.course_id)
    old = None
    if stored is not None:
        if (result := _without_effect(event, digest, stored)) is not None:
            return result
        old = await trees.of("", event.course_id)
    await CourseStructure.update_or_create(
        {
            "version": event.version,
            "digest": digest,
            "blocks": text,
            "modified_us": event.modified_us if event.modified_us is not None else stored and stored.modified_us,
        },
        course_id=event.course_id,
    )
    touched = touched_between(old, event.tree)
    registered = await GradedAssignment.filter(course_id=event.course_id).distinct().values_list("usage_id")
    kinds = {block: kind_of(block, event.tree) for (block,) in registered if block in touched}
    cause = Cause(event.entry_id, force)
    # The dispatcher finds these: a structure touches many at once.
    await change_blocks(event.course_id, kinds, now=now, debounce=debounce, cause=cause)
    await change_waiting(event.course_id, now=now, debounce=debounce, cause=cause)
    return "applied"


async def apply_own_structure(
    event: LearnerStructured, trees: CourseTrees, *, now: int, debounce: Debounce, force: bool
) -> tuple[EventResult, list[Dirty]]:
    """
    Store a learner's own tree, or take it away, and change the learner's assignments that this touches.

    Raises:
        BadEvent: Its version had other blocks before.
    """
    text, digest = ("", "") if event.tree is None else (packed(event.tree), canonical(event.tree)[1])
    whose = event.user_id, event.course_id
    stored = await LearnerStructure.get_or_none(user_id=event.user_id, course_id=event.course_id)
    if stored is not None and (result := _without_effect(event, digest, stored)) is not None:
        return result, []
    rows = await GradedAssignment.filter(user_id=event.user_id, course_id=event.course_id).values(
        "id", "usage_id", "composite"
    )
    old = await trees.of(*whose) if rows else None
    await LearnerStructure.update_or_create(
        {
            "version": event.version,
            "modified_us": event.modified_us,
            "digest": digest,
            "blocks": text,
            "size": len(text),
        },
        user_id=event.user_id,
        course_id=event.course_id,
    )
    if not rows:
        return "applied", []
    new = event.tree or await trees.of(*whose)
    touched = touched_between(old, new)
    changes = [Change(row["id"], _kind_in(new, row), event.entry_id) for row in rows if row["usage_id"] in touched]
    return "applied", await change(changes, now=now, debounce=debounce, force=force) if changes else []


def _kind_in(tree: Tree | None, row: Mapping[str, Any]) -> Kind:
    """The kind of an assignment's block, which it keeps where the tree does not hold it."""
    if tree is None or row["usage_id"] not in tree:
        return row_kind(row)
    return kind_of(row["usage_id"], tree)


def _without_effect(
    event: CourseStructured | LearnerStructured, digest: str, stored: CourseStructure | LearnerStructure
) -> EventResult | None:
    """What an event is that changes nothing; BadEvent if its version had other blocks before."""
    if event.version < stored.version or _is_older(event.modified_us, stored.modified_us):
        return "stale"
    if event.version > stored.version:
        return None
    if digest != stored.digest:
        whose = "this course's structure" if isinstance(event, CourseStructured) else "this learner's own structure"
        raise BadEvent(f"version {event.version} of {whose} came before, and was different")
    return "unchanged"


def kind_of(usage_id: str, tree: Tree) -> Kind:
    return "composite" if tree.has_children(usage_id) else "leaf"


def _is_older(said: int | None, stored: int | None) -> bool:
    return said is not None and stored is not None and said < stored

"""What a ``course.structure`` does to the database. Runs inside intake's transaction."""

from daemon.ingest.events import BadEvent, CourseStructured
from models.assignment import GradedAssignment, Kind
from models.changes import Cause, change_blocks, change_waiting
from models.course import CourseStructure, CourseTrees
from models.course_tree import Tree, canonical, touched_by_change
from models.debounce import Debounce
from models.launch import EventResult


async def apply_structure(
    event: CourseStructured, trees: CourseTrees, *, now: int, debounce: Debounce, force: bool
) -> EventResult:
    """Store a tree and change the assignments that it touches; BadEvent if its version had other blocks before."""
    text, digest = canonical(event.tree)
    stored = await CourseStructure.get_or_none(course_id=event.course_id)
    old = None
    if stored is not None:
        if event.version < stored.version or _is_older(event.modified_us, stored.modified_us):
            return "stale"
        if event.version == stored.version:
            if digest != stored.digest:
                raise BadEvent(f"version {event.version} of this course's structure came before, and was different")
            return "unchanged"
        old = (await trees.get_many([event.course_id]))[event.course_id]
    await CourseStructure.update_or_create(
        {
            "version": event.version,
            "digest": digest,
            "blocks": text,
            "modified_us": event.modified_us if event.modified_us is not None else stored and stored.modified_us,
        },
        course_id=event.course_id,
    )
    touched = touched_by_change(old, event.tree)
    registered = await GradedAssignment.filter(course_id=event.course_id).distinct().values_list("usage_id")
    kinds = {block: kind_of(block, event.tree) for (block,) in registered if block in touched}
    cause = Cause(event.entry_id, force)
    # The dispatcher finds these: a structure touches many at once.
    await change_blocks(event.course_id, kinds, now=now, debounce=debounce, cause=cause)
    await change_waiting(event.course_id, now=now, debounce=debounce, cause=cause)
    return "applied"


def kind_of(usage_id: str, tree: Tree) -> Kind:
    return "composite" if tree.has_children(usage_id) else "leaf"


def _is_older(said: int | None, stored: int | None) -> bool:
    return said is not None and stored is not None and said < stored

"""What each event does to the database. Runs inside intake's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.egress import EgressRefused
from daemon.events import (
    AssignmentDisabled,
    BadEvent,
    CourseStructured,
    Event,
    Launched,
    ScoreChanged,
    UserRetired,
)
from models.assignment import (
    Cause,
    Debounce,
    GradedAssignment,
    Kind,
    Wake,
    bump,
    bump_block,
    bump_waiting,
    wake_bumped,
)
from models.course import CourseStructure, CourseTrees, Tree, canonical, touched_by_change
from models.registration import Registration, Result, disable, is_retired, register, retire
from models.score import apply_score, read_scores
from models.stale import note_stale
from models.statement import Statement

if TYPE_CHECKING:
    from actors.egress import Egress
    from daemon.config.sections import Outcomes
    from models.intake import Position

_OF_LEARNER = Statement("""
    SELECT id, usage_key FROM graded_assignment WHERE user_id = :user_id AND course_key = :course_key ORDER BY id""")


class Applier:
    """
    Applies events in stream order.

    Args:
        trees: The cache of course trees, which the senders share.
        debounce: How long a composite's grade waits.
        egress: Where requests may go: a launch from elsewhere is not registered, since no grade could be sent there.
    """

    def __init__(self, trees: CourseTrees, debounce: Debounce, egress: Egress | None = None) -> None:
        self._trees = trees
        self._egress = egress
        #: May change at any time.
        self.debounce = debounce

    async def apply(
        self, event: Event, position: Position, *, now: int, force: bool = False
    ) -> tuple[Result, list[Wake]]:
        """
        Apply one event.

        Args:
            force: Whether the grades that it changes must go out even if they equal what the campus acknowledged, as
                far as this database knows: it may have been restored.

        Returns:
            What it did, and the wake-ups to send once the transaction is committed.

        Raises:
            BadEvent, RegistrationError: It cannot be applied.
        """
        match event:
            case ScoreChanged():
                return await self._score(event, position, now, force=force)
            case CourseStructured():
                return await self._structure(event, now, force=force), []
            case Launched(registration):
                return await self._launch(registration, position, now)
            case AssignmentDisabled(key, sourcedid, modified_us):
                return await disable(key, sourcedid, modified_us=modified_us, now=now), []
            case UserRetired(user_id, modified_us):
                return await retire(user_id, position, modified_us=modified_us), []

    async def _score(
        self, event: ScoreChanged, position: Position, now: int, *, force: bool
    ) -> tuple[Result, list[Wake]]:
        if await is_retired(event.user_id, position, modified_us=event.modified_us):
            return "stale", []
        applied, changed = await apply_score(
            event.user_id,
            event.course_key,
            event.usage_key,
            points=(event.points_earned, event.points_possible),
            modified_us=event.modified_us,
        )
        if not applied:
            await self._note_stale("score.changed", event, now)
        if not changed:
            return ("unchanged" if applied else "stale"), []
        tree = await self._tree(event.course_key)
        rows = await _OF_LEARNER.rows(user_id=event.user_id, course_key=event.course_key)
        wakes = []
        for assignment_id, kind in touched_assignments(rows, event.usage_key, tree):
            await bump(assignment_id, kind=kind, now=now, debounce=self.debounce, cause=Cause(event.entry_id, force))
            wakes.append(await wake_bumped(assignment_id, now=now))
        return "applied", [wake for wake in wakes if wake is not None]

    async def _structure(self, event: CourseStructured, now: int, *, force: bool) -> Result:
        text, digest = canonical(event.tree)
        stored = await CourseStructure.get_or_none(course_key=event.course_key)
        old = None
        if stored is not None:
            if event.version < stored.version or _is_older(event.modified_us, stored.modified_us):
                return "stale"
            if event.version == stored.version:
                if digest != stored.digest:
                    raise BadEvent(f"version {event.version} of this course's structure came before, and was different")
                return "unchanged"
            old = await self._tree(event.course_key)
        await CourseStructure.update_or_create(
            {
                "version": event.version,
                "digest": digest,
                "blocks": text,
                "modified_us": event.modified_us if event.modified_us is not None else stored and stored.modified_us,
            },
            course_key=event.course_key,
        )
        await self._bump_touched(event, old, now, Cause(event.entry_id, force))
        return "applied"

    async def _bump_touched(self, event: CourseStructured, old: Tree | None, now: int, cause: Cause) -> None:
        """The sweep wakes these: a structure touches many at once."""
        touched = touched_by_change(old, event.tree)
        registered = await GradedAssignment.filter(course_key=event.course_key).distinct().values_list("usage_key")
        for usage_key in sorted(usage_key for (usage_key,) in registered if usage_key in touched):
            kind = kind_of(usage_key, event.tree)
            await bump_block(event.course_key, usage_key, kind=kind, now=now, debounce=self.debounce, cause=cause)
        await bump_waiting(event.course_key, now=now, debounce=self.debounce, cause=cause)

    async def _launch(self, launch: Registration | None, position: Position, now: int) -> tuple[Result, list[Wake]]:
        if launch is None:
            return "unchanged", []
        if await is_retired(launch.user_id, position, modified_us=launch.modified_us):
            return "stale", []
        self._check_url(launch)
        result, assignment_id = await register(launch, kind=await self._kind(launch), now=now)
        if result == "stale":
            await self._note_stale("launch", launch, now)
        wake = None if assignment_id is None else await wake_bumped(assignment_id, now=now)
        return result, [] if wake is None else [wake]

    async def _tree(self, course_key: str) -> Tree | None:
        return (await self._trees.get_many([course_key]))[course_key]

    def _check_url(self, launch: Registration) -> None:
        """What a look at the address shows; that of a name is checked again at each connection."""
        if self._egress is None:
            return
        try:
            self._egress.check_url(launch.lis_outcome_service_url)
        except EgressRefused as error:
            raise BadEvent(f"lis_outcome_service_url: {error}") from error

    async def _note_stale(self, type_: str, event: ScoreChanged | Registration, now: int) -> None:
        await note_stale(
            type_,
            user_id=event.user_id,
            course_key=event.course_key,
            usage_key=event.usage_key,
            entry_id=event.entry_id or "",
            modified_us=event.modified_us,
            now=now,
        )

    async def _kind(self, launch: Registration) -> Kind:
        tree = await self._tree(launch.course_key)
        if tree is not None and launch.usage_key in tree:
            return kind_of(launch.usage_key, tree)
        own = await read_scores(launch.user_id, launch.course_key, [launch.usage_key])
        return "leaf" if own else "composite"


def debounce(outcomes: Outcomes) -> Debounce:
    """How long a composite's grade waits, as the operator set it."""
    return Debounce(
        delay_ms=int(outcomes.composite_delay_seconds * 1000),
        ceiling_ms=int(outcomes.composite_max_delay_seconds * 1000),
    )


def kind_of(usage_key: str, tree: Tree) -> Kind:
    return "composite" if tree.has_children(usage_key) else "leaf"


def touched_assignments(rows: list[dict[str, int | str]], problem: str, tree: Tree | None) -> list[tuple[int, Kind]]:
    """
    Which of a learner's assignments in a course a change of a problem's score touches.

    Args:
        rows: ``id`` and ``usage_key`` of each assignment.
        problem: The problem's usage key.
        tree: The course, if its structure is known: without it only the problem itself is found, and the structure
            brings the others when it comes.

    Returns:
        Ids with the kind that the change makes them: of the problem itself a leaf (unless it has children), of its
        ancestors composites.
    """
    path = tree.path(problem) if tree is not None else ()
    touched: list[tuple[int, Kind]] = []
    for row in rows:
        if row["usage_key"] == problem:
            touched.append((int(row["id"]), "leaf" if tree is None else kind_of(problem, tree)))
        elif row["usage_key"] in path:
            touched.append((int(row["id"]), "composite"))
    return touched


def _is_older(said: int | None, stored: int | None) -> bool:
    return said is not None and stored is not None and said < stored

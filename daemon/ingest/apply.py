"""What each event does to the database. Runs inside intake's transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from actors.egress import Egress
from daemon.ingest.address_rules import check_address
from daemon.ingest.events import (
    AssignmentDisabled,
    CourseStructured,
    Event,
    Launched,
    LearnerStructured,
    LineItemDisabled,
    ScoreChanged,
    ScoreCleared,
    UserRetired,
)
from daemon.ingest.first_launches import block_kinds
from daemon.ingest.structure import apply_own_structure, apply_structure, kind_of
from models.assignment import Kind
from models.campus import probe_soon
from models.changes import Change, Dirty, change, read_dirty
from models.consumer import find_consumer
from models.course import CourseTrees
from models.course_tree import Tree
from models.db.sql import Statement
from models.debounce import Debounce
from models.destination import platform_named
from models.disabling import disable, disable_line_item, disable_link
from models.launch import EventResult, Registration
from models.moment import Moment
from models.registration import Registered, register
from models.retired_user import is_retired, retired_since
from models.retirement import retire
from models.score import ScoreChange, apply_scores
from models.stale_event import note_stale
from models.stream_position import Position

log = structlog.get_logger(__name__)

#: Consumer keys that are remembered, so that each is logged once.
_MAX_UNKNOWN = 1000
#: Before all events.
_NEVER = Moment(-(2**63))

_OF_LEARNERS = Statement(
    """
    SELECT id, graded_assignment.user_id AS user_id, graded_assignment.course_id AS course_id, usage_id
    FROM {given} CROSS JOIN graded_assignment
    WHERE graded_assignment.user_id = given.user_id AND graded_assignment.course_id = given.course_id""",
    given="user_id VARCHAR, course_id VARCHAR",
)


@dataclass(slots=True)
class Applier:
    """
    Applies events in stream order.

    *trees*: the cache that the senders share. *debounce* may change at any time. *egress*: where each consumer's grades
    may be sent; a launch from elsewhere is refused.
    """

    trees: CourseTrees
    debounce: Debounce
    egress: Egress | None = None
    #: Campuses from which learners were launched, for :meth:`probe`.
    probes: set[int] = field(default_factory=set)
    _unknown: set[str] = field(default_factory=set)

    async def apply(
        self, event: Event, position: Position, *, now: int, force: bool = False
    ) -> tuple[EventResult, list[Dirty]]:
        """
        Apply one event, and return its result with the assignments that it made dirty.

        *force*: grades that it changes must go out even if they equal what the campus acknowledged as far as this
        database knows, which may have been restored.

        Raises:
            BadEvent, RegistrationError: It cannot be applied.
        """
        match event:
            case ScoreChanged() | ScoreCleared():
                (result,), dirty = await self.apply_scores([event], position, now=now, force=force)
                return result, dirty
            case CourseStructured() | LearnerStructured():
                return await self._structure(event, position, now, force=force)
            case Launched(registration):
                return await self._launch(registration, position, now)
            case AssignmentDisabled(key, sourcedid):
                return await disable(key, sourcedid, moment=event.moment, now=now), []
            case LineItemDisabled():
                return await _disable(event, now), []
            case UserRetired(user_id):
                return await retire(user_id, position, moment=event.moment, now=now), []

    async def apply_scores(
        self, events: Sequence[ScoreChanged | ScoreCleared], position: Position, *, now: int, force: bool = False
    ) -> tuple[list[EventResult], list[Dirty]]:
        """Apply consecutive events in a few statements for all of them. Otherwise as :meth:`apply`."""
        retired = await retired_since({event.user_id for event in events}, position)
        current = [event for event in events if event.moment > retired.get(event.user_id, _NEVER)]
        effects = dict(
            zip(map(id, current), await apply_scores([_score_change(event) for event in current]), strict=True)
        )
        results: list[EventResult] = []
        for event in events:
            effect = effects.get(id(event))
            if effect is not None and not effect.applied:
                type_ = "score.changed" if isinstance(event, ScoreChanged) else "score.cleared"
                await self._note_stale(type_, event, now)
            if effect is None or not effect.applied:
                results.append("stale")
            else:
                results.append("applied" if effect.changed else "unchanged")
        changed = [event for event in current if effects[id(event)].changed]
        return results, await self._change(changed, now, force=force) if changed else []

    async def _change(self, events: Sequence[ScoreChanged | ScoreCleared], now: int, *, force: bool) -> list[Dirty]:
        """Change each assignment that these events touch, once."""
        by_learner: dict[tuple[str, str], list[ScoreChanged | ScoreCleared]] = {}
        for event in events:
            by_learner.setdefault((event.user_id, event.course_id), []).append(event)
        rows = await _of_learners(by_learner)
        changes: dict[int, Change] = {}
        async for learner, tree in self.trees.each(rows.keys()):
            for event in by_learner[learner]:
                for assignment_id, kind in touched_assignments(rows[learner], event.usage_id, tree):
                    before = changes[assignment_id].number if assignment_id in changes else 0
                    scored_at = event.modified_us // 1000
                    changes[assignment_id] = Change(assignment_id, kind, event.entry_id, before + 1, scored_at)
        return await change(changes.values(), now=now, debounce=self.debounce, force=force) if changes else []

    async def _structure(
        self, event: CourseStructured | LearnerStructured, position: Position, now: int, *, force: bool
    ) -> tuple[EventResult, list[Dirty]]:
        if isinstance(event, CourseStructured):
            return await apply_structure(event, self.trees, now=now, debounce=self.debounce, force=force), []
        if await is_retired(event.user_id, position, moment=event.moment):
            return "stale", []
        return await apply_own_structure(event, self.trees, now=now, debounce=self.debounce, force=force)

    async def _launch(
        self, launch: Registration | None, position: Position, now: int
    ) -> tuple[EventResult, list[Dirty]]:
        if launch is None:
            return "unchanged", []
        if await is_retired(launch.user_id, position, moment=launch.moment):
            return "stale", []
        key = await _consumer_key(launch)
        if self.egress is not None:
            check_address(launch, key, self.egress)
        block = launch.user_id, launch.course_id, launch.usage_id
        kinds = await block_kinds([block], self.trees)
        done = await register(launch, kind=kinds[block], now=now)
        if done.result == "stale":
            await self._note_stale("launch", launch, now)
        if done.probe is not None:
            self.probes.add(done.probe)
        _report(launch, done, key)
        await self._report_unknown(launch)
        dirty = None if done.assignment_id is None else await read_dirty(done.assignment_id)
        return done.result, [] if dirty is None else [dirty]

    async def probe(self) -> None:
        """Have the campuses of launches probed soon; once the transaction that applied these has ended."""
        while self.probes:
            await probe_soon(self.probes.pop())

    async def _report_unknown(self, launch: Registration) -> None:
        """Log once for each LTI 1.1 consumer from which assignments should move, and which is not known."""
        moves_from = None if launch.platform is None else launch.platform.moves_from
        if moves_from is None or moves_from in self._unknown:
            return
        consumer = await find_consumer(moves_from)
        if consumer is not None and consumer.issuer is None:
            return
        if len(self._unknown) < _MAX_UNKNOWN:
            self._unknown.add(moves_from)
        log.warning(
            "a launch over LTI 1.3 moves from a consumer that is not known: nothing moved; see that the tool sends the "
            "key that `passbackd consumer list` shows",
            oauth_consumer_key=moves_from[:64],
            entry=launch.entry_id,
        )

    async def _note_stale(self, type_: str, event: ScoreChanged | ScoreCleared | Registration, now: int) -> None:
        await note_stale(
            type_,
            user_id=event.user_id,
            course_id=event.course_id,
            usage_id=event.usage_id,
            entry_id=event.entry_id or "",
            modified_us=event.modified_us,
            now=now,
        )


async def _disable(event: LineItemDisabled, now: int) -> EventResult:
    who, learner = (event.issuer, event.client_id), event.lti_user_id
    if event.lineitem is not None:
        return await disable_line_item(*who, event.lineitem, learner, moment=event.moment, now=now)
    return await disable_link(
        *who, event.lineitems or "", event.resource_link_id or "", learner, moment=event.moment, now=now
    )


async def _consumer_key(launch: Registration) -> str:
    if launch.platform is None:
        return launch.consumer_key
    return (await platform_named(launch.platform.issuer, launch.platform.client_id)).consumer_key


def _report(launch: Registration, done: Registered, consumer_key: str) -> None:
    """Log what a launch says of its campus for the first time."""
    about = {"consumer_key": consumer_key, "entry": launch.entry_id}
    if done.new_origin is not None:
        log.warning(
            "a known consumer has a new origin: see that it is the campus's own", origin=done.new_origin, **about
        )
    if done.new_guid is not None:
        log.info("a campus's instance is on record from now on", guid=done.new_guid, **about)


def touched_assignments(
    rows: Sequence[dict[str, int | str]], problem: str, tree: Tree | None
) -> list[tuple[int, Kind]]:
    """
    Which of a learner's assignments in a course a change of a problem's score touches, by id, with their kinds.

    *rows*: ``id`` and ``usage_id`` of each assignment. *problem*: its usage id. *tree*: without it only the problem
    itself is found; the structure touches its ancestors when it arrives.
    """
    path = tree.path(problem) if tree is not None else ()
    touched: list[tuple[int, Kind]] = []
    for row in rows:
        if row["usage_id"] == problem:
            touched.append((int(row["id"]), "leaf" if tree is None else kind_of(problem, tree)))
        elif row["usage_id"] in path:
            touched.append((int(row["id"]), "composite"))
    return touched


async def _of_learners(learners: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[dict[str, int | str]]]:
    """``id`` and ``usage_id`` of the assignments of learners in courses."""
    given = [{"user_id": user_id, "course_id": course_id} for user_id, course_id in learners]
    found: dict[tuple[str, str], list[dict[str, int | str]]] = {}
    for row in await _OF_LEARNERS.rows(given=given):
        found.setdefault((row["user_id"], row["course_id"]), []).append(row)
    return found


def _score_change(event: ScoreChanged | ScoreCleared) -> ScoreChange:
    where = event.user_id, event.course_id, event.usage_id
    if isinstance(event, ScoreCleared):
        return ScoreChange(*where, 0.0, 0.0, *event.moment, cleared=True)
    return ScoreChange(*where, event.points_earned, event.points_possible, *event.moment)

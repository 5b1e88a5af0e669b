"""Who learns in the demo, and when which event says so. Pure: the same seed makes the same script."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal

from daemon.demo.course import COURSE_ID, Course

#: Seconds over which the learners come in, and from a learner's launches to the first answer.
ARRIVALS, READING = 3.0, 1.2
#: Seconds between two answers of one learner: always well below the demo's composite delay.
PAUSE = (0.2, 0.55)
#: Seconds after the last answer when some learners come back: the composite delay and some more.
BREAK = 5.0
#: One in so many learners comes back after a break to better a score, and opens a problem without answering it.
ONE_IN = 5
#: A problem is scored in quarters of what it counts.
STEPS = 4

#: ``move``: a launch over LTI 1.3 of what was launched over LTI 1.1 before. ``change``: a score that is new.
#: ``duplicate``: an event that was on the stream before. ``late``: a score that comes after a newer one of the same
#: problem.
ScriptKind = Literal["launch", "move", "change", "duplicate", "late"]


@dataclass(frozen=True, slots=True)
class CampusPlan:
    """A campus of the demo, and what it speaks; one that speaks both moves while its learners work."""

    name: str
    lti11: bool = False
    lti13: bool = False

    @property
    def moves(self) -> bool:
        """Whether launches are over LTI 1.1 at first, and later over LTI 1.3."""
        return self.lti11 and self.lti13

    @property
    def protocol(self) -> str:
        """What people see of it."""
        return "LTI 1.1, then 1.3" if self.moves else "LTI 1.3" if self.lti13 else "LTI 1.1"


CAMPUSES = (
    CampusPlan("Example University", lti11=True),
    CampusPlan("Example College", lti13=True),
    CampusPlan("Example Institute", lti11=True, lti13=True),
)


@dataclass(frozen=True, slots=True)
class Assignment:
    """
    A learner's row in the campus gradebook, for a problem, a unit or a chapter.

    *sourcedid*: what the demo calls it; LTI 1.3 names the line item of the block and the learner instead.
    """

    campus: CampusPlan
    user_id: str
    usage_id: str
    sourcedid: str
    composite: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer of one learner to one problem. *scored_at*: seconds since the beginning."""

    user_id: str
    usage_id: str
    scored_at: float
    earned: float
    possible: float


@dataclass(frozen=True, slots=True)
class Step:
    """One event that goes onto the stream *at* so many seconds after the beginning."""

    at: float
    kind: ScriptKind
    what: Assignment | Attempt


@dataclass(frozen=True, slots=True)
class Script:
    """All that the learners will do, in the order in which the stream hears of it."""

    learners: int
    assignments: tuple[Assignment, ...]
    steps: tuple[Step, ...]

    def attempts(self, *kinds: ScriptKind) -> list[Attempt]:
        """The attempts behind the steps of these *kinds*."""
        return [step.what for step in self.steps if isinstance(step.what, Attempt) and step.kind in kinds]

    def expected(self, course: Course) -> dict[str, Fraction | None]:
        """By sourcedid, the score that the campus should end up with; None: no grade at all, not even a 0."""
        earned: dict[str, dict[str, Fraction]] = {}
        for attempt in sorted(self.attempts("change", "late"), key=lambda attempt: attempt.scored_at):
            earned.setdefault(attempt.user_id, {})[attempt.usage_id] = Fraction(attempt.earned)
        return {one.sourcedid: course.share(one.usage_id, earned.get(one.user_id, {})) for one in self.assignments}


def write_script(course: Course, *, learners: int, seed: int) -> Script:
    """
    Decide what *learners* learners do in *course*.

    They are at :data:`CAMPUSES` in turn. Each launches a unit, its chapter and two problems, and then works through
    that unit and part of another; halfway, at a campus that moves, all is launched again. Some events come twice, some
    come after newer ones, and one in five learners comes back after a break.
    """
    chance = random.Random(seed)  # noqa: S311 - a script that can be repeated, not a secret
    assignments: list[Assignment] = []
    steps: list[Step] = []
    chapters = course.children(course.blocks[0].usage_id)
    for number in range(learners):
        arrival = ARRIVALS * number / learners
        chapter = chapters[number % len(chapters)]
        unit, other, unseen = chance.sample(course.children(chapter), 3)
        first, elsewhere, unopened = (course.problems(one)[0].usage_id for one in (unit, other, unseen))
        opened = [unit, chapter, first, elsewhere] + [unopened] * (number % ONE_IN == 0)
        campus = CAMPUSES[number % len(CAMPUSES)]
        own = [_assignment(course, campus, number, usage_id, chance) for usage_id in opened]
        assignments += own
        steps += [Step(arrival + 0.1 * n, "launch", one) for n, one in enumerate(own)]
        order = _order(course, unit, other) + [first] * (number % ONE_IN == 0)
        attempts = list(_answers(course, f"{1000 + number}", order, arrival + READING, chance))
        steps += _deliveries(attempts, chance)
        if campus.moves:
            halfway = attempts[len(attempts) // 2].scored_at
            steps += [Step(halfway + 0.05 * n, "move", one) for n, one in enumerate(own)]
    return Script(learners, tuple(assignments), tuple(sorted(steps, key=lambda step: step.at)))


def launch_event(assignment: Assignment, *, consumer_key: str, service_url: str) -> dict[str, str]:
    """The ``launch`` event by which a tool registers *assignment* over LTI 1.1."""
    return {
        **_launched(assignment),
        "oauth_consumer_key": consumer_key,
        "resource_link_id": f"link-{_place(assignment.usage_id)}",
        "lis_result_sourcedid": assignment.sourcedid,
        "lis_outcome_service_url": service_url,
    }


def platform_launch_event(
    assignment: Assignment, *, issuer: str, client_id: str, line_item: str, scopes: str, moves_from: str | None
) -> dict[str, str]:
    """The same over LTI 1.3. *moves_from*: the consumer key of LTI 1.1 that the launch names, which was verified."""
    place = _place(assignment.usage_id)
    moved = {"oauth_consumer_key": moves_from, "lti1p1_resource_link_id": f"link-{place}"} if moves_from else {}
    return {
        **_launched(assignment),
        **moved,
        "issuer": issuer,
        "client_id": client_id,
        "resource_link_id": f"resource-{place}",
        "lineitem": line_item,
        "scopes": scopes,
    }


def lti_user_id(assignment: Assignment) -> str:
    """What the campus calls the learner."""
    return f"campus-{assignment.user_id}"


def _launched(assignment: Assignment) -> dict[str, str]:
    return {
        "type": "launch",
        "user_id": assignment.user_id,
        "lti_user_id": lti_user_id(assignment),
        "course_id": COURSE_ID,
        "usage_id": assignment.usage_id,
        "context_title": "Physics 101",
    }


def score_event(attempt: Attempt, *, began: datetime) -> dict[str, str]:
    """The ``score.changed`` event for *attempt*, in a demo that *began* at that time."""
    return {
        "type": "score.changed",
        "user_id": attempt.user_id,
        "course_id": COURSE_ID,
        "usage_id": attempt.usage_id,
        "points_earned": f"{attempt.earned:g}",
        "points_possible": f"{attempt.possible:g}",
        "modified": (began + timedelta(seconds=attempt.scored_at)).isoformat(timespec="milliseconds"),
    }


def _place(usage_id: str) -> str:
    return usage_id.rpartition("@")[2][:12]


def _assignment(course: Course, campus: CampusPlan, number: int, usage_id: str, chance: random.Random) -> Assignment:
    # A sourcedid as Moodle makes it: JSON, with quotes; and with markup, which a careless tool does not escape.
    data = {"instanceid": _place(usage_id), "userid": f"{1000 + number}", "typeid": "<7&>"}
    sourcedid = json.dumps({"data": data, "hash": f"{chance.getrandbits(256):064x}"}, separators=(",", ":"))
    return Assignment(campus, f"{1000 + number}", usage_id, sourcedid, composite=len(course.problems(usage_id)) > 1)


def _order(course: Course, unit: str, other: str) -> list[str]:
    """The problems in the order of the answers: each of the unit at least twice, and two of the other one."""
    easy, middle, hard = (problem.usage_id for problem in course.problems(unit))
    elsewhere, aside, _ = (problem.usage_id for problem in course.problems(other))
    return [easy, easy, middle, hard, middle, hard, hard, elsewhere, aside, elsewhere]


def _answers(course: Course, user_id: str, order: list[str], start: float, chance: random.Random) -> Iterator[Attempt]:
    """An attempt for each problem of *order*, whose scores all differ; an eleventh comes after a break."""
    points: Mapping[str, float] = {block.usage_id: block.points or 0 for block in course.blocks}
    quarters = {
        usage_id: iter(chance.sample(range(STEPS + 1), order.count(usage_id))) for usage_id in dict.fromkeys(order)
    }
    clock = start
    for number, usage_id in enumerate(order):
        clock += BREAK if number == 10 else chance.uniform(*PAUSE)
        possible = points[usage_id]
        yield Attempt(user_id, usage_id, clock, possible * next(quarters[usage_id]) / STEPS, possible)


def _deliveries(attempts: list[Attempt], chance: random.Random) -> list[Step]:
    steps = [Step(attempt.scored_at, "change", attempt) for attempt in attempts]
    # The second of three answers to the hard problem gets lost on the way, and arrives after the third.
    steps[5] = Step(attempts[6].scored_at + chance.uniform(0.1, 2), "late", attempts[5])
    repeated = chance.sample([step for step in steps if step.kind == "change"], 2)
    return steps + [Step(step.at + chance.uniform(0.05, 2), "duplicate", step.what) for step in repeated]

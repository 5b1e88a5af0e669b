"""Who learns in the demo, and when which event says so. Pure: the same seed makes the same script."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from daemon.demo.course import COURSE_ID, Block, Points, earned_in

#: Seconds over which the learners come in, one after the other.
ARRIVALS = 3.0

#: Seconds from a learner's launches to the first answer.
READING = 1.2

#: Seconds between two answers of one learner: always well below the demo's composite delay.
PAUSE = (0.2, 0.55)

#: Seconds after the last answer when some learners come back: the composite delay and some more.
BREAK = 5.0

#: One in so many learners comes back after a break to better a score; these are the ones who came first.
RETURNING = 5

#: One in so many learners opens a graded problem and never answers it.
BROWSING = 5

#: A problem is scored in quarters of what it counts.
STEPS = 4


class Kind(StrEnum):
    """What a delivery is to the daemon."""

    LAUNCH = "launch"
    #: A score that is news.
    CHANGE = "change"
    #: An event that was on the stream before, word for word.
    DUPLICATE = "duplicate"
    #: A score that comes after a newer one of the same problem.
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Assignment:
    """A learner's line in the campus gradebook, for a problem or for a block that holds several."""

    user_id: str
    block: Block
    sourcedid: str
    resource_link_id: str

    @property
    def composite(self) -> bool:
        """Whether several problems make up the grade."""
        return self.block.points is None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer of one learner to one problem."""

    user_id: str
    usage_id: str
    #: When it was scored, in seconds since the beginning.
    scored: float
    earned: float
    possible: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way onto the stream, *at* so many seconds after the beginning."""

    at: float
    kind: Kind
    what: Assignment | Attempt


@dataclass(frozen=True, slots=True)
class Script:
    """All that the learners will do, in the order in which the stream hears of it."""

    learners: int
    assignments: tuple[Assignment, ...]
    deliveries: tuple[Delivery, ...]

    def attempts(self, *kinds: Kind) -> list[Attempt]:
        """Return the attempts behind the deliveries of these *kinds*."""
        return [d.what for d in self.deliveries if isinstance(d.what, Attempt) and d.kind in kinds]

    def changes_under(self) -> dict[str, int]:
        """Count, by sourcedid, the changes of score that touch each assignment."""
        changed: dict[tuple[str, str], int] = {}
        for attempt in self.attempts(Kind.CHANGE):
            place = attempt.user_id, attempt.usage_id
            changed[place] = changed.get(place, 0) + 1
        return {
            a.sourcedid: sum(changed.get((a.user_id, problem.usage_id), 0) for problem in a.block.problems())
            for a in self.assignments
        }

    def earned(self) -> dict[str, Fraction | None]:
        """
        Work out, by sourcedid, the score that the campus should end up with.

        ``None``: the learner tried nothing there, so that there must be no grade at all, not even a 0.
        """
        newest: dict[tuple[str, str], Attempt] = {}
        for attempt in self.attempts(Kind.CHANGE, Kind.LATE):
            place = attempt.user_id, attempt.usage_id
            if place not in newest or attempt.scored > newest[place].scored:
                newest[place] = attempt
        by_user: dict[str, dict[str, Points]] = {}
        for (user_id, usage_id), attempt in newest.items():
            points = Points(Fraction(attempt.earned), Fraction(attempt.possible))
            by_user.setdefault(user_id, {})[usage_id] = points
        return {a.sourcedid: _share(a.block, by_user.get(a.user_id, {})) for a in self.assignments}


def write_script(course: Block, *, learners: int, seed: int) -> Script:
    """
    Decide what *learners* learners do in *course*.

    Each of them launches two problems, a unit and a chapter, and then works through that unit and part of another
    in one go. Some events come twice, some come after newer ones, and the first learners come back after a break.
    """
    chance = random.Random(seed)  # noqa: S311 - a script that can be repeated, not a secret
    assignments: list[Assignment] = []
    deliveries: list[Delivery] = []
    for number in range(learners):
        arrival = ARRIVALS * number / learners
        mine = list(_assignments(course, number, chance))
        assignments += mine
        deliveries += [Delivery(arrival + 0.1 * n, Kind.LAUNCH, a) for n, a in enumerate(mine)]
        returns = number < learners / RETURNING
        deliveries += _work(mine, arrival + READING, chance, returns=returns)
    deliveries.sort(key=lambda delivery: delivery.at)
    return Script(learners, tuple(assignments), tuple(deliveries))


def launch_event(assignment: Assignment, *, consumer_key: str, service_url: str) -> dict[str, str]:
    """Write the ``launch`` event by which a tool registers *assignment*."""
    return {
        "type": "launch",
        "oauth_consumer_key": consumer_key,
        "user_id": assignment.user_id,
        "lti_user_id": f"campus-{assignment.user_id}",
        "course_id": COURSE_ID,
        "usage_id": assignment.block.usage_id,
        "resource_link_id": assignment.resource_link_id,
        "lis_result_sourcedid": assignment.sourcedid,
        "lis_outcome_service_url": service_url,
        "context_title": "Physics 101",
    }


def score_event(attempt: Attempt, *, began: datetime) -> dict[str, str]:
    """Write the ``score.changed`` event for *attempt*, in a play that *began* at that time."""
    return {
        "type": "score.changed",
        "user_id": attempt.user_id,
        "course_id": COURSE_ID,
        "usage_id": attempt.usage_id,
        "points_earned": f"{attempt.earned:g}",
        "points_possible": f"{attempt.possible:g}",
        "modified": (began + timedelta(seconds=attempt.scored)).isoformat(timespec="milliseconds"),
    }


def _share(block: Block, attempted: Mapping[str, Points]) -> Fraction | None:
    if not any(problem.usage_id in attempted for problem in block.problems()):
        return None
    return earned_in(block, attempted).share


def _assignments(course: Block, number: int, chance: random.Random) -> Iterator[Assignment]:
    chapter = course.children[number % len(course.children)]
    units = [unit for sequence in chapter.children for unit in sequence.children]
    worked, other, *unseen = chance.sample(units, len(units))
    # The order matters: _work takes the first four apart again.
    blocks = [worked, chapter, worked.problems()[0], other.problems()[0]]
    if number % BROWSING == 0:
        blocks.append(unseen[0].problems()[0])
    for block in blocks:
        link = block.usage_id.rpartition("@")[2][:12]
        yield Assignment(f"{1000 + number}", block, _sourcedid(number, link, chance), f"link-{link}")


def _sourcedid(number: int, link: str, chance: random.Random) -> str:
    """Make a sourcedid in the way of Moodle: JSON, with quotes; and with markup, which a careless tool trips over."""
    data = {"instanceid": link, "userid": f"{1000 + number}", "typeid": "<7&>", "launchid": chance.randrange(10**9)}
    return json.dumps({"data": data, "hash": f"{chance.getrandbits(256):064x}"}, separators=(",", ":"))


def _work(mine: Sequence[Assignment], start: float, chance: random.Random, *, returns: bool) -> list[Delivery]:
    """Let one learner answer, from *start* on: every problem of the unit at least twice, and two of another unit."""
    unit, chapter, _, elsewhere = (assignment.block for assignment in mine[:4])
    user_id = mine[0].user_id
    easy, middle, hard = unit.problems()
    other = next(u for s in chapter.children for u in s.children if elsewhere in u.children)
    aside = other.problems()[1]

    order = [easy, easy, middle, hard, middle, hard, hard, elsewhere, aside, elsewhere]
    if returns:
        order.append(easy)
    quarters = {problem: iter(chance.sample(range(STEPS + 1), order.count(problem))) for problem in set(order)}
    attempts: list[Attempt] = []
    clock = start
    for n, problem in enumerate(order):
        clock += BREAK if returns and n == len(order) - 1 else chance.uniform(*PAUSE)
        possible = problem.points or 0.0
        attempts.append(Attempt(user_id, problem.usage_id, clock, possible * next(quarters[problem]) / STEPS, possible))

    # The second of three answers to the hard problem gets lost on the way, and is heard of after the third.
    held_up = [n for n, problem in enumerate(order) if problem is hard][1]
    deliveries = [Delivery(attempt.scored, Kind.CHANGE, attempt) for attempt in attempts]
    deliveries[held_up] = Delivery(attempts[held_up + 1].scored + chance.uniform(0.1, 2), Kind.LATE, attempts[held_up])
    repeated = chance.sample([d for d in deliveries if d.kind is Kind.CHANGE], 2)
    return deliveries + [Delivery(d.at + chance.uniform(0.05, 2), Kind.DUPLICATE, d.what) for d in repeated]

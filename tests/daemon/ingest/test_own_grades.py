"""What the campus gets of units of which each learner is shown a part: problem banks, cohorts, split tests."""

import json
from functools import partial
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tortoise.transactions import in_transaction

from daemon.ingest.apply import Applier
from daemon.ingest.parse import read_event
from models.stream_position import read_position
from tests.actors.campuses import known
from tests.actors.posting import outcome_session
from tests.actors.sending import KEY, PATH, SECRET, Sending, fixed_clock, make_campus
from tests.daemon.ingest.reading import DEBOUNCE, raw
from tests.fakes.lms import RecordingLms

LEARNERS = ("ann", "bob", "eve")
COURSES = (f"course {number}" for number in count())
#: Of each block of a unit: the groups of problems that it holds, by their points. A learner is shown one of them.
POINTS = st.lists(st.integers(1, 9), max_size=4)
BLOCK = st.fixed_dictionaries(
    {"kind": st.sampled_from(["plain", "bank", "cohort", "split"]), "groups": st.tuples(POINTS, POINTS)}
)
UNITS = st.lists(st.lists(BLOCK, min_size=1, max_size=3), min_size=1, max_size=3)


class Course:
    """A tool with one course: says what it holds, and sends what is due of it."""

    def __init__(self, lms, sending):
        self.id = next(COURSES)
        self.lms, self.sending, self.url = lms, sending, lms.url(PATH)
        self.applier = Applier(sending.trees, DEBOUNCE)
        self.version = self.entries = 0

    async def say(self, type_, **fields):
        """The ids of the assignments that this makes dirty."""
        self.entries += 1
        event = {"type": type_, "course_id": self.id, **fields}
        read = read_event(f"{self.sending.now}-{self.entries}", raw(event), now=self.sending.now)
        async with in_transaction():
            _, dirty = await self.applier.apply(read, await read_position(), now=self.sending.now)
        return {one.assignment_id for one in dirty}

    async def shows(self, units, user=None):
        """*units*: problems with their points, by unit; to a learner, or by the course's tree."""
        self.version += 1
        blocks = [{"usage_id": "root", "parent": None}]
        for unit, problems in units.items():
            blocks.append({"usage_id": unit, "parent": "root"})
            blocks += [{"usage_id": one, "parent": unit, "points_possible": most} for one, most in problems.items()]
        whose = {} if user is None else {"user_id": user}
        return await self.say("course.structure", version=self.version, blocks=json.dumps(blocks), **whose)

    async def launch(self, user, unit):
        """The id of the assignment."""
        place = {"lis_result_sourcedid": self.sourcedid(user, unit), "lis_outcome_service_url": self.url}
        (assignment,) = await self.say("launch", user_id=user, usage_id=unit, oauth_consumer_key=KEY, **place)
        return assignment

    async def score(self, user, problem, earned, possible):
        points = {"points_earned": earned, "points_possible": possible}
        await self.say("score.changed", user_id=user, usage_id=problem, **points)

    def sourcedid(self, user, unit):
        return f"{self.id}/{user}/{unit}"

    async def settle(self):
        """All that is due is sent."""
        self.sending.tick(60)
        await self.sending.work_off()

    def held(self, user, unit):
        """What the campus has; None for no grade."""
        return (self.lms.scores(self.sourcedid(user, unit)) or [None])[-1]


@pytest.fixture
async def make_course(empty_database):
    async with RecordingLms(keys={KEY: SECRET}) as lms, outcome_session(5.0) as session:
        await known(await make_campus(lms.url(PATH)))
        sending = Sending(session, await fixed_clock())
        yield lambda: Course(lms, sending)


def problems(prefix, points):
    return {f"{prefix}{number}": one for number, one in enumerate(points)}


BANK = problems("bank ", [1] * 20)
OF_ALL, OF_COHORT = {"p": 2}, {"cohort's": 6}
TESTED = {"a": {"a 1": 1, "a 2": 1}, "b": {"b 1": 8}}


@pytest.mark.parametrize(
    ("common", "own", "scores", "grade", "of_another"),
    [
        pytest.param(
            BANK,
            {f"bank {number}": 1 for number in (2, 3, 5, 7, 11)},
            {"bank 2": 1, "bank 7": 0.5},
            "0.3",
            "0.075",
            id="of a problem bank of 20 the learner is shown five",
        ),
        pytest.param(
            OF_ALL, OF_ALL | OF_COHORT, {"p": 1, "cohort's": 3}, "0.5", "0.5", id="a cohort sees problems of its own"
        ),
        pytest.param(OF_ALL | OF_COHORT, OF_ALL, {"p": 1}, "0.5", "0.125", id="a cohort does not see some problems"),
        pytest.param(
            TESTED["a"] | TESTED["b"],
            TESTED["b"],
            {"b 1": 2, "a 1": 1},
            "0.25",
            "0.3",
            id="in a split test, of one group of which an answer of the other no longer counts",
        ),
    ],
)
async def test_a_units_grade_is_the_sum_over_the_learners_own_problems(
    make_course, common, own, scores, grade, of_another
):
    course = make_course()
    await course.shows({"unit": common})
    await course.shows({"unit": own}, "ann")
    for user in ("ann", "bob"):
        await course.launch(user, "unit")
        for problem, earned in scores.items():
            await course.score(user, problem, earned, (common | own)[problem])
    await course.settle()
    assert (course.held("ann", "unit"), course.held("bob", "unit")) == (grade, of_another)


def shown(units, choose):
    """What the course holds, and what a learner is shown of it: both are problems with points, by unit."""
    whole, own = {}, {}
    for number, blocks in enumerate(units):
        unit = f"unit {number}"
        whole[unit], own[unit] = {}, {}
        for place, block in enumerate(blocks):
            groups = [problems(f"{unit}/{place}/{group}/", points) for group, points in enumerate(block["groups"])]
            both = groups[0] | groups[1]
            whole[unit] |= both
            match block["kind"]:
                case "plain":
                    own[unit] |= both
                case "bank":
                    own[unit] |= {one: points for one, points in both.items() if choose(st.booleans())}
                case "cohort":
                    own[unit] |= both if choose(st.booleans()) else {}
                case _:
                    own[unit] |= groups[choose(st.integers(0, 1))]
    return whole, own


def expected(problems, earned):
    """The sum, worked out apart from the code under test; *earned* by problem."""
    if not earned.keys() & problems.keys():
        return None
    points = sum(earned.get(one, 0) for one in problems) / sum(problems.values())
    return f"{points:.6f}".rstrip("0").rstrip(".") or "0"


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(units=UNITS, data=st.data())
async def test_whatever_is_said_in_whatever_order_each_grade_is_the_sum_over_the_learners_own_problems(
    make_course, units, data
):
    course, choose = make_course(), data.draw
    whole, _ = shown(units, choose)
    own = {user: shown(units, choose)[1] for user in LEARNERS if choose(st.booleans())}
    points = {one: most for problems in whole.values() for one, most in problems.items()}
    earned = {user: {one: choose(st.integers(0, most)) for one, most in points.items()} for user in LEARNERS}
    for answers in earned.values():
        for one in [one for one in answers if choose(st.booleans())]:
            del answers[one]
    ids = {}

    async def launch(user, unit):
        ids[user, unit] = await course.launch(user, unit)

    says = [partial(course.shows, whole), *(partial(course.shows, problems, user) for user, problems in own.items())]
    says += [partial(launch, user, unit) for user in LEARNERS for unit in whole]
    says += [
        partial(course.score, user, one, got, points[one]) for user in LEARNERS for one, got in earned[user].items()
    ]
    for say in choose(st.permutations(says)):
        await say()

    async def check():
        before = {where: course.held(*where) for where in ids}
        await course.settle()
        for user, unit in ids:
            grade = expected(own.get(user, whole)[unit], earned[user])
            # Where no answer counts any more, no 0 is sent, and the campus keeps what it has.
            assert course.held(user, unit) == (before[user, unit] if grade is None else grade)

    await check()
    user = choose(st.sampled_from(LEARNERS))
    before, (_, own[user]) = own.get(user, whole), shown(units, choose)
    changed = {unit for unit in whole if before[unit] != own[user][unit]}
    assert await course.shows(own[user], user) == {ids[user, unit] for unit in changed}
    await check()

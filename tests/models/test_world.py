"""
The promise, tried at random in a small world: several grades and campuses, launches, structures, parking and limits.

What holds, and what is taken for granted, is in :mod:`tests.models.world`; one assignment alone is tried in finer steps
in :mod:`tests.models.test_life`.
"""

from functools import partial

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.models.simulated_daemons import DEADLINE, HOLD, LEASE
from tests.models.state_machine_runner import WHICH, play, step
from tests.models.world import World
from tests.models.world_campuses import CHAPTER, CONSUMERS, PROBLEMS, STRUCTURES, place_of
from tests.models.world_end import end_well
from tests.models.world_steps import FATES, GOOD, WorldSteps
from tests.models.world_tool import ABSENT, NOW, TIED

#: On each database.
LEAST_STEPS = 450

FATE = st.sampled_from(sorted(FATES))
TROUBLE = st.sampled_from(
    ["campus is silent", "campus is not there", "finds no connection", "campus rejects the signature"]
)
STOP = st.sampled_from(["stops after its claim", "stops before it sends", "stops while it sends"])
PROBE = st.sampled_from([GOOD, "stops while it sends", "crashes before it sends", "campus is silent"])
SLOW = st.sampled_from(["stops before it sends", "campus is processing"])
LATE = st.sampled_from(["stops while it sends", "crashes while it sends", "campus is silent", "campus breaks"])
CONSUMER = st.sampled_from(CONSUMERS)
USER = st.sampled_from(["ann", "ann", "bob"])
BLOCK = st.sampled_from([CHAPTER, "p1"])
PROBLEM = st.sampled_from(PROBLEMS)
EARNED = st.integers(0, 2)
SCORE = st.one_of(st.none(), st.tuples(USER, PROBLEM, EARNED))
HOUR, YEAR = 3_600_000, 31_536_000_000
TIME = st.sampled_from([1, 1_000, DEADLINE, HOLD, LEASE, HOUR])
CLOCK = st.sampled_from([by * way for by in (3_000, HOUR, YEAR) for way in (1, -1)])
#: How a row goes, or leaves its cell.
DOOR = st.sampled_from(["removed", "retired", "freed", "moved", "other consumer"])
#: When its attempt ends, and how.
ENDS = st.tuples(
    st.sampled_from(["before", "after", "later"]), st.sampled_from(["campus is processing", "campus is silent", GOOD])
)
#: What is said of one learner and one sourcedid at one time.
SAID = st.lists(
    st.sampled_from(["launch", "other launch", "disable", "retire", "score", "other score"]), min_size=2, max_size=6
)


class WorldMachine(WorldSteps):
    """Chooses the steps."""

    @step(
        initialize,
        known=st.booleans(),
        earned=EARNED,
        delivered=st.booleans(),
        both=st.booleans(),
        most=st.sampled_from([2, 8]),
        caught_up=st.booleans(),
        ahead=st.sampled_from([0, 0, YEAR]),
    )
    async def begin(self, known, earned, delivered, both, most, caught_up, ahead):
        await self.runner.clear()
        self.model = World(self.runner.logs, max_per_campus=most, caught_up=caught_up)
        world = self.world
        await world.start()
        if ahead:
            await world.step_clock(ahead, seen_by=0)
        if known:
            await world.structure("whole")
        await world.score("ann", "p1", earned)
        await self._launch("north", "ann", CHAPTER)
        await self._launch("north" if both else "south", "ann", "p1")
        if both:
            await world.score("bob", "p1", earned)
            await self._launch("north", "bob", "p1")
        if delivered:
            for row in list(world.rows.values()):
                await self._pass_on(row, GOOD, 0)

    def teardown(self):
        if self.model is not None:
            try:
                self.runner.run(end_well(self.world))
                assert not any("exc_info" in entry for entry in self.runner.logs), "a daemon logged a fault"
            finally:
                self.runner.run(self.world.close())

    # --- What the tool says ---

    @step(user=USER, problem=PROBLEM, earned=EARNED, ago=st.sampled_from([None, None, 0, 1]))
    async def a_score(self, user, problem, earned, ago):
        await self.world.score(user, problem, earned, ago=ago)

    @step(name=st.sampled_from(sorted(STRUCTURES)), stale=st.booleans())
    async def a_structure(self, name, stale):
        await self.world.structure(name, stale=stale and self.world.expected.blocks is not None)

    @step(user=USER, name=st.sampled_from([*sorted(STRUCTURES), None]), stale=st.booleans())
    async def a_structure_of_a_learners_own(self, user, name, stale):
        await self.world.own_structure(user, name, stale=stale)

    @rule(when=st.sampled_from([NOW, NOW, TIED, ABSENT]))
    def the_tool_gives_other_times(self, when):
        self.world.when = when

    @step(lost=st.integers(0, 8))
    async def the_stream_loses_its_newest_entries_and_is_read_again(self, lost):
        await self.world.read_again(lost=lost)

    @step(user=USER, problem=PROBLEM, lost=st.integers(1, 2), when=st.sampled_from([TIED, ABSENT]))
    async def several_scores_have_one_time_and_are_read_again(self, user, problem, lost, when):
        await self._at_one_time(when, (partial(self.world.score, user, problem, earned) for earned in (0, 2, 1, 0)))
        await self.world.read_again(lost=lost)

    @step(user=USER, said=SAID, lost=st.integers(0, 4), when=st.sampled_from([TIED, ABSENT]))
    async def several_events_have_one_time_and_are_read_again(self, user, said, lost, when):
        world = self.world
        place = world.place("north", user, "p1")
        says = {
            "launch": partial(world.launch, place, user, "p1"),
            "other launch": partial(world.launch, world.place("north", user, "p1", another=True), user, "p1"),
            "disable": partial(world.disable, place),
            "retire": partial(world.retire, user),
            "score": partial(world.score, user, "p1", 0),
            "other score": partial(world.score, user, "p1", 1),
        }
        world.pass_time(1)
        await self._at_one_time(when, (says[one] for one in said))
        await world.read_again(lost=lost)
        await self._relaunch(user)

    @step(campus=CONSUMER, user=USER, block=BLOCK, service=st.sampled_from([0, 0, 1, 2]), another=st.booleans())
    async def a_launch(self, campus, user, block, service, another):
        await self._launch(campus, user, block, service=service, another=another)

    @step(which=WHICH, grade=st.one_of(st.none(), st.tuples(USER, BLOCK)))
    async def a_sourcedid_comes_again_perhaps_for_another_grade(self, which, grade):
        place = self.world.places[which % len(self.world.places)]
        owner = self.world.expected.owners.get(place)
        user, block = grade or ((owner.user, owner.block) if owner else ("ann", "p1"))
        await self.world.launch(place, user, block)

    @step(ago=st.sampled_from([0, 1]), another=st.booleans())
    async def a_launch_comes_again(self, ago, another):
        await self.world.launch_again(ago=ago, another=another)

    @step(which=WHICH, other=WHICH, fate=LATE, earned=EARNED)
    async def a_sourcedid_is_mistaken_and_comes_back(self, which, other, fate, earned):
        row = self._row(which)
        siblings = [other for other in self.world.rows.values() if place_of(other)[:2] == place_of(row)[:2]]
        siblings.remove(row)
        if siblings:
            await self._attempt(row, fate, 0)
            await self.world.score(row["user_id"], "p1", earned)
            for mine in (siblings[other % len(siblings)], row):
                await self.world.launch(place_of(mine), row["user_id"], row["usage_id"])

    @step(which=WHICH)
    async def a_sourcedid_is_disabled(self, which):
        await self.world.disable(place_of(self._row(which)))

    @step(user=USER)
    async def a_learner_is_retired(self, user):
        await self.world.retire(user)
        await self._relaunch(user)

    @step(which=WHICH, fate=st.one_of(LATE, SLOW), door=DOOR, clock=st.one_of(st.none(), CLOCK), ends=ENDS)
    async def a_row_leaves_its_cell_to_another_one(self, which, fate, door, clock, ends):
        world, row, (when, how) = self.world, self._row(which), ends
        world.when, place = NOW, place_of(row)
        await self._attempt(row, fate, which)
        earned = int(world.expected.scores.get((row["user_id"], "p1"), (0,))[0])
        new, user = await self._leave_cell(row, door)
        if when == "before":
            await self._end_attempts(place, how)
        await world.score(user, "p1", (earned + 1) % 3)
        await world.launch(new, user, row["usage_id"])
        if clock is not None:
            await world.step_clock(clock, seen_by=which)
        if when == "after":
            await self._end_attempts(place, how)
        for mine in [mine for mine in world.rows.values() if place_of(mine) == new]:
            await self._pass_on(mine, GOOD, which)
        if late := world.campus.next_to_land():
            world.land(late)

    @step(by=CLOCK, which=WHICH)
    async def the_databases_clock_steps(self, by, which):
        await self.world.step_clock(by, seen_by=which)

    @precondition(lambda self: self.world.attempts)
    @step(by=CLOCK, which=WHICH, fate=FATE)
    async def the_databases_clock_steps_while_an_attempt_is_under_way(self, by, which, fate):
        attempt = self.world.attempts[which % len(self.world.attempts)]
        await self.world.step_clock(by, seen_by=which + 1)
        await self._meet(attempt, fate)
        row = self.world.rows.get(attempt.assignment_id)
        if row is not None:
            await self._pass_on(row, GOOD, which + 1)

    # --- What the operator does ---

    @step(campus=CONSUMER, what=st.sampled_from(["correct", "pause", "resume", "resume", "remove"]))
    async def the_operator_comes(self, campus, what):
        await getattr(self.world, what)(campus)
        if not self.world.rows:
            await self._relaunch("ann")

    # --- Time, messages and daemons ---

    @rule(milliseconds=TIME)
    def time_passes(self, milliseconds):
        self.world.pass_time(milliseconds)

    @step(which=WHICH, fate=FATE, other=FATE, arrive=st.booleans())
    async def the_dispatcher_comes_and_perhaps_its_messages_arrive(self, which, fate, other, arrive):
        if arrive:
            self.world.messages.clear()
        await self.world.dispatch(which)
        if arrive:
            for number in range(len(self.world.messages)):
                await self._take_message(which + number, fate, other)

    @precondition(lambda self: self.world.messages)
    @step(which=WHICH, fate=FATE, other=FATE)
    async def a_message_comes(self, which, fate, other):
        await self._take_message(which, fate, other)

    @rule()
    def everything_restarts(self):
        self.world.restart()

    @rule()
    def a_daemon_joins(self):
        self.world.join()

    # --- Attempts ---

    @step(score=SCORE, which=WHICH, fate=FATE, daemon=WHICH)
    async def an_attempt(self, score, which, fate, daemon):
        if score is not None:
            await self.world.score(*score)
        await self._attempt(self._row(which), fate, daemon)

    @step(daemon=WHICH)
    async def good_attempts(self, daemon):
        for row in list(self.world.rows.values()):
            await self._pass_on(row, GOOD, daemon)

    @step(campus=CONSUMER, fate=TROUBLE, probe=st.one_of(st.none(), PROBE), daemon=WHICH)
    async def a_campus_is_away_and_then_probed_or_a_learner_comes_from_there(self, campus, fate, probe, daemon):
        for user in ("ann", "bob"):
            await self._launch(campus, user, "p1")
        rows = [row for row in self.world.rows.values() if row["consumer_key"] == campus]
        for row in rows:
            await self._attempt(row, fate, daemon)
        if probe is None:
            await self._launch(campus, "bob", "p1")
        elif rows:  # none if the launches are older than a retirement
            await self.world.wait_for_campuses()
            await self._attempt(rows[-1], probe, daemon)

    @precondition(lambda self: self.world.attempts)
    @step(score=SCORE, which=WHICH, fate=FATE)
    async def an_attempt_goes_on(self, score, which, fate):
        if score is not None:
            await self.world.score(*score)
        await self._meet(self.world.attempts[which % len(self.world.attempts)], fate)

    @precondition(lambda self: self.world.attempts)
    @step(which=WHICH, daemon=WHICH, fate=FATE)
    async def an_attempt_is_overtaken_and_goes_on(self, which, daemon, fate):
        await self._overtake(self.world.attempts[which % len(self.world.attempts)], daemon, fate)

    @step(which=WHICH, daemon=WHICH, stop=STOP, is_overtaken=st.booleans(), fate=st.one_of(st.just(GOOD), FATE))
    async def a_slow_attempt_goes_on_after_a_change(self, which, daemon, stop, is_overtaken, fate):
        row = self._row(which)
        await self._attempt(row, stop, daemon)
        for attempt in [attempt for attempt in self.world.attempts if attempt.assignment_id == row["id"]][-1:]:
            if is_overtaken:
                await self._overtake(attempt, daemon + 1, fate)
            else:
                await self._other_score(row["user_id"])
                await self._meet(attempt, fate)


@pytest.mark.timeout(400)
def test_every_campus_ends_up_with_the_newest_scores_whatever_happens(shared_url):
    assert play(WorldMachine, shared_url, number=1, runs=24, steps=25) >= LEAST_STEPS

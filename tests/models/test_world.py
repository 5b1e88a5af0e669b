"""
The promise, tried at random in a small world: several grades and campuses, launches, structures, parking and limits.

What holds, and what is taken for granted, is in :mod:`tests.models.world`; one assignment alone is tried in finer steps
in :mod:`tests.models.test_life`.
"""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.models.rows import address_of, may_come_due
from tests.models.simulated_daemons import DEADLINE, HOLD, LEASE, Attempt, Stage
from tests.models.state_machine_runner import WHICH, Machine, play, step
from tests.models.world import World
from tests.models.world_campuses import ANSWERS, CHAPTER, PROBLEMS, SERVICES, STRUCTURES, campus_of
from tests.models.world_end import end_well

#: On each database.
LEAST_STEPS = 1_500

#: What becomes of an attempt: how far it comes, and what happens then.
FATES: dict[str, tuple[Stage, str]] = {
    "stops after its claim": (Stage.CLAIMED, ""),
    "stops before it sends": (Stage.READY, ""),
    "stops while it sends": (Stage.SENT, ""),
    "is stored, then stops": (Stage.SENT, "stored"),
    "is stored, and crashes": (Stage.SENT, "stored, crash"),
    "crashes while it sends": (Stage.SENT, "crash"),
    "crashes before it sends": (Stage.READY, "crash"),
    "finds no connection": (Stage.READY, "no connection"),
    **{f"campus {how}": (Stage.SENT, how) for how in ANSWERS},
}
FATE = st.sampled_from(sorted(FATES))
GOOD = "campus accepts"
TROUBLE = st.sampled_from(
    ["campus is silent", "campus is not there", "finds no connection", "campus rejects the signature"]
)
STOP = st.sampled_from(["stops after its claim", "stops before it sends", "stops while it sends"])
PROBE = st.sampled_from([GOOD, "stops while it sends", "crashes before it sends", "campus is silent"])
LATE = st.sampled_from(["stops while it sends", "crashes while it sends", "campus is silent", "campus breaks"])
CAMPUS = st.sampled_from(sorted(SERVICES))
USER = st.sampled_from(["ann", "ann", "bob"])
BLOCK = st.sampled_from([CHAPTER, "p1"])
PROBLEM = st.sampled_from(PROBLEMS)
EARNED = st.integers(0, 2)
SCORE = st.one_of(st.none(), st.tuples(USER, PROBLEM, EARNED))
TIME = st.sampled_from([1, 1_000, DEADLINE, HOLD, LEASE, 3_600_000])


class WorldMachine(Machine):
    """Chooses the steps."""

    @property
    def world(self) -> World:
        return self.model

    @step(
        initialize,
        known=st.booleans(),
        earned=EARNED,
        delivered=st.booleans(),
        both=st.booleans(),
        most=st.sampled_from([2, 8]),
        caught_up=st.booleans(),
    )
    async def begin(self, known, earned, delivered, both, most, caught_up):
        await self.runner.clear()
        self.model = World(self.runner.logs, max_per_campus=most, caught_up=caught_up)
        world = self.world
        await world.start()
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

    async def _launch(self, campus, user, block, **options):
        await self.world.launch(campus, user, block, self.world.address(campus, user, block, **options))

    @step(campus=CAMPUS, user=USER, block=BLOCK, service=st.sampled_from([0, 0, 1, 2]), another=st.booleans())
    async def a_launch(self, campus, user, block, service, another):
        await self._launch(campus, user, block, service=service, another=another)

    @step(which=WHICH, grade=st.one_of(st.none(), st.tuples(USER, BLOCK)))
    async def a_sourcedid_comes_again_perhaps_for_another_grade(self, which, grade):
        row = self._row(which)
        user, block = grade or (row["user_id"], row["usage_id"])
        await self.world.launch(campus_of(row), user, block, address_of(row))

    @step(ago=st.sampled_from([0, 1]), another=st.booleans())
    async def a_launch_comes_again(self, ago, another):
        await self.world.launch_again(ago=ago, another=another)

    @step(which=WHICH, other=WHICH, fate=LATE, earned=EARNED)
    async def a_sourcedid_is_mistaken_and_comes_back(self, which, other, fate, earned):
        row = self._row(which)
        siblings = [other for other in self.world.rows.values() if other["url"] == row["url"] and other != row]
        if siblings:
            await self._attempt(row, fate, 0)
            await self.world.score(row["user_id"], "p1", earned)
            for mine in (siblings[other % len(siblings)], row):
                await self.world.launch(campus_of(row), row["user_id"], row["usage_id"], address_of(mine))

    @step(which=WHICH)
    async def a_sourcedid_is_disabled(self, which):
        await self.world.disable(which)

    @step(user=USER)
    async def a_learner_is_retired(self, user):
        await self.world.retire(user)
        await self._launch("north", user, "p1")
        if not self.world.rows:
            self.world.pass_time(LEASE)
            await self._launch("north", user, "p1")

    # --- What the operator does ---

    @step(campus=CAMPUS, what=st.sampled_from(["correct", "pause", "resume", "resume"]))
    async def the_operator_comes(self, campus, what):
        await getattr(self.world, what)(campus)

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

    async def _take_message(self, which, *fates):
        for number, attempt in enumerate(await self.world.take_message(which)):
            await self._meet(attempt, fates[number % len(fates)])

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

    @step(campus=CAMPUS, fate=TROUBLE, probe=st.one_of(st.none(), PROBE), daemon=WHICH)
    async def a_campus_is_away_and_then_probed_or_a_learner_comes_from_there(self, campus, fate, probe, daemon):
        for user in ("ann", "bob"):
            await self._launch(campus, user, "p1")
        rows = [row for row in self.world.rows.values() if campus_of(row) == campus]
        for row in rows:
            await self._attempt(row, fate, daemon)
        if probe is None:
            await self._launch(campus, "bob", "p1")
        else:
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

    async def _overtake(self, attempt, daemon, fate):
        self.world.pass_time(attempt.latest - self.world.time.ms)
        row = self.world.rows.get(attempt.assignment_id)
        if row is not None:
            await self._other_score(row["user_id"])
            await self._pass_on(row, GOOD, daemon)
            await self._meet(attempt, fate)

    async def _other_score(self, user):
        earned, *_ = self.world.expected.scores.get((user, "p1"), (0,))
        await self.world.score(user, "p1", (int(earned) + 1) % 3)

    def _row(self, which):
        return list(self.world.rows.values())[which % len(self.world.rows)]

    async def _attempt(self, row, fate, daemon):
        """Once the row is claimable; of another score if it is clean."""
        if row["version_number"] == row["sent_version"]:
            await self._other_score(row["user_id"])
        await self._pass_on(row, fate, daemon)

    async def _pass_on(self, row, fate, daemon):
        """Once the row is claimable, if it is dirty."""
        await self.world.look()
        row = self.world.rows[row["id"]]
        if may_come_due(row):
            self.world.wait(row)
            await self.world.rescue()
            for attempt in await self.world.receive([row["id"]], daemon):
                await self._meet(attempt, fate)

    async def _meet(self, attempt: Attempt, fate: str) -> None:
        world, (until, then) = self.world, FATES[fate]
        await world.go_on(attempt, until)
        if then == "no connection" and attempt.stage == Stage.READY:
            await world.find_no_connection(attempt)
        if attempt.stage == Stage.SENT and "stored" in then and attempt.request.under_way:
            world.apply(attempt)
        if "crash" in then and attempt.stage != Stage.OVER and attempt.may_crash:
            world.crash(attempt)
        elif then in ANSWERS and attempt.stage == Stage.SENT:
            await world.answer(attempt, then)


def test_every_campus_ends_up_with_the_newest_scores_whatever_happens(database_url):
    assert play(WorldMachine, database_url, number=1, runs=80, steps=25) >= LEAST_STEPS

"""
The promise, tried at random in a small world: several grades and campuses, launches, structures, parking and limits.

What holds, and what is taken for granted, is in :mod:`tests.models.world`; one assignment alone is tried in finer steps
in :mod:`tests.models.test_life`.
"""

from collections.abc import Coroutine
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.models.simulated_daemons import DEADLINE, HOLD, LEASE, Attempt, Stage
from tests.models.state_machine_runner import Runner, play
from tests.models.world import ANSWERS, CHAPTER, PROBLEMS, SERVICES, STRUCTURES, World, may_come_due

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
WHICH = st.integers(0, 3)
TIME = st.sampled_from([1, 1_000, DEADLINE, HOLD, LEASE, 3_600_000])


class Machine(RuleBasedStateMachine):
    """Chooses the steps."""

    def __init__(self, runner: Runner) -> None:
        super().__init__()
        self.runner = runner
        self.world: World | None = None

    def do(self, step: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(step)

    @initialize(
        known=st.booleans(),
        earned=EARNED,
        delivered=st.booleans(),
        both=st.booleans(),
        most=st.sampled_from([2, 8]),
        caught_up=st.booleans(),
    )
    def begin(self, known, earned, delivered, both, most, caught_up):
        self.do(self.runner.clear())
        self.world = World(self.runner.logs, max_per_campus=most, caught_up=caught_up)
        self.do(self._begin(known, earned, delivered, both))

    async def _begin(self, known, earned, delivered, both):
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

    @invariant()
    def what_holds(self):
        if self.world is not None:
            self.runner.steps += 1
            self.do(self.world.look())

    def teardown(self):
        if self.world is not None:
            try:
                self.do(self.world.finish())
                assert not any("exc_info" in entry for entry in self.runner.logs), "a fault of our own"
            finally:
                self.do(self.world.close())

    # --- What the tool says ---

    @rule(user=USER, problem=PROBLEM, earned=EARNED)
    def a_score(self, user, problem, earned):
        self.do(self.world.score(user, problem, earned))

    @rule(user=USER, problem=PROBLEM, earned=EARNED, ago=st.sampled_from([0, 1]))
    def a_late_score(self, user, problem, earned, ago):
        self.do(self.world.score(user, problem, earned, ago=ago))

    @rule(name=st.sampled_from(sorted(STRUCTURES)))
    def a_structure(self, name):
        self.do(self.world.structure(name))

    @rule(name=st.sampled_from(sorted(STRUCTURES)))
    def a_stale_structure(self, name):
        if self.world.truth.blocks is not None:
            self.do(self.world.structure(name, stale=True))

    async def _launch(self, campus, user, block, **options):
        await self.world.launch(campus, user, block, self.world.address(campus, user, block, **options))

    @rule(campus=CAMPUS, user=USER, block=BLOCK, service=st.sampled_from([0, 0, 1, 2]), another=st.booleans())
    def a_launch(self, campus, user, block, service, another):
        self.do(self._launch(campus, user, block, service=service, another=another))

    @rule(which=WHICH)
    def a_launch_of_what_is_there(self, which):
        row = self._row(which)
        owner = self.world.truth.owners[row["url"], row["lis_result_sourcedid"]]
        address = (row["url"], row["lis_result_sourcedid"])
        self.do(self.world.launch(_campus_of(row), owner.user, owner.block, address))

    @rule(which=WHICH, user=USER, block=BLOCK)
    def a_sourcedid_comes_for_another_grade(self, which, user, block):
        row = self._row(which)
        self.do(self.world.launch(_campus_of(row), user, block, (row["url"], row["lis_result_sourcedid"])))

    @rule(ago=st.sampled_from([0, 1]), another=st.booleans())
    def a_launch_comes_again(self, ago, another):
        self.do(self.world.launch_again(ago=ago, another=another))

    @rule(which=WHICH, other=WHICH, fate=LATE, earned=EARNED)
    def a_sourcedid_is_mistaken_and_comes_back(self, which, other, fate, earned):
        row = self._row(which)
        siblings = [other for other in self.world.rows.values() if other["url"] == row["url"] and other != row]
        if siblings:
            self.do(self._mistake(row, siblings[other % len(siblings)], fate, earned))

    async def _mistake(self, row, other, fate, earned):
        await self._attempt(row, fate, 0)
        await self.world.score(row["user_id"], "p1", earned)
        for mine in (other, row):
            address = (mine["url"], mine["lis_result_sourcedid"])
            await self.world.launch(_campus_of(row), row["user_id"], row["usage_id"], address)

    @rule(which=WHICH)
    def a_sourcedid_is_disabled(self, which):
        self.do(self.world.disable(which))

    @rule(user=USER)
    def a_learner_is_retired(self, user):
        self.do(self._retire(user))

    async def _retire(self, user):
        await self.world.retire(user)
        await self._launch("north", user, "p1")
        if not self.world.rows:
            self.world.pass_time(LEASE)
            await self._launch("north", user, "p1")

    # --- What the operator does ---

    @rule(campus=CAMPUS, what=st.sampled_from(["correct", "pause", "resume", "resume"]))
    def the_operator_comes(self, campus, what):
        self.do(getattr(self.world, what)(campus))

    # --- Time, messages and daemons ---

    @rule(milliseconds=TIME)
    def time_passes(self, milliseconds):
        self.world.pass_time(milliseconds)

    @rule(which=WHICH)
    def the_dispatcher_comes(self, which):
        self.do(self.world.dispatch(which))

    @rule(which=WHICH, fate=FATE, other=FATE)
    def the_dispatcher_comes_and_its_messages_arrive(self, which, fate, other):
        self.world.messages.clear()
        self.do(self.world.dispatch(which))
        for number in range(len(self.world.messages)):
            self.do(self._take_message(which + number, fate, other))

    @precondition(lambda self: self.world.messages)
    @rule(which=WHICH, fate=FATE, other=FATE)
    def a_message_comes(self, which, fate, other):
        self.do(self._take_message(which, fate, other))

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

    @rule(which=WHICH, fate=FATE, daemon=WHICH)
    def an_attempt(self, which, fate, daemon):
        self.do(self._attempt(self._row(which), fate, daemon))

    @rule(user=USER, problem=PROBLEM, earned=EARNED, which=WHICH, fate=FATE, daemon=WHICH)
    def an_attempt_of_a_new_score(self, user, problem, earned, which, fate, daemon):
        self.do(self.world.score(user, problem, earned))
        self.do(self._attempt(self._row(which), fate, daemon))

    @rule(daemon=WHICH)
    def good_attempts(self, daemon):
        for row in list(self.world.rows.values()):
            self.do(self._pass_on(row, GOOD, daemon))

    @rule(campus=CAMPUS, fate=TROUBLE, daemon=WHICH)
    def a_campus_is_away_and_a_learner_comes_from_there(self, campus, fate, daemon):
        self.do(self._go_away(campus, fate, daemon))
        self.do(self._launch(campus, "bob", "p1"))

    @rule(campus=CAMPUS, fate=TROUBLE, probe=PROBE, daemon=WHICH)
    def a_campus_is_away_and_probed(self, campus, fate, probe, daemon):
        last = self.do(self._go_away(campus, fate, daemon))
        self.do(self.world.wait_for_campuses())
        self.do(self._attempt(last, probe, daemon))

    async def _go_away(self, campus, fate, daemon):
        for user in ("ann", "bob"):
            await self._launch(campus, user, "p1")
        rows = [row for row in self.world.rows.values() if _campus_of(row) == campus]
        for row in rows:
            await self._attempt(row, fate, daemon)
        return rows[-1]

    @precondition(lambda self: self.world.attempts)
    @rule(which=WHICH, fate=FATE)
    def an_attempt_goes_on(self, which, fate):
        self.do(self._meet(self.world.attempts[which % len(self.world.attempts)], fate))

    @precondition(lambda self: self.world.attempts)
    @rule(which=WHICH, user=USER, problem=PROBLEM, earned=EARNED, fate=FATE)
    def an_attempt_goes_on_after_a_change(self, which, user, problem, earned, fate):
        self.do(self.world.score(user, problem, earned))
        self.do(self._meet(self.world.attempts[which % len(self.world.attempts)], fate))

    @precondition(lambda self: self.world.attempts)
    @rule(which=WHICH, daemon=WHICH, fate=FATE)
    def an_attempt_is_overtaken_and_goes_on(self, which, daemon, fate):
        self.do(self._overtake(self.world.attempts[which % len(self.world.attempts)], daemon, fate))

    @rule(which=WHICH, daemon=WHICH, stop=STOP, is_overtaken=st.booleans(), fate=FATE)
    def a_slow_attempt_goes_on_after_a_change(self, which, daemon, stop, is_overtaken, fate):
        self.do(self._be_slow(self._row(which), daemon, stop, is_overtaken, fate))

    @rule(which=WHICH, daemon=WHICH, stop=STOP, is_overtaken=st.booleans())
    def a_slow_attempt_is_accepted_after_a_change(self, which, daemon, stop, is_overtaken):
        self.do(self._be_slow(self._row(which), daemon, stop, is_overtaken, GOOD))

    async def _be_slow(self, row, daemon, stop, is_overtaken, fate):
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
        points = self.world.truth.scores.get((user, "p1"), (0, 2, 0))
        await self.world.score(user, "p1", (int(points[0]) + 1) % 3)

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

    @precondition(lambda self: self.world.campus.under_way())
    @rule(which=WHICH)
    def a_request_lands(self, which):
        requests = self.world.campus.under_way()
        self.world.campus.apply(requests[which % len(requests)], now=self.world.time.ms)

    @precondition(lambda self: self.world.campus.next_to_land())
    @rule()
    def a_request_lands_at_its_last_moment(self):
        self.world._land(self.world.campus.next_to_land())


def _campus_of(row: dict[str, Any]) -> str:
    return next(key for key, urls in SERVICES.items() if row["url"] in urls)


def test_every_campus_ends_up_with_the_newest_scores_whatever_happens(database_url):
    assert play(Machine, database_url, number=1, runs=80, steps=25) >= LEAST_STEPS

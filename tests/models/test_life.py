"""
The promise, tried at random: one assignment, unreliable senders, and the campus must end up with the newest score.

The steps and what must hold are in :mod:`tests.models.life`. Hypothesis chooses the steps, the same in every run.
``python -m tests.models.mutants`` takes the rules out of the statements one by one and checks that this test notices.
"""

from collections.abc import Coroutine
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.models.life import BACKOFF, DEADLINE, HOLD, LEASE, MARGIN, TIMES, Life, Stage
from tests.models.state_machine_runner import Runner, play

#: On each database.
LEAST_STEPS = 5_000

#: What becomes of an attempt: how far it comes, how the campus answers, and what its sender does then.
FATES: dict[str, tuple[Stage, str, str]] = {
    "stops after its claim": (Stage.CLAIMED, "", "stays"),
    "stops after reading the score": (Stage.READ, "", "stays"),
    "stops before it sends": (Stage.READY, "", "stays"),
    "stops while it sends": (Stage.SENT, "", "stays"),
    "is accepted": (Stage.SENT, "accepts", "ends"),
    "is accepted, then stops": (Stage.SENT, "accepts", "stays"),
    "is accepted, then crashes": (Stage.SENT, "accepts", "crashes"),
    "is applied, and gives up": (Stage.SENT, "applies", "ends"),
    "is applied, and crashes": (Stage.SENT, "applies", "crashes"),
    "is to try again": (Stage.SENT, "delays", "ends"),
    "is refused": (Stage.SENT, "refuses", "ends"),
    "is refused, then stops": (Stage.SENT, "refuses", "stays"),
    "gives up": (Stage.SENT, "is silent", "ends"),
    "gives up, then stops": (Stage.SENT, "is silent", "stays"),
    "gives up for good": (Stage.SENT, "is silent for ever", "ends"),
    "crashes before it sends": (Stage.READY, "", "crashes"),
    "crashes while it sends": (Stage.SENT, "", "crashes"),
}
FATE = st.sampled_from(sorted(FATES))
SCORE = st.sampled_from(["0", "1"])
WHICH = st.integers(0, 2)
TEN_MINUTES, HOUR = 600_000, 3_600_000
TIME = st.sampled_from([1, 1_000, MARGIN, MARGIN + 1, BACKOFF, DEADLINE, HOLD, LEASE])
EVENT = st.sampled_from(
    [
        "an equal score",
        "an older score",
        "another sourcedid",
        "resend by force",
        "resend",
        "backoff cleared",
        "everything restarts",
    ]
)


class Machine(RuleBasedStateMachine):
    """Chooses the steps."""

    def __init__(self, runner: Runner) -> None:
        super().__init__()
        self.runner = runner
        self.life: Life | None = None
        self.goes_back = False

    def do(self, step: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(step)

    @initialize(composite=st.booleans(), score=SCORE, delivered=st.booleans(), goes_back=st.booleans())
    def launch(self, composite, score, delivered, goes_back):
        self.do(self.runner.clear())
        self.life = Life(composite=composite)
        self.goes_back = goes_back
        self.do(self.life.start())
        self.do(self.life.score(score))
        if delivered:
            self.do(self._attempt("is accepted"))

    @invariant()
    def what_holds(self):
        if self.life is not None:
            self.runner.steps += 1
            self.do(self.life.look())

    def teardown(self):
        if self.life is not None:
            self.do(self.life.finish(goes_back=self.goes_back))

    # --- The course ---

    @rule()
    def the_other_score(self):
        self._other_score()

    def _other_score(self):
        self.do(self.life.score("1" if self.life.newest == "0" else "0"))

    @rule()
    def the_score_goes_back(self):
        self.do(self.life.go_back())

    @rule(event=EVENT)
    def something_happens(self, event):
        self._happen(event)

    def _happen(self, event):
        life = self.life
        match event:
            case "an equal score":
                self.do(life.score(life.newest))
            case "an older score":
                self.do(life.older_score("1" if life.newest == "0" else "0"))
            case "another sourcedid":
                self.do(life.move("address-1" if life.address == "address-0" else "address-0"))
            case "resend by force":
                self.do(life.force_resend())
            case "resend":
                self.do(life.unpark())
            case "backoff cleared":
                self.do(life.clear_backoff())
            case "everything restarts":
                life.restart()

    @precondition(lambda self: self.life.composite)
    @rule()
    def the_problem_comes_or_goes(self):
        self.do(self.life.attach(attached=not self.life.attached))

    @precondition(lambda self: self.life.composite)
    @rule()
    def the_block_comes_or_goes(self):
        self.do(self.life.know_block(known=not self.life.block_known))

    # --- Time and messages ---

    @rule(milliseconds=TIME)
    def time_passes(self, milliseconds):
        self.life.pass_time(milliseconds)

    @precondition(lambda self: self.life.campus.next_to_land() is None)
    @rule(milliseconds=st.sampled_from([-TEN_MINUTES, HOUR]))
    def the_databases_clock_steps(self, milliseconds):
        self.life.step_clock(milliseconds)

    @precondition(lambda self: self.life.senders)
    @rule(which=WHICH)
    def a_lease_passes(self, which):
        self._pass_lease(which)

    def _pass_lease(self, which):
        sender = self.life.senders[which % len(self.life.senders)]
        self.life.pass_time(max(0, sender.lease_until - self.life.now))

    @precondition(lambda self: self.life.senders)
    @rule(which=WHICH)
    def an_attempt_is_overtaken(self, which):
        self._pass_lease(which)
        self._other_score()
        self.do(self._attempt("is accepted"))

    @rule()
    def lost_claims_are_rescued(self):
        self.do(self.life.rescue())

    @rule()
    def the_dispatcher_comes(self):
        self.do(self.life.dispatch())

    @precondition(lambda self: self.life.messages)
    @rule()
    def a_message_comes(self):
        self.do(self.life.take_message())

    @rule()
    def the_row_is_handed_over_or_no_longer(self):
        self.life.hands_over = not self.life.hands_over

    # --- Senders ---

    @rule(fate=FATE)
    def an_attempt_now(self, fate):
        self.do(self._attempt(fate, wait_for=()))

    @rule(fate=FATE)
    def an_attempt_once_due(self, fate):
        self.do(self._attempt(fate, wait_for=("due_at", "not_before")))

    @rule(fate=FATE)
    def an_attempt_once_claimable(self, fate):
        self.do(self._attempt(fate))

    @rule(fate=st.sampled_from(["gives up", "is applied, and gives up", "is applied, and crashes"]))
    def an_attempt_in_doubt_and_the_score_goes_back(self, fate):
        self._other_score()
        self.do(self._attempt(fate))
        self.do(self.life.go_back())

    @rule(fate=FATE)
    def an_attempt_of_another_score(self, fate):
        self._other_score()
        self.do(self._attempt(fate))

    @rule()
    def a_good_attempt(self):
        self.do(self._attempt("is accepted"))

    @precondition(lambda self: self.life.senders)
    @rule(which=WHICH, fate=FATE)
    def an_attempt_goes_on(self, which, fate):
        self.do(self._meet(self.life.senders[which % len(self.life.senders)], fate))

    @precondition(lambda self: self.life.senders)
    @rule(which=WHICH, fate=st.sampled_from(["is refused", "is accepted", "gives up", "gives up for good"]))
    def an_attempt_goes_on_after_a_change(self, which, fate):
        self._other_score()
        self.do(self._meet(self.life.senders[which % len(self.life.senders)], fate))

    @precondition(lambda self: self.life.senders)
    @rule(which=WHICH, fate=st.sampled_from(["is accepted", "gives up"]))
    def an_attempt_is_finished(self, which, fate):
        self.do(self._meet(self.life.senders[which % len(self.life.senders)], fate))

    @rule(fate=st.sampled_from(["stops before it sends", "stops while it sends"]))
    def a_slow_attempt(self, fate):
        self._other_score()
        self.do(self._attempt(fate))

    async def _attempt(self, fate, *, wait_for=TIMES):
        await self.life.wait(wait_for)
        if wait_for == TIMES:
            await self.life.rescue()
        sender = await self.life.claim()
        if sender is not None:
            await self._meet(sender, fate)

    async def _meet(self, sender, fate):
        until, campus, then = FATES[fate]
        await self.life.go_on(sender, until)
        if sender.stage == Stage.SENT:
            match campus:
                case "accepts":
                    self.life.accept(sender)
                case "refuses" | "delays" if sender.request.landed_at is None:
                    self.life.refuse(sender, park=campus == "refuses")
                case "applies" if sender.request.landed_at is None:
                    self.life.apply(sender)
                    if then == "ends":
                        self.life.give_up(sender, park=False)
                case "is silent" | "is silent for ever":
                    self.life.give_up(sender, park=campus == "is silent for ever")
        if then == "crashes" and sender.may_crash:
            self.life.crash(sender)
        elif then != "stays" and sender.stage == Stage.DECIDED:
            await self.life.end(sender)

    @precondition(lambda self: self.life.ended)
    @rule(which=WHICH)
    def an_end_is_said_again(self, which):
        self._end_again(which)

    @precondition(lambda self: self.life.ended)
    @rule(event=EVENT)
    def an_end_is_said_again_after_something_happened(self, event):
        self._happen(event)
        self._end_again(0)

    def _end_again(self, which):
        self.do(self.life.end_again(self.life.ended[-1 - which % len(self.life.ended)]))

    @precondition(lambda self: self.life.campus.under_way())
    @rule(which=WHICH)
    def a_request_lands(self, which):
        requests = self.life.campus.under_way()
        self.life.campus.apply(requests[which % len(requests)], now=self.life.real)

    @precondition(lambda self: self.life.campus.next_to_land())
    @rule()
    def a_request_lands_at_its_last_moment(self):
        request = self.life.campus.next_to_land()
        self.life.pass_time(request.limit - 1 - self.life.real)
        self.life.campus.apply(request, now=self.life.real)


def test_the_campus_ends_up_with_the_newest_score_whatever_the_senders_do(database_url):
    assert play(Machine, database_url, number=1, runs=320, steps=30) >= LEAST_STEPS

"""One simulated daemon: a silent campus beside another one, and a finish that is repeated. On both databases."""

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from actors.metrics import Metrics
from tests.models.campus import Campus
from tests.models.claiming import campuses_answered
from tests.models.rows import BLOCK, COURSE, LEARNER, make_assignment, make_service, read_claims, read_row
from tests.models.scores import apply_score
from tests.models.simulated_daemons import CONNECTIONS, Daemon, Stage, Time
from tests.models.world_campuses import ANSWERS


class Setup:
    """A daemon, and what is around it."""

    def __init__(self, logs: list[Any]) -> None:
        self.time = Time()
        self.messages: list[tuple[int, list[int]]] = []
        self.daemon = Daemon(self.time, Campus(), Metrics("test"), self.messages, max_per_campus=CONNECTIONS, logs=logs)
        self.calls: list[Any] = []

    async def receive(self, ids: list[int]) -> list[Any]:
        self.calls.append(await self.daemon.receive(ids))
        return self.calls[-1].attempts


@pytest.fixture
async def setup(empty_database) -> Any:
    await apply_score(LEARNER, COURSE, BLOCK, points=(1.0, 1.0), modified_us=1)
    with capture_logs() as logs:
        made = Setup(logs)
        yield made
        for call in made.calls:
            await call.vanish()


async def test_a_due_row_is_sent_at_once_though_another_campus_is_silent_and_has_far_more(setup):
    silent, working = await make_service("silent"), await make_service("working")
    for _ in range(30):
        await make_assignment(silent)
    due = await make_assignment(working, due_at=1_000)
    await campuses_answered()
    started = []
    for _ in range(3):
        await setup.daemon.dispatcher.dispatch()
        while setup.messages:
            started += [one.assignment_id for one in await setup.receive(setup.messages.pop(0)[1])]
        setup.time.real += 2_000
    assert due in started
    assert len(started) > 1


async def test_an_attempt_whose_finish_is_repeated_after_a_lost_commit_hands_over_once(setup):
    first, *_ = [await make_assignment() for _ in range(8)]
    answers: Iterator[bool] = iter([True, False])

    def lose_the_answer() -> None:
        if next(answers, False):
            raise ConnectionError("the commit's answer was lost")

    # It is called once the transaction of the first answer is committed.
    setup.daemon.outcomes.notify = lose_the_answer
    (attempt,) = await setup.receive([first])
    await attempt.go_on()
    await attempt.go_on()
    assert attempt.stage == Stage.SENT
    await attempt.go_on(ANSWERS["accepts"][0])
    assert attempt.stage == Stage.OVER
    assert attempt.next is None
    assert await read_claims() == [], "what was handed over before the answer was lost is given back"
    assert (await read_row(first))["sent_version"] == 1

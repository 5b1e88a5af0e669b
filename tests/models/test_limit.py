"""The limit of each campus: transactions that overlap, hand-over, and a daemon whose finish is repeated."""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from contextvars import Context, copy_context
from typing import Any

import pytest
from structlog.testing import capture_logs
from tortoise.transactions import in_transaction

from actors.metrics import Metrics
from models import consumer_admin
from models.assignment import GradedAssignment
from models.campus import Breaker, Campus, Signal
from models.claims import Claim, Lease, claim
from models.db.database import open_database
from models.db.migrate import migrate
from models.finishing import Finish, Finished, HandOver, finish
from models.registration import Registration, register
from models.rescue import rescue
from tests.models.campus import Campus as MemoryCampus
from tests.models.rows import (
    BLOCK,
    COURSE,
    LEARNER,
    make_assignment,
    make_service,
    read_claims,
    read_row,
)
from tests.models.scores import apply_score
from tests.models.simulated_daemons import CONNECTIONS, Daemon, Stage, Time
from tests.models.world import ANSWERS

NOW, LEASE = 1_700_000_000_000, 50_000
OTHER_URL = "https://moved.example/outcomes"


def _lease(now: int = NOW, most: int = 3) -> Lease:
    return Lease(now=now, began=0.0, ms=LEASE, second_ms=0, max_per_campus=most)


def _unchanged(breaker: Breaker, _: Signal) -> Breaker:
    return breaker


async def _finish(
    claims: Sequence[Claim], *, partitions: int = 1, most: int = 3, now: int = NOW, **how: Any
) -> list[Finished]:
    """Finish attempts, which hand over; without bytes that left unless *how* says so."""
    ends = [Finish(one, "accepted", score="1", **how) for one in claims]
    over = HandOver(_lease(now, most), partitions)
    found, _ = await finish(ends, now=now, next_breaker=_unchanged, hand_over=over)
    return [found[end] for end in ends]


async def _answered(**columns: Any) -> None:
    await Campus.all().update(answered_at=NOW, **columns)


async def _rows(number: int, **columns: Any) -> list[int]:
    return [await make_assignment(**columns) for _ in range(number)]


# --- Transactions that overlap, one by one; PostgreSQL alone can have two ---


@pytest.fixture
async def postgres_database(fresh_database) -> Any:
    url = fresh_database("postgresql")
    await migrate(url)
    async with open_database(url):
        yield url


def _elsewhere(context: Context, step: Awaitable[Any]) -> asyncio.Task[Any]:
    """Run a step through a connection that is in no transaction."""
    return asyncio.create_task(step, context=context)  # type: ignore[arg-type]


async def test_a_campus_at_which_another_daemon_is_claiming_is_skipped(postgres_database):
    first, *others = await _rows(4)
    await _answered()
    outside = copy_context()
    async with in_transaction():
        assert len(await claim([first], _lease(most=1), most=9)) == 1
        assert await _elsewhere(outside, claim(others, _lease(most=1), most=9)) == []
    assert await claim(others, _lease(most=1), most=9) == []


async def test_the_campuses_of_other_consumers_are_not_skipped(postgres_database):
    first = await make_assignment()
    other = await make_assignment(await make_service("other"))
    outside = copy_context()
    async with in_transaction():
        await claim([first], _lease(), most=9)
        assert len(await _elsewhere(outside, claim([first, other], _lease(), most=9))) == 1


async def test_a_claim_beside_a_hand_over_that_is_not_committed_yet_keeps_the_limit(postgres_database):
    ids = await _rows(6)
    await _answered()
    held = await claim(ids[:2], _lease(most=2), most=9)
    outside = copy_context()
    async with in_transaction():
        found = await _finish(held, most=2)
        assert [one.next is not None for one in found] == [True, True]
        assert await _elsewhere(outside, claim(ids[4:], _lease(most=2), most=9)) == []
    assert len(await read_claims()) == 2


async def test_a_row_that_another_transaction_holds_is_passed_over_and_finished_later(postgres_database):
    ids = await _rows(2)
    await _answered()
    held = await claim(ids, _lease(), most=9)
    outside = copy_context()
    async with in_transaction():
        await GradedAssignment.select_for_update().get(id=held[0].assignment_id)
        found = await _elsewhere(outside, _finish(held))
    assert [one.locked for one in found] == [True, False]
    assert (await read_row(held[0].assignment_id))["claimed_until"] is not None

    assert (await _finish(held[:1]))[0] == Finished()
    row = await read_row(held[0].assignment_id)
    assert (row["claimed_until"], row["sent_version"], row["sent_score"]) == (None, 1, "1")


async def test_a_lost_claim_whose_row_another_transaction_holds_is_fenced_later(postgres_database):
    (one,) = await _rows(1)
    (held,) = await claim([one], _lease(), most=1)
    await rescue(now=NOW + LEASE)
    outside = copy_context()
    async with in_transaction():
        await GradedAssignment.select_for_update().get(id=one)
        found = await _elsewhere(outside, _finish([held], bytes_left=True))
    assert found == [Finished(locked=True)]
    assert (await read_row(one))["version_number"] == 1

    assert await _finish([held], bytes_left=True) == [Finished(fenced=True)]
    assert (await read_row(one))["version_number"] == 2


# --- Hand-over ---


async def test_as_many_are_handed_over_as_attempts_ended(empty_database):
    ids = await _rows(8)
    await _answered()
    held = await claim(ids[:2], _lease(), most=9)
    following = [one.next for one in await _finish(held)]
    assert all(following)
    assert len(await read_claims()) == 2


@pytest.mark.parametrize("wrong", ["another partition", "another campus", "another consumer"])
async def test_nothing_is_handed_over_of(empty_database, wrong):
    service = await make_service()
    first = await make_assignment(service)
    match wrong:
        case "another partition":
            other = await make_assignment(service)
            assert other % 2 != first % 2
        case "another campus":
            other = await make_assignment(await make_service(url=OTHER_URL))
        case _:
            other = await make_assignment(await make_service("other"))
    await _answered()
    (held,) = await claim([first], _lease(), most=1)
    partitions = 2 if wrong == "another partition" else 1
    assert [one.next for one in await _finish([held], partitions=partitions)] == [None]
    assert (await read_row(other))["claimed_until"] is None


@pytest.mark.parametrize(
    "columns",
    [{"blocked_until": NOW + 1}, {"max_in_flight": 1}, {"tripped_at": NOW, "blocked_until": NOW + 1}],
    ids=["blocked", "throttled", "down"],
)
async def test_nothing_is_handed_over_at_a_campus_that_has_no_slot(empty_database, columns):
    ids = await _rows(5)
    await _answered()
    held = await claim(ids[:2], _lease(), most=9)
    await Campus.all().update(**columns)
    (found,) = await _finish(held[:1])
    assert found.next is None


async def test_nothing_is_handed_over_at_a_campus_that_was_paused(empty_database):
    ids = await _rows(3)
    held = await claim(ids[:1], _lease(), most=9)
    await consumer_admin.pause("key", now=NOW)
    assert (await _finish(held))[0].next is None


async def test_a_limit_that_was_raised_is_not_filled_by_a_hand_over(empty_database):
    """Without the campus's lock a hand-over must not add claims."""
    ids = await _rows(6)
    await _answered(max_in_flight=1)
    held = await claim(ids[:1], _lease(), most=9)
    await Campus.all().update(max_in_flight=None)
    assert len(held) == len([one.next for one in await _finish(held) if one.next])
    assert len(await read_claims()) == 1


async def test_the_request_of_a_row_that_moved_keeps_its_slot_at_the_campus_that_it_went_to(empty_database):
    launch = {"consumer_key": "key", "user_id": LEARNER, "course_id": COURSE, "usage_id": BLOCK}
    names = {"lis_result_sourcedid": "sourcedid", "resource_link_id": "link"}
    service = await make_service()
    here = Registration(**launch, **names, lis_outcome_service_url=service.lis_outcome_service_url, modified_us=1)
    _, moving = await register(here, kind="leaf", now=NOW)
    others = await _rows(3)
    await _answered()
    assert len(await claim([moving], _lease(most=2), most=1)) == 1
    there = Registration(**launch, **names, lis_outcome_service_url=OTHER_URL, modified_us=2)
    assert await register(there, kind="leaf", now=NOW) == ("applied", moving)
    assert len(await claim(others, _lease(most=2), most=9)) == 1


# --- One daemon of the simulated ones ---


class Campuses:
    """What simulated daemons are made with."""

    def __init__(self, logs: Sequence[Any]) -> None:
        self.time = Time()
        self.campus = MemoryCampus()
        self.messages: list[tuple[int, list[int]]] = []
        self._logs = logs
        self.calls: list[Any] = []

    def daemon(self, *, max_per_campus: int = 4) -> Daemon:
        return Daemon(
            self.time, self.campus, Metrics("test"), self.messages, max_per_campus=max_per_campus, logs=self._logs
        )

    async def receive(self, daemon: Daemon, ids: list[int]) -> list[Any]:
        self.calls.append(await daemon.receive(ids))
        return self.calls[-1].attempts


@pytest.fixture
async def campuses(empty_database) -> Any:
    with capture_logs() as logs:
        made = Campuses(logs)
        yield made
        for call in made.calls:
            await call.vanish()


async def _scored(number: int, service: Any = None, *, start: int = 0) -> list[int]:
    """Assignments whose learner has a score."""
    await apply_score(LEARNER, COURSE, BLOCK, points=(1.0, 1.0), modified_us=1)
    return [await make_assignment(service, due_at=start + number) for number in range(number)]


async def test_a_due_row_is_sent_at_once_though_another_campus_is_silent_and_has_far_more(campuses):
    silent, working = await make_service("silent"), await make_service("working")
    await _scored(30, silent)
    (due,) = await _scored(1, working, start=1_000)
    await _answered()
    daemon = campuses.daemon(max_per_campus=CONNECTIONS)
    started = []
    for _ in range(3):
        await daemon.dispatcher.dispatch()
        while campuses.messages:
            started += [one.assignment_id for one in await campuses.receive(daemon, campuses.messages.pop(0)[1])]
        campuses.time.ms += 2_000
    assert due in started
    assert len(started) > 1


async def test_an_attempt_whose_finish_is_repeated_after_a_lost_commit_hands_over_once(campuses):
    first, *_ = await _scored(8)
    daemon = campuses.daemon()
    answers: Iterator[bool] = iter([True, False])

    def lose_the_answer() -> None:
        if next(answers, False):
            raise ConnectionError("the commit's answer was lost")

    # It is called once the transaction of the first answer is committed.
    daemon.outcomes.notify = lose_the_answer
    (attempt,) = await campuses.receive(daemon, [first])
    await attempt.go_on()
    await attempt.go_on()
    assert attempt.stage == Stage.SENT
    await attempt.go_on(ANSWERS["accepts"][0])
    assert attempt.stage == Stage.OVER
    assert attempt.next is None
    assert await read_claims() == [], "what was handed over before the answer was lost is given back"
    assert (await read_row(first))["sent_version"] == 1

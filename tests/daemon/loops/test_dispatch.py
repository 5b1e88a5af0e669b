"""The dispatcher: what is due gets its message, as much as may be sent now."""

import asyncio

import pytest

from actors import resolution
from daemon.infra.stop import Stop
from daemon.ingest.catch_up import CatchUp
from daemon.ingest.stream import StreamRead
from daemon.loops.dispatch import EVERY, contended
from models.campus import Campus
from models.claims import claim
from models.consumer import LtiConsumer
from models.db.clock import Clock
from models.due import Capacity
from models.scopes import SCORE_SCOPE
from tests.actors.posting import outcome_session
from tests.actors.sending import Sending, Ticker
from tests.daemon.doubles import stopped
from tests.models.claiming import all_ended, lease
from tests.models.launching import NOW, launch, launched
from tests.models.rows import make_assignment, make_service, read_lines, read_row
from tests.models.test_platform_launches import ISSUER, OVER_13

EMPTY_STREAM = StreamRead(entries=[], last_id="0-0", first_id=None, at_position=False)
MAX_PER_CAMPUS, CONNECTIONS = 4, 20


class Dispatching:
    """A dispatcher whose messages are collected, with the stream's backlog applied unless *applied* says otherwise."""

    def __init__(self, session, *, applied: bool = True) -> None:
        self.ticker = Ticker()
        self.clock = Clock(self.ticker)
        self.backlog = CatchUp()
        if applied:
            self.backlog.observe(0, "0-0", EMPTY_STREAM)
        self.sending = Sending(session, self.clock, max_per_campus=MAX_PER_CAMPUS, max_connections=CONNECTIONS)
        self.sending.dependencies.may_send = lambda: self.backlog.applied

    async def step(self) -> list[int]:
        """One round; the assignments that its messages name, in the order of their ids."""
        await self.sending.dispatcher.step(stopped())
        return sorted(assignment for message in self.sending.take_messages() for assignment in message)

    async def claim(self, *assignment_ids: int) -> list[int]:
        claims = await claim(assignment_ids, self.sending.dependencies.lease(), most=CONNECTIONS)
        return sorted(one.assignment_id for one in claims)


@pytest.fixture
async def dispatching(empty_database):
    async with outcome_session() as session:
        yield Dispatching(session)


async def answered(**columns) -> None:
    """Every campus has answered before, so that it may have more than one request."""
    await Campus.all().update(answered_at=1, **columns)


async def campuses(number: int, **columns) -> None:
    """So many, each with as many grades due as it may have requests."""
    for one in range(number):
        service = await make_service(f"campus {one}")
        for _ in range(MAX_PER_CAMPUS):
            await make_assignment(service)
    await answered(**columns)


async def test_what_is_due_is_named_in_each_round_until_it_is_claimed(dispatching):
    assignments = [await make_assignment(), await make_assignment(composite=True)]
    await answered()
    assert await dispatching.step() == assignments
    assert await dispatching.step() == assignments
    assert await dispatching.claim(assignments[0]) == assignments[:1]
    assert await dispatching.step() == assignments[1:]


async def test_a_claim_whose_lease_ran_out_is_taken_back_recorded_and_sent_in_the_same_round(dispatching):
    lost = await make_assignment(
        claim_token=7, claimed_at=1, claimed_until=2, claimed_version=1, attempts=1, version_number=3
    )
    assert await dispatching.step() == [lost]
    row = await read_row(lost)
    assert (row["claimed_until"], row["claim_token"], row["forced_version"]) == (None, -7, 3)
    assert [(line["claim_token"], line["result"]) for line in await read_lines(lost)] == [(7, "unknown")]


async def test_between_two_measurings_a_round_only_dispatches(dispatching):
    await dispatching.step()
    lost = await make_assignment(claim_token=7, claimed_at=1, claimed_until=2, claimed_version=1)
    due = await make_assignment(user_id="another")
    await answered()
    assert await dispatching.step() == [due]
    dispatching.ticker.seconds += EVERY
    assert await dispatching.step() == [lost, due]


async def test_a_campus_gets_as_many_messages_as_it_has_free_slots_oldest_first(dispatching):
    assignments = [await make_assignment(due_at=due_at) for due_at in (50, 10, 40, 20, 30, 60)]
    await answered()
    by_age = [assignments[index] for index in (1, 3, 4, 2, 0, 5)]
    assert await dispatching.step() == sorted(by_age[:4])
    assert await dispatching.claim(*by_age[:3]) == sorted(by_age[:3])
    assert await dispatching.step() == by_age[3:4]


async def test_all_campuses_together_get_no_more_than_there_are_connections(dispatching):
    await campuses(CONNECTIONS // MAX_PER_CAMPUS + 3)
    assert len(await dispatching.step()) == CONNECTIONS
    assert dispatching.sending.outcomes.contended
    await LtiConsumer.filter(consumer_name__not="campus 0").delete()
    assert len(await dispatching.step()) == MAX_PER_CAMPUS
    assert not dispatching.sending.outcomes.contended


@pytest.mark.parametrize(
    ("slots", "free", "expected"),
    [
        ([(3, 0), (3, 0)], 5, True),
        ([(3, 0), (3, 0)], 6, False),
        ([(7, 0), (0, 0)], 5, False),
        ([(4, 0), (0, 4), (0, 4)], 0, True),
        ([(4, 3)], 0, False),
        ([(0, 4), (0, 4)], 0, False),
        ([], 0, False),
    ],
)
def test_connections_are_contended_if_more_are_wanted_than_are_free_and_other_campuses_have_some(slots, free, expected):
    campuses = [
        Capacity(number, wanted, in_flight, slow=False, trips=None) for number, (wanted, in_flight) in enumerate(slots)
    ]
    assert contended(campuses, free) == expected


async def test_of_campuses_that_have_as_many_the_one_that_has_waited_longest_is_next(dispatching):
    await campuses(3 * CONNECTIONS)
    served = []
    for _ in range(3):
        rows = [await read_row(assignment) for assignment in await dispatching.step()]
        dispatching.ticker.seconds += 1
        served += [row["campus_id"] for row in rows]
    assert len(set(served)) == 3 * CONNECTIONS


async def test_slow_campuses_get_half_of_the_connections_and_keep_no_other_from_handing_over(dispatching):
    outcomes = dispatching.sending.outcomes
    await campuses(CONNECTIONS, slow=True)
    first = await dispatching.step()
    assert len(first) == CONNECTIONS // 2
    assert outcomes.slow_contended
    for start in range(0, len(first), MAX_PER_CAMPUS):
        await outcomes._claim_many(first[start : start + MAX_PER_CAMPUS])
    await dispatching.step()
    assert outcomes.free_for_slow() == 0
    assert (outcomes.backlog, outcomes.contended, outcomes.slow_contended) == (False, False, True)


async def test_nothing_is_sent_before_the_backlog_is_applied(empty_database):
    async with outcome_session() as session:
        dispatching = Dispatching(session, applied=False)
        assignment = await make_assignment()
        assert await dispatching.step() == []
        assert dispatching.clock.now() > 0, "the clock is measured all the same"
        dispatching.backlog.observe(0, "0-0", EMPTY_STREAM)
        assert await dispatching.step() == [assignment]


async def test_a_notification_ends_the_wait_for_the_next_round(dispatching):
    class Waiting(Stop):
        """Waits for what it is given, and never for the time."""

        waiting = asyncio.Event()

        async def sleep(self, seconds):
            await asyncio.sleep(0)

        async def sleep_or(self, event, seconds):
            assert seconds <= EVERY
            self.waiting.set()
            await event.wait()

    stop = Waiting()
    round_ = asyncio.create_task(dispatching.sending.dispatcher.step(stop))
    await stop.waiting.wait()
    assert not round_.done()
    dispatching.sending.dispatcher.notify()
    await round_


async def test_what_is_parked_just_after_a_launch_has_offered_the_scope_comes_back(empty_database):
    values = {"consumer_name": "platform", "consumer_key": "uni", "consumer_secret": ""}
    await LtiConsumer.create(**values, issuer=ISSUER, client_id="client")
    leaf = await launched(OVER_13, offered="another scope")
    other = {"user_id": "other", "lis_result_sourcedid": "other", "lis_outcome_service_url": f"{ISSUER}/item/9"}
    unoffered = await launched(OVER_13, offered="another scope", **other)
    await answered()
    claims = await claim([leaf, unoffered], lease(NOW), most=2)
    await launch(OVER_13, later=1, user_id="b", lis_result_sourcedid="b", offered=f"{SCORE_SCOPE} more")
    await all_ended([resolution.not_offered(made) for made in claims], now=NOW + 1)
    assert [(await read_row(one))["parked_at"] for one in (leaf, unoffered)] == [NOW + 1, NOW + 1]
    async with outcome_session() as session:
        await Dispatching(session, applied=False).step()
    row = await read_row(leaf)
    assert (row["parked_at"], row["version_number"]) == (None, 2)
    assert (await read_row(unoffered))["parked_at"] == NOW + 1

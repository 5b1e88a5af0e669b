"""A campus's gate: the breaker with its single probes, the pause of a busy campus, and a limit that daemons divide."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from actors.connections import CROWD, SHORT_LINE, SLOW_PLACES
from actors.gate import (
    MAX_CLOSED_MS,
    MAX_PAUSE_MS,
    SLOW_MS,
    Gates,
    pause_ms,
    share,
)
from actors.slots import NotAdmittedError
from models.attempt import Accepted, Address, Released, address
from models.fleet import READER
from models.gate import LEAST_PAUSE_MS, Campus, WaitingLine, read_troubles, take_probe

from actors.resolution import Verdict
from models.assignment import sweep
from models.db.clock import Clock
from models.delivery import Line
from tests.actors.sending import LEASE, Ticker
from tests.models.rows import make_assignment, make_service

HERE = Campus(1, "https://campus.example:443")
PAUSE = LEAST_PAUSE_MS / 1000


def verdict(health, after=None) -> Verdict:
    return Verdict("retried", Released(), Line("retried", description="its words"), health=health, after=after)


def took(milliseconds: int) -> Verdict:
    """The campus accepted, after so long."""
    return Verdict("accepted", Accepted("1"), Line("accepted", duration_ms=milliseconds), health="works")


WORKS, FAILS, SILENT = verdict("works"), verdict("fails"), verdict("silent")
NOBODY = ["not at all", "not at all"]


class KnownGates(Gates):
    """Of campuses each of which has answered before."""

    def _gate(self, campus):
        is_new = campus not in self._gates
        gate = super()._gate(campus)
        if is_new:
            gate.slots.answers(slowly=False)
        return gate


class Daemon:
    """The gates of one daemon, and attempts through them whose verdict is given."""

    def __init__(self, clock: Clock, most: int = 4) -> None:
        self.clock = clock
        self.gates = KnownGates(most, connections=200, clock=clock, lease_seconds=LEASE)

    async def attempt(self, assignment_id: int, said: Verdict) -> str:
        """How it was let in: "open", "probe" or "not at all"."""
        return await self.attempt_at(await address(assignment_id, now=self.clock.now()), assignment_id, said)

    async def attempt_at(self, where: Address, assignment_id: int, said: Verdict) -> str:
        """The same of one who has looked before."""
        try:
            async with self.gates.enter(where) as admitted:
                how = "probe" if admitted.campus_away else "open"
                await admitted.report(assignment_id, said)
        except NotAdmittedError:
            return "not at all"
        return how

    async def attempts(self, *ids_and_verdicts) -> list[str]:
        return [await self.attempt(*one) for one in ids_and_verdicts]

    async def heed(self) -> None:
        self.gates.heed(await read_troubles(now=self.clock.now()))

    def tick(self, seconds: float) -> None:
        self.clock.monotonic.seconds += seconds

    def limit(self, campus: Campus) -> int:
        return self.gates._gates[campus].slots.limit


@pytest.fixture
async def make_daemon(empty_database):
    clock = Clock(Ticker())
    await clock.measure()
    return lambda most=4: Daemon(clock, most)


@pytest.fixture
async def daemon(make_daemon):
    return make_daemon()


@pytest.fixture
async def campus(empty_database):
    service = await make_service()
    return Campus(service.lti_consumer_id, service.origin)


@pytest.fixture
async def ids(campus):
    return [await make_assignment() for _ in range(4)]


# --- The breaker ---


async def test_failures_of_one_assignment_alone_never_shut_it(daemon, ids):
    assert await daemon.attempts(*[(ids[0], FAILS)] * 5) == ["open"] * 5


async def test_failures_of_two_assignments_with_no_success_between_shut_it(daemon, ids):
    assert await daemon.attempts((ids[0], FAILS), (ids[1], FAILS), (ids[2], WORKS)) == ["open", "open", "not at all"]
    (trouble,) = await read_troubles(now=daemon.clock.now())
    assert (trouble.state, trouble.away, trouble.reason) == ("shut", True, "its words")


@pytest.mark.parametrize("between", [WORKS, verdict("throttled")], ids=["works", "throttled"])
async def test_a_success_between_keeps_it_open(daemon, ids, campus, between):
    assert await daemon.attempts((ids[0], FAILS), (ids[2], between)) == ["open", "open"]
    daemon.tick(10)
    assert await daemon.attempts((ids[1], FAILS), (ids[2], WORKS)) == ["open", "open"]
    assert not any(trouble.away for trouble in await read_troubles(now=daemon.clock.now()))


async def test_an_attempt_that_says_nothing_of_the_campus_changes_nothing(daemon, ids):
    assert await daemon.attempts((ids[0], FAILS), (ids[1], SILENT), (ids[0], FAILS)) == ["open"] * 3
    assert await daemon.attempts((ids[2], FAILS), (ids[3], WORKS)) == ["open", "not at all"]


async def shut_one(daemon, ids):
    assert await daemon.attempts((ids[0], FAILS), (ids[1], FAILS)) == ["open", "open"]


async def test_after_a_pause_one_probe_is_let_in_and_its_success_opens_the_gate(daemon, ids):
    await shut_one(daemon, ids)
    daemon.tick(PAUSE - 1)
    assert await daemon.attempt(ids[2], WORKS) == "not at all"
    daemon.tick(PAUSE)
    assert await daemon.attempts((ids[2], WORKS), (ids[3], WORKS)) == ["probe", "open"]


async def test_while_a_probe_is_under_way_nobody_else_is_let_in(daemon, ids):
    await shut_one(daemon, ids)
    daemon.tick(2 * PAUSE)
    async with daemon.gates.enter(await address(ids[2], now=daemon.clock.now())):
        assert await daemon.attempt(ids[3], WORKS) == "not at all"


@pytest.mark.parametrize(
    ("said", "how"),
    [((SILENT, SILENT, WORKS), ["probe", "probe", "probe"]), ((FAILS, WORKS, WORKS), ["probe", *NOBODY])],
)
async def test_whoever_has_nothing_to_send_keeps_nobody_from_probing_and_a_failed_probe_does(daemon, ids, said, how):
    await shut_one(daemon, ids)
    daemon.tick(2 * PAUSE)
    where = [await address(assignment, now=daemon.clock.now()) for assignment in ids[1:]]
    together = (daemon.attempt_at(*one) for one in zip(where, ids[1:], said, strict=True))
    assert await asyncio.gather(*together) == how


async def test_a_campus_that_comes_back_gets_one_request_at_once(daemon, ids, campus):
    await shut_one(daemon, ids)
    daemon.tick(2 * PAUSE)
    await daemon.attempt(ids[2], WORKS)
    assert daemon.limit(campus) == 1


async def test_each_failed_probe_makes_the_pause_longer_up_to_a_limit(daemon, ids):
    await shut_one(daemon, ids)
    waits = []
    for number in range(9):
        waited = 0
        while (how := await daemon.attempt(ids[number % 4], FAILS)) == "not at all":
            daemon.tick(1)
            waited += 1
        assert how == "probe"
        waits.append(waited)
    assert waits[:4] == sorted(waits[:4])
    assert waits[0] >= PAUSE
    assert all(MAX_PAUSE_MS / 1000 <= wait <= MAX_PAUSE_MS / 900 for wait in waits[-4:])


async def test_a_campus_may_ask_for_a_longer_pause_within_bounds(daemon, ids):
    await daemon.attempts((ids[0], FAILS), (ids[1], verdict("fails", after=100.0)))
    daemon.tick(99)
    assert await daemon.attempt(ids[2], verdict("fails", after=1e9)) == "not at all"
    daemon.tick(2)
    assert await daemon.attempt(ids[2], verdict("fails", after=1e9)) == "probe"
    daemon.tick(MAX_CLOSED_MS / 1000 + 1)
    assert await daemon.attempt(ids[2], WORKS) == "probe"


async def test_a_probe_that_says_nothing_lets_another_in_at_once(daemon, ids):
    await shut_one(daemon, ids)
    daemon.tick(2 * PAUSE)
    assert await daemon.attempts((ids[2], SILENT), (ids[3], WORKS)) == ["probe", "probe"]


async def test_a_probe_that_died_without_a_word_lets_another_in_at_once(daemon, ids):
    await shut_one(daemon, ids)
    daemon.tick(2 * PAUSE)
    with pytest.raises(RuntimeError):
        async with daemon.gates.enter(await address(ids[2], now=daemon.clock.now())):
            raise RuntimeError("a fault of ours")
    assert await daemon.attempt(ids[3], WORKS) == "probe"


async def test_the_late_success_of_a_request_that_was_under_way_opens_the_gate(daemon, ids):
    async with daemon.gates.enter(await address(ids[2], now=daemon.clock.now())) as late:
        await shut_one(daemon, ids)
        assert late.campus_away
        await late.report(ids[2], WORKS)
    assert await daemon.attempt(ids[3], WORKS) == "open"


async def test_whoever_waits_is_sent_away_when_the_gate_is_shut(make_daemon, ids):
    daemon = make_daemon(1)
    async with daemon.gates.enter(await address(ids[0], now=daemon.clock.now())) as first:
        waiting = [asyncio.create_task(daemon.attempt(id_, WORKS)) for id_ in ids[2:]]
        while daemon.gates._gates[(await address(ids[0], now=0)).campus].slots.waiting < 2:
            await asyncio.sleep(0)
        await first.report(ids[1], FAILS)
        await first.report(ids[0], FAILS)
        assert await asyncio.gather(*waiting) == ["not at all"] * 2


async def test_a_gate_that_one_daemon_shut_is_shut_for_all_and_after_a_restart(make_daemon, ids):
    first, second = make_daemon(), make_daemon()
    assert await second.attempt(ids[2], WORKS) == "open"
    await shut_one(first, ids)
    assert await second.attempt(ids[2], WORKS) == "not at all"
    first.tick(2 * PAUSE)
    assert await second.attempt(ids[2], WORKS) == "probe"
    await first.heed()
    assert await first.attempt(ids[3], WORKS) == "open"


async def test_what_another_daemon_shut_has_nobody_wait_here(make_daemon, ids):
    first, second = make_daemon(1), make_daemon(1)
    async with second.gates.enter(await address(ids[2], now=second.clock.now())):
        waiting = asyncio.create_task(second.attempt(ids[3], WORKS))
        await asyncio.sleep(0.02)
        await shut_one(first, ids)
        await second.heed()
        assert await waiting == "not at all"


# --- Busy campuses ---


async def test_a_busy_campus_is_left_alone_for_as_long_as_it_asked(daemon, ids):
    assert await daemon.attempt(ids[0], verdict("throttled", after=30.0)) == "open"
    daemon.tick(29)
    assert await daemon.attempt(ids[1], WORKS) == "not at all"
    daemon.tick(2)
    assert await daemon.attempt(ids[1], WORKS) == "open"


async def test_no_answer_closes_a_campus_for_longer_than_the_bound(daemon, ids):
    await daemon.attempt(ids[0], verdict("throttled", after=1e9))
    daemon.tick(MAX_CLOSED_MS / 1000 + 1)
    assert await daemon.attempt(ids[1], WORKS) == "open"


async def test_each_time_it_is_busy_it_gets_half_as_many_and_a_longer_pause(make_daemon, ids, campus):
    daemon = make_daemon(8)
    limits, waits = [], []
    for _ in range(4):
        await daemon.attempt(ids[0], verdict("throttled"))
        limits.append(daemon.limit(campus))
        waited = 0
        while await daemon.attempt(ids[1], SILENT) == "not at all":
            daemon.tick(1)
            waited += 1
        waits.append(waited)
    assert limits == [4, 2, 1, 1]
    assert waits == [2, 4, 8, 16]


async def test_answers_to_requests_that_were_under_way_together_halve_it_once(make_daemon, ids, campus):
    daemon = make_daemon(8)
    async with AsyncExitStack() as stack:
        where = await address(ids[0], now=daemon.clock.now())
        together = [await stack.enter_async_context(daemon.gates.enter(where)) for _ in range(4)]
        daemon.tick(1)
        for admitted in together:
            await admitted.report(ids[0], verdict("throttled"))
    assert daemon.limit(campus) == 4


async def test_a_campus_that_comes_near_its_limit_is_given_time_before_it_complains(make_daemon, ids, campus):
    daemon = make_daemon(8)
    assert await daemon.attempt(ids[0], verdict("works", after=3.0)) == "open"
    assert daemon.limit(campus) == 4
    assert await daemon.attempt(ids[1], WORKS) == "not at all"
    daemon.tick(3.5)
    assert await daemon.attempt(ids[1], WORKS) == "open"


async def test_a_busy_campus_works_so_that_a_probe_which_finds_it_busy_opens_the_gate(daemon, ids):
    await shut_one(daemon, ids)
    daemon.tick(2 * PAUSE)
    assert await daemon.attempt(ids[2], verdict("throttled", after=5.0)) == "probe"
    assert await daemon.attempt(ids[3], WORKS) == "not at all"
    daemon.tick(6)
    assert await daemon.attempt(ids[3], WORKS) == "open"


async def test_a_campus_that_another_daemon_found_busy_gets_less_here_too_and_once(make_daemon, ids, campus):
    first, second = make_daemon(8), make_daemon(8)
    assert await second.attempt(ids[1], WORKS) == "open"
    await first.attempt(ids[0], verdict("throttled", after=30.0))
    for _ in range(3):
        await first.heed()
        await second.heed()
    assert (first.limit(campus), second.limit(campus)) == (4, 4)
    first.tick(31)
    await second.heed()
    await first.attempt(ids[0], verdict("throttled", after=30.0))
    await second.heed()
    assert second.limit(campus) == 2


async def test_late_answers_that_come_near_the_limit_do_not_lengthen_the_rest(make_daemon, ids):
    daemon = make_daemon(8)
    async with daemon.gates.enter(await address(ids[0], now=daemon.clock.now())) as late:
        daemon.tick(1)
        await daemon.attempt(ids[1], verdict("works", after=1.0))
        daemon.tick(0.9)
        await late.report(ids[0], verdict("works", after=1.0))
    daemon.tick(0.2)
    assert await daemon.attempt(ids[1], WORKS) == "open"


# --- Who may wait ---


async def test_a_full_line_is_told_to_the_sweep_which_passes_it_over(make_daemon, ids, campus):
    daemon = make_daemon(1)
    retried = await make_assignment(attempts=1)
    where = await address(ids[0], now=daemon.clock.now())
    async with daemon.gates.enter(where):
        line = daemon.gates._gate(campus).slots.line
        waiting = [asyncio.create_task(daemon.gates.enter(where).__aenter__()) for _ in range(line)]
        await asyncio.sleep(0)
        assert daemon.gates.rooms() == {WaitingLine(campus, retried=False): 0}
        with pytest.raises(NotAdmittedError, match="full"):
            await daemon.gates.enter(where).__aenter__()
        wakes = await sweep(now=daemon.clock.now(), most=99, rooms=daemon.gates.rooms())
        assert [wake.assignment_id for wake in wakes] == [retried]
        daemon.gates.close()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert daemon.gates.rooms() == {}


async def test_when_many_wait_at_all_gates_together_each_has_a_short_line_only(make_daemon):
    daemon = make_daemon(1)
    assert daemon.gates.places == CROWD
    line = 2 * daemon.gates.room
    services = [await make_service(f"campus-{number}") for number in range(CROWD // line + 2)]
    places = [await address(await make_assignment(service), now=0) for service in services]
    async with AsyncExitStack() as stack:
        for place in places:
            await stack.enter_async_context(daemon.gates.enter(place))
        waiting = [
            asyncio.create_task(daemon.gates.enter(place).__aenter__()) for place in places[:-1] for _ in range(line)
        ]
        waiting += [asyncio.create_task(daemon.gates.enter(places[-1]).__aenter__()) for _ in range(5)]
        await asyncio.sleep(0)
        assert daemon.gates._gates[places[-1].campus].slots.waiting == SHORT_LINE
        # The sweep is told.
        assert (daemon.gates.room, daemon.gates.places) == (SHORT_LINE // 2, CROWD // 2)
        assert [room for line, room in daemon.gates.rooms().items() if not line.retried] == [0] * len(places)
        daemon.gates.close()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_whoever_finds_no_connection_waits_for_one_in_turn(make_daemon):
    daemon = make_daemon(200)
    one, other = [await address(await make_assignment(await make_service(name)), now=0) for name in ("one", "other")]
    async with AsyncExitStack() as stack:
        stays = [await stack.enter_async_context(AsyncExitStack()) for _ in range(200)]
        for stay in stays:
            await stay.enter_async_context(daemon.gates.enter(one))
        let_in = []

        async def come(name, where):
            await stack.enter_async_context(daemon.gates.enter(where))
            let_in.append(name)

        visits = [("first", one), ("second", one), ("other", other)]
        waiting = [asyncio.create_task(come(*visit)) for visit in visits]
        await asyncio.sleep(0)
        for stay, expected in zip(stays, [["other"], ["other", "first"]], strict=False):
            assert let_in == expected[:-1]
            await stay.aclose()
            async with asyncio.timeout(20):
                while let_in != expected:
                    await asyncio.sleep(0.001)
        daemon.gates.close()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_campus_that_has_not_answered_yet_gets_one_request_at_once(daemon, ids):
    gates = Gates(4, connections=200, clock=daemon.clock, lease_seconds=LEASE)
    where = [await address(one, now=daemon.clock.now()) for one in ids]
    slots = gates._gate(where[0].campus).slots
    assert slots.limit == 1
    async with gates.enter(where[0]) as admitted:
        await admitted.report(ids[0], SILENT)
        assert slots.limit == 1
        admitted.answered(took(50))
    assert slots.limit == 4


async def test_slow_campuses_have_half_of_the_connections_together(make_daemon):
    daemon = make_daemon(4)
    services = [await make_service(f"campus-{number}") for number in range(31)]
    *slow, other = [await address(await make_assignment(service), now=0) for service in services]
    async with AsyncExitStack() as stack:
        for place in slow:
            async with daemon.gates.enter(place) as admitted:
                admitted.answered(took(SLOW_MS + 1))
        for place in slow[:25]:
            for _ in range(4):
                await stack.enter_async_context(daemon.gates.enter(place))
        waiting = asyncio.create_task(enter_and_leave(daemon.gates, slow[25]))
        await asyncio.sleep(0)
        async with daemon.gates.enter(other):
            await asyncio.sleep(0)
            assert not waiting.done()
        # It has become quick, and counts among the others.
        daemon.gates._gates[slow[0].campus].slots.answers(slowly=False)
        assert daemon.gates._connections.slow == 97
        await waiting


async def test_a_gate_that_is_found_shut_opens_with_one_request_at_once(make_daemon, ids, campus):
    await shut_one(make_daemon(), ids)
    again = make_daemon()
    again.tick(2 * PAUSE)
    assert await again.attempt(ids[2], WORKS) == "probe"
    assert again.limit(campus) == 1


async def test_closing_sends_away_who_waits_and_whoever_comes(make_daemon, ids):
    daemon = make_daemon(1)
    async with daemon.gates.enter(await address(ids[0], now=daemon.clock.now())):
        waiting = asyncio.create_task(daemon.attempt(ids[1], WORKS))
        await asyncio.sleep(0.02)
        daemon.gates.close()
        daemon.gates.close()
        assert await waiting == "not at all"
        assert await daemon.attempt(ids[2], WORKS) == "not at all"


# --- Dividing ---


@pytest.mark.parametrize("most", [1, 2, 4, 7, 50])
def test_shares_never_exceed_what_the_campus_bears_and_leave_nothing_over(most):
    for number in range(1, 9):
        roster = [f"daemon-{one}" for one in range(number)]
        assert sum(share(most, me, roster, HERE) for me in roster) == most


def test_a_daemon_that_joins_lets_nobodys_share_grow():
    for number in range(1, 9):
        for most in (1, 4, 7):
            roster = [f"daemon-{one}" for one in range(number)]
            before = {me: share(most, me, roster, HERE) for me in roster}
            assert all(share(most, me, [*roster, "joins"], HERE) <= before[me] for me in roster)


def test_what_does_not_divide_evenly_goes_to_others_at_other_campuses():
    roster = ["a", "b", "c"]
    whole = {me for number in range(50) for me in roster if share(1, me, roster, Campus(number, HERE.origin))}
    assert whole == set(roster)


def test_a_daemon_that_is_not_in_the_roster_has_no_share():
    assert share(4, "me", ["others"], HERE) == 0


async def test_a_share_is_kept_to_and_who_has_none_sends_nothing(make_daemon, ids, campus):
    daemon = make_daemon(4)
    async with AsyncExitStack() as stack:
        where = await address(ids[0], now=daemon.clock.now())
        for _ in range(4):
            await stack.enter_async_context(daemon.gates.enter(where))
        daemon.gates.divide("a", frozenset({"a", "b"}))
        assert not daemon.gates.keeps_to_its_share()
        assert daemon.limit(campus) == 2
    assert daemon.gates.keeps_to_its_share()
    daemon.gates.divide("a", frozenset({"b"}))
    assert await daemon.attempt(ids[0], WORKS) == "not at all"
    assert daemon.gates.rooms() == {WaitingLine(campus, retried=False): 0, WaitingLine(campus, retried=True): 0}
    daemon.gates.divide("a", frozenset({"a"}))
    assert await daemon.attempt(ids[0], WORKS) == "open"


@pytest.mark.parametrize("most", [1, 4, 10])
async def test_places_in_line_go_with_the_slots_so_that_none_keeps_a_class_from_the_others(make_daemon, ids, most):
    daemon = make_daemon(most)
    where = await address(ids[0], now=daemon.clock.now())
    async with daemon.gates.enter(where):
        slots = daemon.gates._gate(where.campus).slots
        slots.answers(slowly=False)
        alone = slots.line
        for number in (1, 3, 10):
            roster = frozenset(f"daemon-{one}" for one in range(number))
            lines = []
            for me in roster:
                daemon.gates.divide(me, roster)
                assert slots.line == -(-alone * slots.limit // most)
                lines.append(slots.line)
            assert daemon.gates.alone is (number == 1)
            assert alone <= sum(lines) < alone + number
            assert daemon.gates.room == max(lines) // 2, "the sweep is told, also of campuses that have no gate yet"
        daemon.gates.divide("daemon-0", frozenset({"daemon-0", f"{READER}me"}))
        assert daemon.gates.room == slots.line // 2, "whoever only reads divides nothing"
        assert daemon.gates.alone


@pytest.mark.parametrize(("failed", "asked", "least"), [(0, None, 15), (1, None, 30), (99, None, 300), (0, 60.0, 60)])
def test_the_pause_doubles_and_is_never_shorter_than_it_should_be(failed, asked, least):
    for jitter in (0.0, 1.0):
        assert least * 1000 <= pause_ms(failed, asked=asked, jitter=jitter) <= least * 1100


async def test_a_probe_is_taken_in_the_database(daemon, ids, campus):
    await shut_one(daemon, ids)
    daemon.tick(2 * PAUSE)
    async with daemon.gates.enter(await address(ids[2], now=daemon.clock.now())):
        assert await take_probe(campus, now=daemon.clock.now(), lease_ms=1) is None


@pytest.mark.parametrize("most", [1, 2, 4, 7])
@pytest.mark.parametrize("daemons", [1, 2, 3])
@pytest.mark.parametrize("readers", [1, 2])
def test_those_who_read_have_one_slot_together_and_never_the_only_one(most, daemons, readers):
    working = [f"daemon-{number}" for number in range(daemons)]
    reading = [f"{READER}{number}" for number in range(readers)]
    shares = {name: share(most, name, {*working, *reading}, HERE) for name in (*working, *reading)}
    assert sum(shares.values()) == most
    assert sum(shares[name] for name in reading) == (1 if most > 1 else 0)


def test_those_who_read_have_all_slots_where_no_daemon_works():
    assert share(4, f"{READER}a", {f"{READER}a"}, HERE) == 4


async def test_whoever_waits_for_a_slot_waits_for_a_connection_with_it(daemon, ids):
    """As many connections as slots: the next one stands in line, rather than to be sent away."""
    gates = KnownGates(2, connections=2, clock=daemon.clock, lease_seconds=LEASE)
    where = [await address(one, now=daemon.clock.now()) for one in ids[:3]]
    async with AsyncExitStack() as stack:
        for one in where[:2]:
            await stack.enter_async_context(gates.enter(one))
        entering = asyncio.create_task(enter_and_leave(gates, where[2]))
        await asyncio.sleep(0)
        assert not entering.done()
    await entering


async def enter_and_leave(gates, where):
    async with gates.enter(where):
        pass


async def test_an_answered_request_gives_its_slot_to_the_next_before_its_end_is_written(daemon, ids):
    gates = Gates(1, connections=9, clock=daemon.clock, lease_seconds=LEASE)
    where = [await address(one, now=daemon.clock.now()) for one in ids[:3]]
    async with gates.enter(where[0]) as admitted:
        admitted.answered(WORKS)
        async with gates.enter(where[1]):
            third = asyncio.create_task(enter_and_leave(gates, where[2]))
            admitted.answered(WORKS)  # nor twice
            await asyncio.sleep(0)
            assert not third.done()
    await third


@pytest.mark.parametrize("said", [verdict("works", after=5.0), verdict("throttled"), FAILS, SILENT])
async def test_an_answer_that_the_gate_must_heed_first_keeps_its_slot(daemon, ids, said):
    where = await address(ids[0], now=daemon.clock.now())
    async with daemon.gates.enter(where) as admitted:
        admitted.answered(said)
        assert daemon.gates._gates[where.campus].slots.inside == 1


def test_a_line_that_is_more_than_half_full_is_not_filled(daemon):
    gates = Gates(1, connections=9, clock=daemon.clock, lease_seconds=LEASE, line=4)
    assert gates.room == 2
    slots = gates._gate(HERE).slots
    slots.answers(slowly=False)
    line = slots._lines[False]
    assert gates.rooms() == {}
    line.extend([None, None])
    assert gates.rooms() == {}
    line.append(None)
    assert gates.rooms() == {WaitingLine(HERE, retried=False): 0}


async def test_where_many_campuses_are_slow_each_has_a_short_line_and_who_stands_beyond_is_sent_away(daemon):
    gates = Gates(1, connections=99, clock=daemon.clock, lease_seconds=LEASE, line=100)
    quick, unknown, *slow = campuses = [gates._gate(Campus(number, HERE.origin)).slots for number in range(10)]
    quick.answers(slowly=False)
    for slots in slow:
        slots.answers(slowly=True)
    waiting = [asyncio.create_task(slots.enter(retried=False)) for slots in campuses for _ in range(71)]
    await asyncio.sleep(0)
    assert [slots.waiting for slots in campuses] == [70] * 10
    gates.divide("", frozenset({""}))
    await asyncio.sleep(0)
    assert [slots.waiting for slots in campuses] == [70, 70, *[SLOW_PLACES // 16] * 8]
    assert (quick.line, unknown.line) == (100, 100)
    gates.close()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_the_room_of_a_short_line_is_half_of_it_and_what_is_free(daemon):
    gates = Gates(4, connections=9, clock=daemon.clock, lease_seconds=LEASE, line=100)
    assert gates._connections.divide_places(51) == 5
    slots = gates._gate(HERE).slots
    slots.answers(slowly=True)
    fresh, retried = (WaitingLine(HERE, retried=retried) for retried in (False, True))
    assert gates.rooms() == {fresh: 2 + slots.limit, retried: 2 + slots.limit}
    waiters = [asyncio.get_running_loop().create_future() for _ in range(8)]
    slots._lines[True].extend(waiters[:4])
    assert gates.rooms() == {fresh: 2, retried: 0}
    # Whoever came before the line was short.
    slots._lines[True].extend(waiters[4:])
    assert (slots.room(retried=True), gates.rooms()) == (0, {fresh: 2, retried: 0})
    slots.answers(slowly=False)
    assert gates.rooms() == {}


@pytest.mark.parametrize(
    ("said", "seconds", "slow"),
    [(took(SLOW_MS + 1), 0, True), (took(SLOW_MS), 5, False), (FAILS, 1.1, True), (FAILS, 0.9, False)],
)
async def test_a_campus_is_slow_that_takes_more_than_a_second_or_fails_only_then(daemon, ids, said, seconds, slow):
    where = await address(ids[0], now=daemon.clock.now())
    async with daemon.gates.enter(where) as admitted:
        daemon.tick(seconds)
        admitted.answered(said)
        assert daemon.gates._gates[where.campus].slots.slow is slow

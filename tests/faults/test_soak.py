"""An hour in which everything is away in turn: in the end nothing waits that could be sent, and nothing is parked."""

from contextlib import nullcontext

import pytest

from models.assignment import GradedAssignment
from models.consumer_admin import add
from models.delivery import Delivery
from models.quarantine import QuarantinedEvent
from models.queries.status import read_status
from tests.blackbox.learners import Learners
from tests.blackbox.world import Fields, structure
from tests.faults import soak, soak_platform

LEARNERS = 8
#: Simulated seconds between two rounds of the loops.
STEP = 5.0
#: What is away, for so many simulated seconds each, with a minute without faults between. An hour and more in all.
OUTAGES = [
    "the campus refuses connections",
    "the campus is silent",
    "Redis",
    "the campus is in maintenance",
    "the database",
    "the campus has another secret",
    "the daemon dies again and again",
    "the campus is busy",
    "the token server refuses connections",
    "the token server is broken",
    "the token server forgets",
    "the token server knows no such client",
    "Redis and the database",
    "the campus has a bad certificate",
    "everything",
]
LONG, WELL = 270.0, 57.0
#: Simulated seconds that the rest may take: the longest pause between probes, and what was debounced.
AFTER = 4000.0


class Hour:
    """The world, a daemon in it that is replaced whenever it dies, and time."""

    def __init__(self, clock: soak.SimulatedClock) -> None:
        self.clock = clock
        self.stream = soak.MemoryStream()
        self.campuses = soak.Campuses(clock)
        self.learners = Learners(LEARNERS, seed=7)
        self.daemon = soak.Daemon(self.stream, self.campuses, clock)
        self.deaths = 0

    def put(self, *events: Fields) -> None:
        for event in events:
            self.stream.put(self.clock.now(), event)

    def launches(self) -> list[Fields]:
        return [
            {**event, "oauth_consumer_key": name}
            for name in soak.NAMES
            for event in self.learners.launches(f"https://{name}.example/outcomes")
        ] + self.campuses.platform.launches(self.learners)

    async def pass_time(self, seconds: float, *, work: bool = True) -> None:
        for number in range(int(seconds / STEP)):
            self.clock.seconds += STEP
            if work and not self.stream.away and number % 20 == 0:
                self.put(*self.learners.work(LEARNERS))
            try:
                await self.daemon.round()
            except soak.DiedError:
                self.deaths += 1
                await self.daemon.tokens.close()
                self.daemon = soak.Daemon(self.stream, self.campuses, self.clock)

    async def fail(self, what: str) -> None:
        """Something is away for a while, and then back."""
        self.stream.away = what in ("Redis", "Redis and the database", "everything")
        self.campuses.away = what
        before = {name: self.campuses.seen[name] for name in soak.FAILING}
        asked = self.campuses.platform.tokens_asked
        without_it = what in ("the database", "Redis and the database", "everything")
        async with soak.without_a_database() if without_it else nullcontext():
            await self.pass_time(LONG)
        if what.startswith("the campus"):
            # A probe may be a while away.
            for _ in range(int(AFTER / LONG)):
                if all(self.campuses.seen[name] > number for name, number in before.items()):
                    break
                await self.pass_time(LONG)
            else:
                raise AssertionError(f"no request while {what}")
        if what.startswith("the token server"):
            assert self.campuses.platform.tokens_asked > asked, f"no token was asked for while {what}"
        self.stream.away, self.campuses.away = False, ""


@pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)
async def test_an_hour_of_outages_of_everything_in_turn_leaves_nothing_unsent_and_nothing_parked(empty_database):
    clock = soak.SimulatedClock()
    await clock.measure()
    for name in soak.NAMES:
        await add(name, name, "secret", guid=None, now=clock.now())
    hour = Hour(clock)
    await hour.campuses.platform.register()
    hour.put(structure(), *hour.launches(), *hour.learners.work(LEARNERS))
    for what in OUTAGES:
        # A launch from each campus, so that it is probed soon.
        hour.put(hour.launches()[0], hour.launches()[-1])
        await hour.pass_time(WELL)
        await hour.fail(what)
    await hour.pass_time(AFTER, work=False)

    status = await read_status(now=clock.now())
    assert {state: number for state, number in status.assignments.items() if number} == {"clean": 48}
    assert [campus.state for campus in status.campuses] == ["up", "up", "up"]
    names = (*soak.NAMES, soak_platform.NAME)
    assert hour.campuses.gradebooks() == dict.fromkeys(names, hour.learners.gradebook())
    assert await QuarantinedEvent.all().count() == 0
    assert await GradedAssignment.filter(claimed_until__isnull=False).count() == 0
    # Every request has its delivery record, and the daemon died at all.
    assert await Delivery.all().count() == hour.campuses.seen.total()
    assert hour.deaths > 3
    await hour.daemon.tokens.close()

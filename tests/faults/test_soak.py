"""An hour in which everything is away in turn: in the end nothing waits that could be sent, and nothing is parked."""

import pytest

from models.consumer_admin import add
from models.db.sql import Statement
from models.delivery import Delivery
from models.quarantine import QuarantinedEvent
from models.queries.status import read_status
from tests.faults.soak import Campus, Campuses, Daemon, Database, DiedError, Learners, MemoryStream, SimulatedClock

#: Simulated seconds between two rounds of the loops.
STEP = 5.0
#: What is away, for so many simulated seconds each, with a well minute between. An hour in all.
OUTAGES = [
    "the campus refuses",
    "the campus is silent",
    "Redis",
    "the campus is in maintenance",
    "the database",
    "the campus has another secret",
    "the daemon dies again and again",
    "the campus is busy",
    "Redis and the database",
    "the campus has a bad certificate",
    "everything",
]
LONG, WELL = 270.0, 57.0
#: Simulated seconds that the rest may take: the longest pause between probes, and what was debounced.
AFTER = 4000.0

STRUCTURE = {
    "type": "course.structure",
    "course_id": "course",
    "version": 1,
    "blocks": '[{"usage_id": "course"}, {"usage_id": "chapter", "parent": "course"},'
    ' {"usage_id": "problem", "parent": "chapter", "points_possible": 10}]',
}


class Hour:
    """The world, a daemon in it that is started anew whenever it dies, and time."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self.stream = MemoryStream()
        self.sick, self.healthy = Campus(), Campus()
        self.campuses = Campuses(sick=self.sick, healthy=self.healthy)
        self.database = Database()
        self.learners = Learners()
        self.daemon = Daemon(self.stream, self.campuses, clock)
        self.deaths = 0

    def put(self, event) -> None:
        self.stream.put(self.clock.now(), event)

    async def pass_time(self, seconds: float, *, work: bool) -> None:
        for number in range(int(seconds / STEP)):
            self.clock.monotonic.seconds += STEP
            if work and not self.stream.away and number % 3 == 0:
                self.put(self.learners.work())
            try:
                await self.daemon.round()
            except DiedError:
                self.deaths += 1
                self.daemon = Daemon(self.stream, self.campuses, self.clock)

    async def set_away(self, what: str) -> None:
        self.stream.away = what in ("Redis", "Redis and the database", "everything")
        moods = {"the daemon dies again and again": "dies", "everything": "refuses"}
        self.sick.mood = moods.get(what, what.removeprefix("the campus ").removeprefix("is in ").removeprefix("is "))
        await self.database.leave(away=what in ("the database", "Redis and the database", "everything"))


@pytest.fixture
async def hour(empty_database):
    clock = SimulatedClock()
    await clock.measure()
    for name in ("sick", "healthy"):
        await add(name, name, "secret", guid=None, now=clock.now())
    return Hour(clock)


CLAIMED = Statement("SELECT COUNT(*) AS number FROM graded_assignment WHERE claimed_until IS NOT NULL")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)
async def test_an_hour_of_outages_of_everything_in_turn_leaves_nothing_unsent_and_nothing_parked(hour):
    for event in (STRUCTURE, *hour.learners.launches(), hour.learners.work()):
        hour.put(event)
    began = hour.clock.monotonic()
    for what in OUTAGES:
        # Somebody comes from the campus, so that it is probed soon.
        hour.put(hour.learners.launches()[0])
        await hour.pass_time(WELL, work=True)
        before = hour.sick.seen
        await hour.set_away(what)
        await hour.pass_time(LONG, work=True)
        if what.startswith("the campus"):
            assert hour.sick.seen > before, f"the campus was never asked while {what}"
        await hour.set_away("well")
    assert hour.clock.monotonic() - began >= 3500
    await hour.pass_time(AFTER, work=False)

    status = await read_status(now=hour.clock.now())
    assert {state: number for state, number in status.assignments.items() if number} == {"clean": 32}
    assert [campus.state for campus in status.campuses] == ["up", "up"]
    assert hour.sick.holds == hour.learners.gradebook()
    assert hour.healthy.holds == hour.learners.gradebook()
    assert await QuarantinedEvent.all().count() == 0
    assert (await CLAIMED.row())["number"] == 0
    # Nothing of the hour is left out of the ledger, and it happened at all.
    assert await Delivery.all().count() == hour.sick.seen + hour.healthy.seen
    assert hour.deaths > 3

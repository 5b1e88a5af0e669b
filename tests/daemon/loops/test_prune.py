"""What is kept for how long."""

import pytest

from daemon.config.sections import RetentionSection
from daemon.infra.stop import Stop
from daemon.loops.prune import EVERY, Prune
from models.db.clock import Clock
from models.db.sql import CHUNK
from models.delivery import Delivery, DeliveryRecord, write_deliveries
from models.orphaned_claim import OrphanedClaim
from models.quarantine import QuarantinedEvent
from tests.models.rows import make_assignment, make_service, read_lines

DAY = 86_400_000


class Ticker:
    """A monotonic clock that stands still until it is moved. Seconds."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Pruned:
    """A pruning loop that keeps the ledger for ten days and the quarantine for thirty."""

    def __init__(self) -> None:
        self.ticker = Ticker()
        self.clock = Clock(self.ticker)
        self.prune = Prune(clock=self.clock, retention=RetentionSection(ledger_days=10, quarantine_days=30))
        self.stop = Stop()
        self.stop.set()  # no sleep between rounds here

    async def step(self) -> None:
        await self.prune.step(self.stop)

    def days_ago(self, days: float) -> int:
        return self.clock.now() - int(days * DAY)


@pytest.fixture
async def pruned(empty_database):
    pruned = Pruned()
    await pruned.clock.measure()
    return pruned


async def tried(assignment_id: int, *attempts: tuple[int, str]) -> None:
    """Delivery records of an assignment: when, and their results."""
    await write_deliveries(
        DeliveryRecord(assignment_id, token, at=at, attempt=1, version=1, result=result)
        for token, (at, result) in enumerate(attempts)
    )


async def quarantined(at: int, number: int = 1) -> None:
    await QuarantinedEvent.bulk_create(
        QuarantinedEvent(epoch=0, entry_id=f"{index}-0", at=at, type="launch", reason="", content=b"")
        for index in range(number)
    )


async def left(assignment_id: int) -> list[tuple[int, str]]:
    return [(line["claim_token"], line["result"]) for line in await read_lines(assignment_id)]


async def test_old_tries_go_but_the_last_success_stays_for_ever(pruned):
    served, never, young = [await make_assignment() for _ in range(3)]
    old, new = pruned.days_ago(10) - 1, pruned.days_ago(10)
    await tried(served, (old, "accepted"), (old, "retried"), (old, "accepted"), (old, "ambiguous"))
    await tried(never, (old, "refused"), (old, "unknown"), (new, "retried"))
    await tried(young, (old, "accepted"), (new, "accepted"), (new, "misconfigured"))
    await pruned.step()
    assert await left(served) == [(2, "accepted")]
    assert await left(never) == [(2, "retried")]
    assert await left(young) == [(1, "accepted"), (2, "misconfigured")]


async def test_old_quarantined_events_go_after_a_time_of_their_own(pruned):
    await quarantined(pruned.days_ago(30) - 1)
    await quarantined(pruned.days_ago(30))
    await pruned.step()
    assert await QuarantinedEvent.all().values_list("at", flat=True) == [pruned.days_ago(30)]


async def test_orphaned_claims_go_once_their_lease_has_run_out(pruned):
    campus_id, now = (await make_service()).campus_id, pruned.clock.now()
    for claimed_until in (now - 1, now, now + 1):
        await OrphanedClaim.create(campus_id=campus_id, claimed_until=claimed_until)
    await pruned.step()
    assert await OrphanedClaim.all().values_list("claimed_until", flat=True) == [now + 1]
    pruned.ticker.seconds += EVERY
    await pruned.step()
    assert not await OrphanedClaim.exists()


async def test_much_goes_in_chunks_and_only_then_is_there_a_long_rest(pruned):
    await quarantined(0, CHUNK + 1)
    await pruned.step()
    assert await QuarantinedEvent.all().count() == 1
    await pruned.step()
    assert await QuarantinedEvent.all().count() == 0
    await quarantined(0)
    pruned.ticker.seconds += EVERY - 0.001
    await pruned.step()
    assert await QuarantinedEvent.all().count() == 1
    pruned.ticker.seconds += 0.001
    await pruned.step()
    assert await QuarantinedEvent.all().count() == 0


async def test_much_in_the_ledger_alone_is_no_reason_to_rest_either(pruned):
    assignment = await make_assignment()
    await Delivery.bulk_create(
        Delivery(assignment_id=assignment, claim_token=token, at=0, attempt=1, version=1, result="retried")
        for token in range(CHUNK + 1)
    )
    await pruned.step()
    await pruned.step()
    assert await left(assignment) == []

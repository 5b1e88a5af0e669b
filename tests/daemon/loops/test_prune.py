"""What is kept for how long."""

import pytest

from daemon.config.sections import RetentionSection
from daemon.loops.prune import EVERY, Prune
from models.db.clock import Clock
from models.db.sql import CHUNK
from models.delivery import Delivery, DeliveryRecord, write_deliveries
from models.orphaned_claim import OrphanedClaim
from models.quarantine import QuarantinedEvent
from tests.actors.sending import Ticker
from tests.daemon.doubles import stopped
from tests.models.rows import make_assignment, read_lines

DAY = 86_400_000


class Pruned:
    """A pruning loop that keeps the ledger for ten days and the quarantine for thirty."""

    def __init__(self) -> None:
        self.ticker = Ticker()
        self.clock = Clock(self.ticker)
        self.prune = Prune(clock=self.clock, retention=RetentionSection(ledger_days=10, quarantine_days=30))

    async def step(self) -> None:
        await self.prune.step(stopped())

    def days_ago(self, days: float) -> int:
        return self.clock.now() - int(days * DAY)


@pytest.fixture
async def pruned(empty_database):
    pruned = Pruned()
    await pruned.clock.measure()
    return pruned


async def quarantined(at: int, number: int = 1) -> None:
    await QuarantinedEvent.bulk_create(
        QuarantinedEvent(epoch=0, entry_id=f"{index}-0", at=at, type="launch", reason="", content=b"")
        for index in range(number)
    )


async def test_the_ledger_and_the_quarantine_are_kept_for_times_of_their_own(pruned):
    assignment = await make_assignment()
    await write_deliveries(
        DeliveryRecord(assignment, token, at=pruned.days_ago(10) - late, attempt=1, version=1, result="retried")
        for token, late in enumerate((1, 0))
    )
    await quarantined(pruned.days_ago(30) - 1)
    await quarantined(pruned.days_ago(30))
    await pruned.step()
    assert [line["claim_token"] for line in await read_lines(assignment)] == [1]
    assert await QuarantinedEvent.all().values_list("at", flat=True) == [pruned.days_ago(30)]


async def test_orphaned_claims_go_once_their_lease_and_their_hold_have_passed(pruned):
    now, cell = pruned.clock.now(), {"url_digest": "u", "sourcedid_digest": "s", "consumer_key": "k", "origin": "o"}
    for claimed_until, in_doubt_until in ((0, now - 1), (now, now), (now + 1, now), (now, now + 1)):
        await OrphanedClaim.create(**cell, claimed_until=claimed_until, in_doubt_until=in_doubt_until)
    await pruned.step()
    left = await OrphanedClaim.all().order_by("id").values_list("claimed_until", "in_doubt_until")
    assert left == [(now + 1, now), (now, now + 1)]
    pruned.ticker.seconds += EVERY
    await pruned.step()
    assert not await OrphanedClaim.exists()


async def test_much_goes_in_chunks_and_only_then_is_there_a_long_rest(pruned):
    assignment = await make_assignment()
    await quarantined(0, CHUNK + 1)
    await Delivery.bulk_create(
        Delivery(assignment_id=assignment, claim_token=token, at=0, attempt=1, version=1, result="retried")
        for token in range(CHUNK + 1)
    )
    for left in (1, 0):
        await pruned.step()
        assert (await QuarantinedEvent.all().count(), len(await read_lines(assignment))) == (left, left)
    await quarantined(0)
    for passed, left in ((EVERY - 0.001, 1), (0.001, 0)):
        pruned.ticker.seconds += passed
        await pruned.step()
        assert await QuarantinedEvent.all().count() == left

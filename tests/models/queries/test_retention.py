"""What is old goes, a chunk at a time; the last success of each assignment stays for ever."""

import pytest

from models.db.sql import CHUNK
from models.delivery import Delivery, DeliveryRecord, write_deliveries
from models.quarantine import QuarantinedEvent
from models.queries.retention import LedgerRound, prune_events, prune_ledger
from tests.models.rows import make_assignment, read_lines

pytestmark = pytest.mark.usefixtures("empty_database")


async def ledger(*records):
    """An assignment with records of these (time, result), in that order."""
    assignment = await make_assignment()
    await write_deliveries(
        DeliveryRecord(assignment, token, at, 1, 1, result) for token, (at, result) in enumerate(records)
    )
    return assignment


async def prune_round(*, before):
    """A whole round over the old lines."""
    there = LedgerRound()
    while there is not None:
        there = await prune_ledger(there, before=before)


async def left(assignment):
    return [(line["at"], line["result"]) for line in await read_lines(assignment)]


OLD = [(1, "accepted"), (2, "accepted"), (3, "refused"), (4, "unknown")]


@pytest.mark.parametrize(
    ("records", "kept"),
    [
        *(
            ([(1, result), (9, result), (10, result), (11, "accepted")], [(10, result), (11, "accepted")])
            for result in ("refused", "retried", "ambiguous", "misconfigured", "unknown")
        ),
        pytest.param(OLD, [(2, "accepted")], id="the last success is kept for ever"),
        pytest.param([(1, "baseline"), (2, "retried")], [(1, "baseline")], id="what was taken over is kept likewise"),
        pytest.param([(1, "baseline"), (20, "accepted")], [(20, "accepted")], id="until a grade is accepted"),
        pytest.param([(1, "accepted"), (20, "accepted")], [(20, "accepted")], id="an old success before a newer one"),
    ],
)
async def test_old_delivery_records_are_deleted_and_newer_ones_and_the_last_success_stay(records, kept):
    assignment = await ledger(*records)
    for _ in range(2):
        await prune_round(before=10)
        assert await left(assignment) == kept


async def test_each_assignment_keeps_its_own_last_success():
    first, second = await ledger((1, "accepted")), await ledger((2, "accepted"), (3, "accepted"))
    await prune_round(before=1_000)
    assert (await left(first), await left(second)) == ([(1, "accepted")], [(3, "accepted")])


async def test_a_round_goes_over_the_old_lines_in_chunks_the_oldest_first():
    assignment = await make_assignment()
    await Delivery.bulk_create(
        Delivery(assignment_id=assignment, claim_token=at, at=at, attempt=1, version=1, result="retried")
        for at in range(CHUNK + 3)
    )
    there = await prune_ledger(LedgerRound(), before=10_000)
    assert sorted(line.at for line in await Delivery.all()) == [CHUNK, CHUNK + 1, CHUNK + 2]
    assert await prune_ledger(there, before=10_000) is None
    assert await Delivery.all().count() == 0


async def test_what_is_kept_is_passed_over_and_not_looked_at_again_in_the_same_round():
    for at in range(CHUNK + 1):
        await ledger((at, "accepted"))
    late = await ledger((CHUNK + 1, "retried"))
    there = await prune_ledger(LedgerRound(), before=10_000)
    assert there is not None
    assert there.at == CHUNK - 1
    assert await prune_ledger(there, before=10_000) is None
    assert await left(late) == []


async def test_old_quarantined_events_go_a_chunk_at_a_time():
    await QuarantinedEvent.bulk_create(
        QuarantinedEvent(epoch=0, entry_id=f"{at}-0", at=at, type="unknown", reason="", content=b"")
        for at in range(CHUNK + 3)
    )
    assert await prune_events(before=CHUNK + 2)
    assert [event.at for event in await QuarantinedEvent.all().order_by("at")] == [CHUNK, CHUNK + 1, CHUNK + 2]
    assert not await prune_events(before=CHUNK + 2)
    assert [event.at for event in await QuarantinedEvent.all()] == [CHUNK + 2]

"""The end of a life: without faults the campus must end up with the newest score."""

from typing import Any

from models.changes import Cause, change_waiting, unpark
from tests.models.life import Life
from tests.models.life_course import DEBOUNCE
from tests.models.life_senders import Sender, Stage
from tests.models.rows import COURSE, TIMES, may_come_due, read_lines

#: Rounds after which a row without faults must be at rest.
PATIENCE = 40


async def end_well(life: Life, *, goes_back: bool) -> None:
    """No more faults: every sender finishes, and the campus must end up with the newest score."""
    life.messages.clear()
    life.hands_over = False
    for sender in list(life.senders):
        await _bring_home(life, sender)
    if goes_back:
        await life.go_back()
    row = await _settle(life)
    if row["parked_at"] is None and row["waiting_since"] is None:
        life.check_fresh()
    assert row["waiting_since"] is None or not life.block_known, "stuck: waits for a structure that is there"
    await _check_ledger(life)

    # What is in the way goes away, so that nothing may hide behind it.
    if row["parked_at"] is not None:
        await unpark(life.id, now=life.now)
        row = await _settle(life)
    if row["waiting_since"] is not None:
        life.block_known = True
        assert await change_waiting(COURSE, now=life.now, debounce=DEBOUNCE, cause=Cause()) == 1
        row = await _settle(life)
    assert row["sent_version"] == row["version_number"], "stuck"
    life.check_fresh()
    if life.to_send is None:
        await life.go_back()
        await life.know_block(known=True)
        await life.attach(attached=True)
        await _settle(life)
        life.check_fresh()
    await _check_ledger(life)

    # And a change whose message is lost is found by the dispatcher alone.
    await life.score(life.other)
    await life.wait(TIMES)
    assert await life.dispatch()
    await _settle(life)
    life.check_fresh()
    life.now += 1 << 40
    assert not await life.dispatch(), "never quiet"


async def _bring_home(life: Life, sender: Sender) -> None:
    """A frozen sender thaws and goes on where it was; a request without an answer is given up."""
    at_work = sender.stage < Stage.SENT
    await life.go_on(sender, Stage.SENT)
    if sender.stage == Stage.SENT and sender.request is not None:
        if at_work or sender.request.landed_at is not None:
            life.accept(sender)
        else:
            life.give_up(sender, park=False)
    await life.end(sender)


async def _settle(life: Life) -> dict[str, Any]:
    """A daemon tries to claim at every time that the row names; what is under way lands at the last moment."""
    for _ in range(PATIENCE):
        row, late = await life.look(), life.campus.next_to_land()
        if not may_come_due(row):
            if late is None:
                return row
            life.land(late)
            continue
        for when in sorted({max(life.now, row[column] or 0) for column in TIMES}):
            while (late := life.campus.next_to_land()) and (late.limit or 0) <= when - life.ahead + 1:
                life.land(late)
            life.now = max(life.now, when)
            await life.rescue()
            if sender := await life.claim():
                break
        else:
            raise AssertionError("stuck: nothing holds the row back, and it cannot be claimed")
        await life.go_on(sender, Stage.SENT)
        if sender.stage == Stage.SENT:
            life.accept(sender)
        await life.end(sender)
    raise AssertionError("never quiet")


async def _check_ledger(life: Life) -> None:
    """Every request that the campus saw has its record, with what its sender knew; what was not sent has none."""
    records = {record["claim_token"]: record for record in await read_lines(life.id)}
    ended = {sender.claim.token: sender.end.delivery for sender in life.ended if sender.end is not None}
    for request in life.campus.seen:
        assert request.token in records, "a request without a delivery record"
        delivery = ended.get(request.token)
        assert records[request.token]["result"] == ("unknown" if delivery is None else delivery.result)
    unsent = {token for token, delivery in ended.items() if delivery is None}
    assert not unsent & records.keys(), "a delivery record without a request"

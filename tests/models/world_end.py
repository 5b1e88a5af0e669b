"""The end of a run in a small world: without faults every campus must end up with the newest score."""

from collections import defaultdict
from typing import Any

from tests.models.rows import TIMES, may_come_due, read_campuses, read_claims, read_lines
from tests.models.simulated_daemons import LEASE, Attempt, Stage
from tests.models.world import World
from tests.models.world_campuses import place_of
from tests.models.world_tool import NOW

#: Rounds after which a world without faults must be at rest.
PATIENCE = 200


async def end_well(world: World) -> None:
    """No more faults: every attempt finishes, and every campus must end up with the newest score."""
    for attempt in list(world.attempts):
        await _bring_home(world, attempt)
    world.when = NOW
    if world.time.ahead:
        await world.step_clock(-world.time.ahead, seen_by=0)
    for campus in list(world.paused):
        await world.resume(campus)
    await _settle(world)
    await _check_ledger(world)

    # What is in the way goes away, so that nothing may hide behind it.
    for row in list(world.rows.values()):
        owner = world.expected.owners[place_of(row)]
        await world.launch(place_of(row), owner.user, owner.block)
    for user in list(world.expected.own):
        for name in ("p2 counts more", None):
            await world.own_structure(user, name)
            await _settle(world)
    for name in ("p2 moved", "whole"):
        await world.structure(name)
        await _settle(world)
    for row in world.rows.values():
        assert row["version_number"] == row["sent_version"], "stuck"

    # And a change whose message is lost is found by the dispatcher alone.
    for user, problem in list(world.expected.scores):
        await world.score(user, problem, (int(world.expected.scores[user, problem][0]) + 1) % 3)
    await _settle(world)
    await _check_ledger(world)
    await _check_quiet(world)


async def _check_quiet(world: World) -> None:
    """Nothing is left to send, and every campus has its whole limit again."""
    world.messages.clear()
    world.pass_time(LEASE)
    await world.dispatch(0)
    assert world.messages == [], "never quiet"
    assert await read_claims() == [], "a slot is lost for ever"


async def _bring_home(world: World, attempt: Attempt) -> None:
    """A frozen attempt thaws and goes on where it was; one that has no answer is given up."""
    at_work = attempt.stage < Stage.SENT
    await world.go_on(attempt, Stage.SENT)
    if attempt.stage == Stage.SENT and attempt.request is not None:
        is_answered = at_work or attempt.request.landed_at is not None
        await world.answer(attempt, "accepts" if is_answered else "is silent")


async def _settle(world: World) -> None:
    """The dispatcher alone, at every time that is named anywhere; what is under way lands at the last moment."""
    for _ in range(PATIENCE):
        claimed = await _dispatch_and_send(world)
        await world.look()
        if claimed:
            continue
        unsent = [row for row in world.rows.values() if may_come_due(row)]
        when = min((time for time in await _times(world, unsent) if time > world.time.ms), default=None)
        late = world.campus.next_to_land()
        if late is not None and (when is None or (late.limit or 0) <= when - world.time.ahead + 1):
            world.land(late)
        elif when is not None:
            world.pass_time(when - world.time.ms)
        else:
            assert not unsent, "stuck: nothing holds a row back, and it is not sent"
            return
    raise AssertionError("never quiet")


async def _dispatch_and_send(world: World) -> bool:
    """One round of a dispatcher, and attempts that are accepted; whether there was anything to claim."""
    world.messages.clear()
    await world.dispatch(0)
    found = [await _send(world, ids) for _, ids in world.messages[:]]
    return any(found)


async def _send(world: World, ids: list[int]) -> bool:
    started = await world.receive(ids, 0)
    for attempt in started:
        following: Attempt | None = attempt
        while following is not None:
            await world.go_on(following, Stage.SENT)
            if following.stage == Stage.SENT:
                await world.answer(following, "accepts")
            following = following.next
    return bool(started)


async def _times(world: World, unsent: list[dict[str, Any]]) -> list[int]:
    times = [row[column] or 0 for row in unsent for column in TIMES]
    if unsent:
        times += [campus["blocked_until"] for campus in await read_campuses()]
        times += [claim["claimed_until"] for claim in await read_claims()]
    return times


async def _check_ledger(world: World) -> None:
    """Every request that a campus saw has its delivery record, which says what its sender knew."""
    lines = {row: {line["claim_token"]: line for line in await read_lines(row)} for row in world.rows}
    seen = defaultdict(list)
    for request in world.campus.seen:
        seen[world.ledgers[request.token]].append(request)
    for row, requests in seen.items():
        for request in requests:
            result = world.results.get(request.token, "unknown")
            if row in lines and result and world.rows[row]["disabled_at"] is None:
                assert request.token in lines[row], "a request without a delivery record"
                assert lines[row][request.token]["result"] == result

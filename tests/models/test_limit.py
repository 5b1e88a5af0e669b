"""
The limit of each campus while daemons claim, hand over, crash, freeze and are rescued at the same time.

The randomised models act step by step, so that two transactions never overlap there; here each daemon has a connection
of its own. On SQLite, where one transaction has the whole database, they follow each other.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from tortoise.expressions import F
from tortoise.transactions import in_transaction

from models.assignment import GradedAssignment
from models.campus import OutcomeService
from models.claims import Claim, claim
from models.finish import Finish, HandOver
from models.orphaned_claim import orphan_claims
from models.rescue import rescue
from tests.models.claiming import LEASE, NOW, all_ended, campuses_answered, lease
from tests.models.rows import make_assignment, make_service

#: Requests at once of a campus; daemons; rows.
MAX_PER_CAMPUS, DAEMONS, ROWS = 3, 6, 30


@dataclass(slots=True)
class Storm:
    """Requests under way, as the daemons know them; *now* is the time of all of them."""

    random: random.Random
    now: int = NOW
    #: By token: campus, assignment and end of the lease.
    under_way: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    frozen: list[Claim] = field(default_factory=list)
    claims: int = 0
    handed_over: int = 0
    fenced: int = 0
    highest: int = 0
    over: bool = False

    @property
    def enough(self) -> bool:
        return self.claims >= 200 and self.handed_over >= 50 and self.fenced >= 3

    async def claim(self, ids: Sequence[int]) -> list[Claim]:
        claims = await claim(
            self.random.sample(ids, 8),
            lease(self.now, max_per_campus=MAX_PER_CAMPUS),
            most=self.random.choice([1, 2, 8]),
        )
        self._begin(claims)
        return claims

    def _begin(self, claims: Sequence[Claim]) -> None:
        for one in claims:
            others = [(at, row) for at, row, until in self.under_way.values() if until > self.now]
            assert one.assignment_id not in [row for _, row in others], "two claims of a row at once"
            self.under_way[one.token] = (one.address.campus_id, one.assignment_id, one.claimed_at + LEASE)
            self.claims += 1
            number = 1 + sum(at == one.address.campus_id for at, _ in others)
            self.highest = max(self.highest, number)
            assert number <= MAX_PER_CAMPUS, "more requests at once than the campus may have"

    async def finish(self, claims: Sequence[Claim]) -> list[Claim]:
        """Finish attempts whose requests have ended, those with a locked row again; the claims that follow."""
        for one in claims:
            self.under_way.pop(one.token, None)
        left = [Finish(one, "accepted", score="1", bytes_left=True) for one in claims]
        following: list[Claim] = []
        while left:
            hand_over = HandOver(lease(self.now, max_per_campus=MAX_PER_CAMPUS), 2)
            found = await all_ended(left, now=self.now, hand_over=hand_over)
            new = [finished.next for finished in found.values() if finished.next is not None]
            self._begin(new)
            self.handed_over += len(new)
            self.fenced += sum(finished.fenced for finished in found.values())
            following += new
            left = [end for end, finished in found.items() if finished.locked]
            await asyncio.sleep(0.001 if left else 0)
        return following


async def _be_a_daemon(storm: Storm, ids: Sequence[int]) -> None:
    while not (storm.enough or storm.over):
        claims = await storm.claim(ids)
        while claims:
            await asyncio.sleep(storm.random.choice([0, 0.001]))
            match storm.random.choice(["finishes"] * 6 + ["crashes", "freezes"]):
                case "finishes":
                    claims = await storm.finish(claims)
                case "crashes":
                    claims = []
                case "freezes":
                    storm.frozen += claims
                    claims = []


async def _be_the_world(storm: Storm, ids: Sequence[int], services: Sequence[OutcomeService]) -> None:
    """Scores come, leases run out and are rescued, frozen holders come back, rows move and are disabled."""
    while not storm.over:
        one = storm.random.choice(ids)
        match storm.random.choice(["scores"] * 4 + ["a move", "a lease", "a thaw", "a disabling", "a rescue"]):
            case "scores":
                await _make_all_due(storm.now)
            case "a move":
                await _move(one, storm.random.choice(services), storm.now)
            case "a lease":
                storm.now += LEASE
                await rescue(now=storm.now)
            case "a thaw":
                thawed, storm.frozen[:] = storm.frozen[:], []
                for held in thawed:
                    await storm.finish(await storm.finish([held]))
            case "a disabling":
                await GradedAssignment.filter(id=one).update(disabled_at=storm.now)
                await asyncio.sleep(0)
                await GradedAssignment.filter(id=one).update(disabled_at=None)
            case "a rescue":
                await rescue(now=storm.now)
        await asyncio.sleep(0.002)


async def _make_all_due(now: int) -> None:
    await GradedAssignment.all().update(version_number=F("version_number") + 1, due_at=now)


async def _move(assignment_id: int, service: OutcomeService, now: int) -> None:
    async with in_transaction():
        row = await GradedAssignment.select_for_update().get(id=assignment_id)
        if row.campus_id != service.campus_id:
            await orphan_claims([assignment_id], now=now)
        columns = {"outcome_service_id": service.id, "campus_id": service.campus_id}
        await GradedAssignment.filter(id=assignment_id).update(**columns)


@pytest.mark.parametrize("seed", range(3))
async def test_no_campus_has_more_requests_than_its_limit_whatever_daemons_do_together(empty_database, seed):
    storm = Storm(random.Random(seed))
    services = [await make_service(), await make_service(url="https://moved.example/outcomes")]
    ids = [await make_assignment(services[0]) for _ in range(ROWS)]
    await campuses_answered()
    world = asyncio.create_task(_be_the_world(storm, ids, services))
    try:
        await asyncio.gather(*(_be_a_daemon(storm, ids) for _ in range(DAEMONS)))
    finally:
        storm.over = True
        await world

    assert storm.highest == MAX_PER_CAMPUS
    # After a crash and a lease the whole limit is available again.
    storm.now += LEASE
    await rescue(now=storm.now)
    await GradedAssignment.all().update(outcome_service_id=services[0].id, campus_id=services[0].campus_id)
    await _make_all_due(storm.now)
    assert len(await claim(ids, lease(storm.now, max_per_campus=MAX_PER_CAMPUS), most=ROWS)) == MAX_PER_CAMPUS

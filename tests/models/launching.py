"""Launches for the tests of registrations."""

from dataclasses import replace
from typing import Any

from tortoise.transactions import in_transaction

from models.assignment import GradedAssignment
from models.campus import probe_soon
from models.launch import EventResult, Registration
from models.registration import Registered, register

#: Milliseconds by the database's clock, and the same moment in the unit of events.
NOW = 1_767_268_800_000
NOW_US = NOW * 1000
URL, OTHER_URL = "https://campus.example/outcomes?a=1", "https://campus.example/outcomes?a=2"
ELSEWHERE = "https://elsewhere.example/outcomes"
LAUNCH = Registration("key", "learner", "course", "block", "sourcedid", URL, NOW_US)
LINKED = replace(LAUNCH, resource_link_id="link")
CLEAN = {"version_number": 3, "sent_version": 3, "sent_score": "0.5", "sent_at": NOW - 5_000, "due_at": NOW - 9_000}
PARKED = {"parked_at": NOW, "parked_reason": "no such learner", "parked_scope": "learner", "attempts": 9}
CLAIMED = {"claim_token": 7, "claimed_at": NOW, "claimed_until": NOW + 50_000, "claimed_version": 1, "attempts": 1}


async def launch(
    registration: Registration = LAUNCH, *, later: int = 0, kind: Any = "leaf", now: int = NOW, **changes: Any
) -> tuple[EventResult, int | None]:
    """What it did, and the id. *later* in microseconds."""
    done = await registered(registration, later=later, kind=kind, now=now, **changes)
    return done.result, done.assignment_id


async def registered(
    registration: Registration = LAUNCH, *, later: int = 0, kind: Any = "leaf", now: int = NOW, **changes: Any
) -> Registered:
    """All that it did. *later* in microseconds."""
    changes = {"modified_us": registration.modified_us + later, **changes}
    async with in_transaction():
        done = await register(replace(registration, **changes), kind=kind, now=now)
    if done.probe is not None:
        await probe_soon(done.probe)
    return done


async def launched(
    registration: Registration = LAUNCH, *, columns: dict[str, Any] | None = None, **changes: Any
) -> int:
    """The id of a new assignment, in the state that *columns* say."""
    result, assignment_id = await launch(registration, **changes)
    assert result == "applied"
    assert assignment_id is not None
    if columns:
        await GradedAssignment.filter(id=assignment_id).update(**columns)
    return assignment_id


async def url_of(assignment_id: int) -> str:
    """Where its grade goes."""
    row = await GradedAssignment.get(id=assignment_id).prefetch_related("outcome_service")
    return row.outcome_service.lis_outcome_service_url


async def origin_of(assignment_id: int) -> str:
    """The origin of its campus, which is that of its outcome service too."""
    row = await GradedAssignment.get(id=assignment_id).prefetch_related("campus", "outcome_service__campus")
    assert row.campus == row.outcome_service.campus
    return row.campus.origin


async def sourcedids() -> list[str]:
    """Of all assignments, in the order of ids."""
    return list(await GradedAssignment.all().order_by("id").values_list("lis_result_sourcedid", flat=True))

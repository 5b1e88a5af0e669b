"""What is recorded of an attempt: delivery record, metrics, log."""

import pytest
import structlog

from models.assignment import GradedAssignment
from models.consumer import origin
from tests.actors.campuses import slowly
from tests.actors.sending import SECRET, SOURCEDID, on_one_engine
from tests.fakes import lms as fake
from tests.models.rows import BLOCK, COURSE, LEARNER, read_lines, read_row


async def test_the_delivery_record_of_an_acceptance_has_every_field(sending, lms, leaf):
    lms.behave = fake.always(fake.success(description="stored", status=201))
    sending.trees.meanwhile = slowly(sending, 2)
    await sending.send(leaf)
    (line,) = await read_lines(leaf)
    assert 0 <= line.pop("duration_ms") < 5000
    assert line.pop("id") > 0
    assert bool(line.pop("clamped")) is False
    assert line == {
        "assignment_id": leaf,
        "claim_token": (await read_row(leaf))["claim_token"],
        "at": sending.now,
        "attempt": 1,
        "version": 1,
        "entry_id": None,
        "score": "0.5",
        "result": "accepted",
        "http_status": 201,
        "code_major": "success",
        "description": "stored",
    }


@on_one_engine
async def test_an_acceptance_is_counted_with_its_lag_and_its_time(sending, lms, leaf):
    due_at = sending.now
    await GradedAssignment.filter(id=leaf).update(due_at=due_at)
    sending.tick(7)
    await sending.send(leaf)
    assert sending.counted() == sending.counted(consumer="campus", kind="leaf", result="accepted") == 1
    assert sending.value("passback_delivery_lag_seconds_sum", kind="leaf") == 7
    assert sending.value("passback_last_success_timestamp_seconds", consumer="campus") == sending.now / 1000
    assert sending.value("passback_outcome_request_duration_seconds_count", consumer="campus") == 1
    assert sending.value("passback_outcome_requests_in_flight", consumer="campus") == 0


@on_one_engine
@pytest.mark.parametrize(
    ("status", "code"), [(200, "success"), (200, "failure"), (200, "nonsense"), (422, "failure"), (500, "processing")]
)
async def test_delivery_record_log_and_reason_hold_neither_sourcedid_nor_secret(sending, lms, leaf, status, code):
    said = f"of {SOURCEDID} signed with {SECRET}"
    lms.behave = fake.always(fake.Behaviour(status=status, code_major=code, description=said, apply=False))
    with structlog.testing.capture_logs() as logs:
        await sending.send(leaf)
    lines, row = await read_lines(leaf), await read_row(leaf)
    assert len(lines) == 1
    logs = [entry for entry in logs if entry["log_level"] != "debug"]
    assert [entry["result"] for entry in logs] == [lines[0]["result"]]
    written = f"{logs} {lines} {row['parked_reason']}"
    assert "user" not in written
    assert SECRET not in written


@on_one_engine
async def test_the_log_line_of_an_attempt_says_who_what_and_why(sending, lms, leaf):
    lms.behave = fake.always(fake.failure("User not found"))
    await GradedAssignment.filter(id=leaf).update(entry_id="7-0", due_at=sending.now - 3000)
    with structlog.testing.capture_logs() as logs:
        await sending.send(leaf)
    begin, entry = logs
    assert begin == {
        "event": "attempt.started",
        "log_level": "debug",
        "assignment": leaf,
        "entry": "7-0",
        "user": LEARNER,
        "course": COURSE,
        "usage": BLOCK,
    }
    assert entry.pop("duration_ms") >= 0
    assert entry == {
        "event": "attempt.finished",
        "log_level": "info",
        "assignment": leaf,
        "entry": "7-0",
        "consumer": "campus",
        "origin": origin(lms.url()),
        "kind": "leaf",
        "version": 1,
        "attempt": 1,
        "result": "refused",
        "score": "0.5",
        "http_status": 200,
        "code_major": "failure",
        "reason": "HTTP 200, failure: User not found",
        "lag_ms": 3000,
        "campus": "success",
        "parked": "learner",
    }
    (line,) = await read_lines(leaf)
    assert line["entry_id"] == "7-0"


@on_one_engine
async def test_an_attempt_that_is_made_again_says_when(sending, lms, leaf):
    lms.behave = fake.always(fake.html(503))
    with structlog.testing.capture_logs() as logs:
        await sending.send(leaf)
    (entry,) = [entry for entry in logs if entry["log_level"] == "info"]
    row = await read_row(leaf)
    assert entry["retry_in_ms"] == max(row["not_before"], row["hold_until"]) - sending.now
    assert entry["campus"] == "failure"
    assert "parked" not in entry
    assert "probe" not in entry

"""Applying a batch: in one transaction, and whatever is in it."""

import asyncio
import contextlib

import pytest
import structlog

from daemon.ingest.reader import BATCH
from daemon.ingest.stream import STREAM_START
from models.assignment import GradedAssignment
from models.db.database import open_database
from models.retired_user import RetiredUser
from models.score import Score
from models.stream_position import Intake as IntakeRow
from models.stream_position import read_position
from tests.daemon.ingest.reading import (
    CLEARED,
    DISABLED,
    LAUNCH,
    RETIRED,
    SCORE,
    STRUCTURE,
    DaemonIntake,
    Stumbling,
    quarantined,
    scores,
    where,
)

# --- One transaction ---


async def test_every_result_is_counted_by_its_type(intake, put):
    await put(LAUNCH, LAUNCH, SCORE, SCORE, SCORE | {"modified": "2020-01-01T00:00:00Z"}, STRUCTURE, STRUCTURE)
    await put(CLEARED, CLEARED, CLEARED | {"modified": "2020-01-01T00:00:00Z"}, SCORE | {"points_earned": "2"})
    await put(DISABLED, RETIRED, {"type": "launch"}, {"type": "x" * 100}, {"n": "1"})
    await intake.read_all()
    assert intake.counted() == {
        ("launch", "applied"): 1,
        ("launch", "unchanged"): 1,
        ("launch", "quarantined"): 1,
        ("score.changed", "applied"): 2,
        ("score.changed", "unchanged"): 1,
        ("score.changed", "stale"): 1,
        ("score.cleared", "applied"): 1,
        ("score.cleared", "unchanged"): 1,
        ("score.cleared", "stale"): 1,
        ("course.structure", "applied"): 1,
        ("course.structure", "unchanged"): 1,
        ("assignment.disabled", "applied"): 1,
        ("user.retired", "applied"): 1,
        ("unknown", "quarantined"): 2,
    }


async def test_the_position_moves_in_the_transaction_that_applies(make_intake, put):
    intake = await make_intake(applier=Stumbling(ConnectionResetError("the server went away")))
    await put(SCORE)
    last = await put(SCORE | {"usage_id": "stumbling block"})
    with pytest.raises(ConnectionResetError):
        await intake.step()
    assert (await where(), await scores(), intake.counted()) == ((0, STREAM_START), {}, {})
    intake.applier.error = None
    await intake.read_all()
    assert (await where(), await scores()) == ((0, last), {"p": 1, "stumbling block": 1})
    assert intake.counted() == {("score.changed", "applied"): 2}


async def test_messages_are_sent_after_the_commit(make_intake, put, empty_database):
    async def position_as_others_see_it():
        async with open_database(empty_database):
            return await where()

    class Watching(DaemonIntake):
        async def enqueue(self, dirty):
            seen = await asyncio.create_task(position_as_others_see_it())
            self.dirty.append(seen)

    intake = await make_intake(Watching)
    last = await put(LAUNCH)
    await intake.step()
    assert intake.dirty == [(0, last)]


@pytest.mark.parametrize("error", [ConnectionRefusedError("no"), ValueError("no")])
async def test_messages_that_cannot_be_sent_cost_no_entry(make_intake, put, error):
    class Failing(DaemonIntake):
        async def enqueue(self, dirty):
            raise error

    plain, intake = await make_intake(), await make_intake(Failing)
    last = await put(LAUNCH, SCORE)
    with contextlib.suppress(type(error)):
        await intake.step()
    await plain.step()
    assert (await where(), await scores(), await quarantined()) == ((0, last), {"p": 1}, [])
    assert (await GradedAssignment.get()).version_number == 2


# --- Retired learners ---


@pytest.mark.parametrize(
    "bad",
    [
        SCORE | {"points_earned": "nan"},
        LAUNCH | {"oauth_consumer_key": "nobody"},
        RETIRED | {"user_id": "u", "type": "user.retired "},
    ],
)
async def test_a_bad_event_about_a_retired_learner_leaves_nothing_unless_it_is_newer(intake, put, bad):
    await put(LAUNCH, SCORE, bad)
    await put(RETIRED | {"modified": "2026-01-01T12:00:00Z"})
    await put(bad | {"modified": "2026-01-01T11:59:59Z"})
    await intake.read_all()
    assert await quarantined() == []
    await put(bad | {"modified": "2026-01-01T12:00:01Z"})
    await intake.read_all()
    assert len(await quarantined()) == 1


async def test_a_retirement_deletes_what_is_in_quarantine_also_when_all_is_read_again(intake, put):
    await put(LAUNCH, SCORE, SCORE | {"points_earned": "nan"}, DISABLED | {"modified": "9999-01-01T00:00:00Z"})
    await intake.read_all()
    assert len(await quarantined()) == 2
    await put(RETIRED)
    for _ in range(2):
        await intake.read_all()
        assert await quarantined() == [], "one of them names the learner by the sourcedid alone"
        assert await RetiredUser.all().count() == 1
        assert not await Score.exists()
        assert not await GradedAssignment.exists()
        await IntakeRow.all().update(position=STREAM_START)


async def test_of_two_transactions_at_the_same_position_one_is_applied(make_intake, put, empty_database):
    plain = await make_intake()
    await put(LAUNCH, SCORE)
    position = await read_position()
    read = await plain.stream.read(position.entry_id, BATCH)

    async def daemon():
        async with open_database(empty_database):
            await DaemonIntake(plain.stream, plain.clock).batches.take(position, read.entries)

    ended = await asyncio.gather(daemon(), daemon(), return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["NoneType", "PositionMovedError"]
    assert (await GradedAssignment.get()).version_number == 2


async def test_an_entry_leads_to_the_assignments_that_it_touched_at_debug_level_without_names(intake, put):
    await put(LAUNCH)
    await intake.read_all()
    last = await put(SCORE | {"points_earned": "2"})
    with structlog.testing.capture_logs() as logs:
        await intake.read_all()
    row = await GradedAssignment.get()
    (line,) = [line for line in logs if line["event"] == "an event was read"]
    assert row.entry_id == last == line["entry"]
    assert (line["log_level"], line["type"], line["result"]) == ("debug", "score.changed", "applied")
    assert "user" not in line

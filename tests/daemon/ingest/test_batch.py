"""Applying a batch: in one transaction, and whatever is in it."""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest
import structlog
from tortoise.exceptions import IntegrityError, ValidationError

from daemon.ingest.reader import BATCH
from daemon.ingest.stream import START
from models.assignment import GradedAssignment, sweep
from models.consumer import digest
from models.db.database import open_database
from models.retired_user import RetiredUser
from models.score import Score
from models.stream_position import Intake as IntakeRow
from models.stream_position import read_position
from tests.daemon.ingest.reading import (
    DISABLED,
    KEY,
    LAUNCH,
    RETIRED,
    SCORE,
    STRUCTURE,
    Desk,
    Stumbling,
    on_each_redis,
    quarantined,
    scores,
    where,
)

# --- One transaction ---


async def test_every_result_is_counted_by_its_type(desk, put):
    await put(LAUNCH, LAUNCH, SCORE, SCORE, SCORE | {"modified": "2020-01-01T00:00:00Z"}, STRUCTURE, STRUCTURE)
    await put(DISABLED, RETIRED, {"type": "launch"}, {"type": "x" * 100}, {"n": "1"})
    await desk.read_all()
    assert desk.counted() == {
        ("launch", "applied"): 1,
        ("launch", "unchanged"): 1,
        ("launch", "quarantined"): 1,
        ("score.changed", "applied"): 1,
        ("score.changed", "unchanged"): 1,
        ("score.changed", "stale"): 1,
        ("course.structure", "applied"): 1,
        ("course.structure", "unchanged"): 1,
        ("assignment.disabled", "applied"): 1,
        ("user.retired", "applied"): 1,
        ("unknown", "quarantined"): 2,
    }


async def test_the_position_moves_in_the_transaction_that_applies(make_desk, put):
    desk = await make_desk(applier=Stumbling(ConnectionResetError("the server went away")))
    await put(SCORE)
    last = await put(SCORE | {"usage_id": "stumbling block"})
    with pytest.raises(ConnectionResetError):
        await desk.step()
    assert (await where(), await scores(), desk.counted()) == ((0, START), {}, {})
    desk.applier.error = None
    await desk.read_all()
    assert (await where(), await scores()) == ((0, last), {"p": 1, "stumbling block": 1})
    assert desk.counted() == {("score.changed", "applied"): 2}


async def test_two_changes_of_a_score_in_one_batch_are_one_wake_up(desk, put):
    await put(LAUNCH, SCORE, SCORE | {"points_earned": "2"})
    await desk.read_all()
    assert [wake.version for wake in desk.wakes] == [1]


async def test_where_there_is_no_room_for_wake_ups_the_sweep_has_the_row(desk, put):
    await put(LAUNCH)
    await desk.read_all()
    await GradedAssignment.all().update(sent_version=1, wake_until=None)
    desk.wakes.clear()
    desk.has_room = False
    await put(SCORE)
    await desk.read_all()
    assert desk.wakes == []
    assert len(await sweep(now=desk.clock.now(), most=9)) == 1


async def test_wake_ups_are_sent_after_the_commit(make_desk, put, empty_database):
    seen = []

    async def position_as_others_see_it():
        async with open_database(empty_database):
            seen.append(await where())

    class Watching(Desk):
        async def wake(self, wakes):
            await asyncio.create_task(position_as_others_see_it())
            await super().wake(wakes)

    plain = await make_desk()
    desk = Watching(plain.stream, plain.monotonic, plain.clock)
    last = await put(LAUNCH)
    await desk.step()
    assert seen == [(0, last)]
    assert len(desk.wakes) == 1


@pytest.mark.parametrize("error", [ConnectionRefusedError("no"), ValueError("no")])
async def test_wake_ups_that_cannot_be_sent_cost_no_entry(make_desk, put, error):
    class Mute(Desk):
        async def wake(self, wakes):
            raise error

    plain = await make_desk()
    desk = Mute(plain.stream, plain.monotonic, plain.clock)
    last = await put(LAUNCH, SCORE)
    with contextlib.suppress(type(error)):
        await desk.step()
    await plain.step()
    assert (await where(), await scores(), await quarantined()) == ((0, last), {"p": 1}, [])
    assert (await GradedAssignment.get()).version_number == 2


# --- Poison ---

#: Characters that PostgreSQL cannot pack: three ids of them are more than its index row takes.
LONG_ID = "".join(chr(0x10000 + random.Random(7).randrange(n, n + 0x800)) for n in range(0, 0x800 * 255, 0x800))


def test_the_long_id_is_a_good_one():
    assert len(LONG_ID) == 255
    assert len(LONG_ID.encode()) == 1_020


async def test_an_entry_that_the_database_cannot_store_goes_to_quarantine_alone(desk, put, empty_database):
    await put(SCORE)
    culprit = await put(SCORE | {"user_id": LONG_ID, "course_id": LONG_ID, "usage_id": LONG_ID})
    last = await put(SCORE | {"usage_id": "q"})
    await desk.read_all()
    assert await where() == (0, last)
    assert await Score.filter(user_id="u").count() == 2
    if empty_database.startswith("sqlite"):
        assert (await quarantined(), await Score.all().count()) == ([], 3)
        return
    (event,) = await quarantined()
    assert (event.entry_id, event.type, event.user_id) == (culprit, "score.changed", LONG_ID)
    assert event.reason.startswith("it cannot be stored: ")
    assert desk.counted() == {("score.changed", "applied"): 2, ("score.changed", "quarantined"): 1}


@pytest.mark.parametrize(
    "error",
    [
        IntegrityError("unique"),
        ValidationError("too long"),
        ValueError("\ud800 and \x00"),
        KeyError("no"),
        TypeError("no"),
        RecursionError("no"),
        OverflowError("no"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_fault_of_the_data_it_is_its_neighbours_are_applied(make_desk, put, error):
    desk = await make_desk(applier=Stumbling(error))
    await put(LAUNCH, SCORE)
    culprit = await put(SCORE | {"usage_id": "stumbling block"})
    last = await put(SCORE | {"points_earned": "2"})
    await desk.read_all()
    assert (await where(), await scores()) == ((0, last), {"p": 2})
    (event,) = await quarantined()
    assert event.entry_id == culprit
    assert event.reason.startswith(f"it cannot be stored: {type(error).__name__}: ")
    assert (await GradedAssignment.get()).version_number == 3
    assert desk.counted()["score.changed", "applied"] == 2


async def test_a_lost_server_between_two_entries_of_a_poisoned_batch_costs_nothing(make_desk, put):
    desk = await make_desk(applier=Stumbling(ValueError("no")))
    await put(SCORE)
    await put(SCORE | {"usage_id": "stumbling block"})

    class Fading(Stumbling):
        async def apply_scores(self, events, position, **how):
            if [event.usage_id for event in events] == ["q"]:
                raise ConnectionResetError("the server went away")
            return await super().apply_scores(events, position, **how)

    last = await put(SCORE | {"usage_id": "q"})
    fading = await make_desk(applier=Fading(ValueError("no")))
    with pytest.raises(ConnectionResetError):
        await fading.step()
    await desk.read_all()
    assert (await where(), await scores()) == ((0, last), {"p": 1, "q": 1})
    assert len(await quarantined()) <= 1


BAD = [
    pytest.param(SCORE | {"user_id": "a\x00"}, "user_id holds a NUL character", id="NUL"),
    pytest.param(SCORE | {"user_id": b"\xff"}, "user_id is not valid UTF-8", id="invalid UTF-8"),
    pytest.param(SCORE | {"points_earned": "nan"}, "points_earned is not a finite number", id="NaN"),
    pytest.param(STRUCTURE | {"version": str(2**70)}, "version does not fit 64 bits", id="beyond 64 bits"),
    pytest.param(STRUCTURE | {"blocks": "[]"}, "blocks: there must be exactly one", id="malformed structure"),
    pytest.param({"type": "\x00\ud7ff"}, "type holds a NUL character", id="a bad type"),
    pytest.param({b"\xff": b"\xfe"}, "type is absent", id="no type"),
    pytest.param(LAUNCH | {"oauth_consumer_key": "nobody"}, "unknown consumer 'nobody'", id="unknown consumer"),
    pytest.param(LAUNCH | {"oauth_consumer_key": "k" * 33}, "unknown consumer", id="longer than any key"),
    pytest.param(DISABLED | {"oauth_consumer_key": "k" * 33}, "unknown consumer", id="disabled, longer than any key"),
    pytest.param(DISABLED | {"lis_result_sourcedid": "t"}, "no launch of this consumer", id="unknown sourcedid"),
    pytest.param(LAUNCH | {"lis_outcome_service_url": "campus"}, "lis_outcome_service_url: ", id="no URL"),
    pytest.param(LAUNCH | {"lis_outcome_service_url": "https://a:b/"}, "lis_outcome_service_url: ", id="no port"),
    pytest.param(
        LAUNCH | {"lis_outcome_service_url": f"https://{'h' * 400}/"}, "lis_outcome_service_url: ", id="a long host"
    ),
    pytest.param(SCORE | {"modified": "9999-01-01T00:00:00Z"}, "modified lies more than an hour ahead", id="ahead"),
]


@pytest.mark.parametrize(("fields", "reason"), BAD)
async def test_a_bad_event_is_quarantined_with_its_reason_and_stops_nobody(desk, put, fields, reason):
    await put(LAUNCH, SCORE)
    culprit = await put(fields)
    last = await put(SCORE | {"usage_id": "q"})
    await desk.read_all()
    (event,) = await quarantined()
    assert (event.epoch, event.entry_id) == (0, culprit)
    assert event.reason.startswith(reason)
    assert abs(event.at - desk.clock.now()) < 5_000
    assert (await where(), await scores()) == ((0, last), {"p": 1, "q": 1})


async def test_a_structure_that_conflicts_with_its_own_version_is_quarantined(desk, put):
    await put(STRUCTURE, STRUCTURE | {"blocks": '[{"usage_id": "c"}]'})
    await desk.read_all()
    (event,) = await quarantined()
    assert event.reason == "version 1 of this course's structure came before, and was different"


@on_each_redis
async def test_the_first_4_kib_of_a_bad_entrys_bytes_are_kept(desk, put):
    bad = {b"type": b"launch", b"user_id": b"\xff\x00u", b"context_title": b"t" * 10_000, b"more": b"m"}
    await put(bad)
    await desk.read_all()
    (event,) = await quarantined()
    assert event.content == (b"type=launch\nuser_id=\xff\x00u\ncontext_title=" + b"t" * 10_000)[:4096]


async def test_quarantine_knows_whom_an_event_is_about(desk, put):
    await put(LAUNCH | {"oauth_consumer_key": "nobody", "user_id": "u" * 300}, DISABLED | {"lis_result_sourcedid": "t"})
    await desk.read_all()
    first, second = await quarantined()
    assert (first.user_id, first.sourcedid_digest) == ("u" * 255, digest("s"))
    assert (second.user_id, second.sourcedid_digest) == (None, digest("t"))


@on_each_redis
async def test_an_entry_id_beyond_64_bits_of_microseconds_is_read_past(desk, put):
    await put(SCORE, entry_id=f"{2**64 - 1}-1")
    last = await put(SCORE | {"modified": "2026-01-01T00:00:00Z"}, entry_id=f"{2**64 - 1}-2")
    await desk.read_all()
    assert await where() == (0, last)
    assert len(await quarantined()) == 1
    assert await scores() == {"p": 1}


NASTY = [
    *(b"", b"\x00", b"\xff", "\U0010ffff".encode(), b"\xed\xa0\x80", b"-1", b"1e400", b"-0", str(2**63).encode()),
    *(b"[]", b"null", b"[[]]", b'[{"usage_id":"\\ud800"}]', b'[{"usage_id":"\\u0000"}]', b"x" * 256, b"k" * 33),
    *(b"https://[::1", b"https://a:99999/", b"http://" + b"h" * 400, b"https://\xc3\xbc/", b"http://a\nb/", b"//"),
    *(b"0001-01-01T00:00:00+23:59", b"2020-01-01T00:00:00Z", b"1969-01-01T00:00:00Z", LONG_ID.encode()),
    *(b"u", b"c", b"p", b"key", b"s" * 5_000, b"launch", b"user.retired", b"score.changed", b"course.structure"),
]


async def test_whatever_a_field_holds_intake_reads_on(desk, client):
    optional = ["modified", "resource_link_id", "lti_user_id", "tool_consumer_instance_guid", "context_title"]
    entries = 0
    async with client.pipeline(transaction=False) as pipe:
        for base in (STRUCTURE, SCORE, LAUNCH, DISABLED, RETIRED):
            for name in [*base, *(optional if base is LAUNCH else optional[:1])]:
                for value in NASTY:
                    pipe.xadd(KEY, {**base, name: value})
                    entries += 1
        last = (await pipe.execute())[-1].decode()
    await desk.read_all()
    assert await where() == (0, last)
    assert sum(desk.counted().values()) == entries


# --- Learners who must stay forgotten ---


@pytest.mark.parametrize(
    "bad",
    [
        SCORE | {"points_earned": "nan"},
        LAUNCH | {"oauth_consumer_key": "nobody"},
        RETIRED | {"user_id": "u", "type": "user.retired "},
    ],
)
async def test_a_bad_event_about_a_retired_learner_that_is_older_leaves_nothing(desk, put, bad):
    await put(LAUNCH, SCORE, bad)
    await put(RETIRED | {"modified": "2026-01-01T12:00:00Z"})
    await put(bad | {"modified": "2026-01-01T11:59:59Z"})
    await desk.read_all()
    assert await quarantined() == []


async def test_a_bad_event_about_a_learner_who_came_back_is_quarantined(desk, put):
    await put(RETIRED | {"modified": "2026-01-01T12:00:00Z"})
    await put(SCORE | {"points_earned": "nan", "modified": "2026-01-01T12:00:01Z"})
    await desk.read_all()
    assert len(await quarantined()) == 1


async def test_a_retirement_takes_what_stands_in_quarantine(desk, put):
    await put(LAUNCH, SCORE | {"points_earned": "nan"}, DISABLED | {"modified": "9999-01-01T00:00:00Z"})
    await desk.read_all()
    assert len(await quarantined()) == 2
    await put(RETIRED)
    await desk.read_all()
    assert await quarantined() == []
    assert await RetiredUser.all().count() == 1
    assert not await Score.exists()
    assert not await GradedAssignment.exists()


async def test_events_about_a_retired_learner_that_are_read_again_are_refused(desk, put, client):
    await put(LAUNCH, SCORE, SCORE | {"points_earned": "nan"}, RETIRED)
    await desk.read_all()
    await IntakeRow.all().update(position=START)
    await desk.read_all()
    assert not await Score.exists()
    assert not await GradedAssignment.exists()
    assert await quarantined() == []


async def test_of_two_transactions_at_the_same_position_one_is_applied(make_desk, put, empty_database):
    plain = await make_desk()
    await put(LAUNCH, SCORE)
    position = await read_position()
    look = await plain.stream.look(position.entry_id, BATCH)

    async def daemon():
        async with open_database(empty_database):
            desk = Desk(plain.stream, plain.monotonic, plain.clock)
            await desk.intake.take(position, look.entries)

    ended = await asyncio.gather(daemon(), daemon(), return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["NoneType", "PositionMovedError"]
    assert (await GradedAssignment.get()).version_number == 2


async def test_an_entry_leads_to_the_assignments_that_it_touched_at_debug_level_without_names(desk, put):
    await put(LAUNCH)
    await desk.read_all()
    last = await put(SCORE | {"points_earned": "2"})
    with structlog.testing.capture_logs() as logs:
        await desk.read_all()
    (row,) = await GradedAssignment.all()
    (line,) = [line for line in logs if line["event"] == "an event was read"]
    assert row.entry_id == last == line["entry"]
    assert (line["log_level"], line["type"], line["result"]) == ("debug", "score.changed", "applied")
    assert "user" not in line

"""Intake on real databases and real streams: each entry once, in order, whatever it holds and whoever else reads."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import structlog
from tortoise.exceptions import IntegrityError, ValidationError

from actors.metrics import Metrics
from daemon.infra.redis import redis_client
from daemon.infra.stop import Stop
from daemon.ingest.apply import Applier
from daemon.ingest.catch_up import Backlog
from daemon.ingest.reader import BATCH, FIRST_BATCH, TRIM_EVERY, Intake
from daemon.ingest.stream import START, Stream
from models.assignment import Debounce, GradedAssignment, sweep
from models.consumer import LtiConsumer, digest
from models.course import CourseTrees
from models.db.clock import Clock
from models.db.database import open_database
from models.quarantine import QuarantinedEvent
from models.retired_user import RetiredUser
from models.score import Score
from models.stream_position import Intake as IntakeRow
from models.stream_position import read_position

KEY = "passback:events"
DAY_MS = 86_400_000
SCORE = {
    "type": "score.changed",
    "user_id": "u",
    "course_id": "c",
    "usage_id": "p",
    "points_earned": "1",
    "points_possible": "2",
}
LAUNCH = {
    "type": "launch",
    "oauth_consumer_key": "key",
    "user_id": "u",
    "course_id": "c",
    "usage_id": "p",
    "lis_result_sourcedid": "s",
    "lis_outcome_service_url": "https://campus.example/o",
}
STRUCTURE = {
    "type": "course.structure",
    "course_id": "c",
    "version": "1",
    "blocks": '[{"usage_id": "c"}, {"usage_id": "p", "parent": "c", "points_possible": 2}]',
}
DISABLED = {"type": "assignment.disabled", "oauth_consumer_key": "key", "lis_result_sourcedid": "s"}
RETIRED = {"type": "user.retired", "user_id": "u"}
DEBOUNCE = Debounce(delay_ms=20_000, ceiling_ms=60_000)


class Impatient(Stream):
    """A stream whose readers do not wait for news."""

    async def wait(self, position, block_ms):
        await asyncio.sleep(0)


class Sleepless(Stop):
    """Notes what it was asked to sleep, and does not."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds):
        self.slept.append(seconds)
        await asyncio.sleep(0)


class Monotonic:
    """Seconds, moved by the test."""

    seconds = 1_000.0

    def __call__(self):
        return self.seconds


@contextmanager
def told():
    """What is logged at more than debug level."""
    found = []
    with structlog.testing.capture_logs() as logs:
        yield found
    found += [line for line in logs if line["log_level"] != "debug"]


class Stumbling(Applier):
    """Stumbles over the scores of one problem."""

    def __init__(self, error):
        super().__init__(CourseTrees(), DEBOUNCE)
        self.error = error

    async def apply(self, event, position, *, now, force=False):
        done = await super().apply(event, position, now=now, force=force)
        if self.error is not None and getattr(event, "usage_key", None) == "stumbling block":
            raise self.error
        return done

    async def apply_scores(self, events, position, **how):
        done = await super().apply_scores(events, position, **how)
        if self.error is not None and any(event.usage_key == "stumbling block" for event in events):
            raise self.error
        return done


@dataclass
class Desk:
    """One daemon's intake and what it works with."""

    stream: Stream
    monotonic: Monotonic
    clock: Clock
    applier: Applier = field(default_factory=lambda: Applier(CourseTrees(), DEBOUNCE))
    backlog: Backlog = field(default_factory=Backlog)
    metrics: Metrics = field(default_factory=lambda: Metrics("0"))
    stop: Sleepless = field(default_factory=Sleepless)
    wakes: list = field(default_factory=list)

    has_room: bool = True

    def __post_init__(self):
        self.intake = Intake(
            self.stream,
            self.applier,
            clock=self.clock,
            backlog=self.backlog,
            metrics=self.metrics,
            wake=self.wake,
            has_room=lambda: self.has_room,
            keep_days=7,
        )

    async def wake(self, wakes):
        self.wakes += wakes

    async def step(self, *, later=0.0):
        """One step, *later* seconds after the one before."""
        self.monotonic.seconds += later
        await self.intake.step(self.stop)

    async def read_all(self):
        """Steps until nothing is left to read; gives how many they were."""
        for steps in range(1, 100):
            await self.step()
            if not await self.stream.lag((await read_position()).entry_id):
                return steps
        raise AssertionError("intake does not come to the end of the stream")

    def counted(self):
        """Entries by type and result; what has not come yet is left out."""
        return {
            (sample.labels["type"], sample.labels["result"]): int(sample.value)
            for metric in self.metrics.registry.collect()
            for sample in metric.samples
            if sample.name == "passback_events_total" and sample.value
        }

    def resets(self):
        return self.metrics.registry.get_sample_value("passback_stream_resets_total")

    def gaps(self):
        return self.metrics.registry.get_sample_value("passback_stream_gaps_total")


#: For tests to which the kind of Redis may matter.
on_each_redis = pytest.mark.usefixtures("redis_url")


@pytest.fixture
def url(request):
    return request.getfixturevalue("redis_url" if "redis_url" in request.fixturenames else "valkey_url")


@pytest.fixture
async def client(url):
    async with redis_client(url) as client:
        yield client


@pytest.fixture
async def make_desk(empty_database, client):
    await LtiConsumer.create(consumer_name="campus", consumer_key="key", consumer_secret="secret")

    async def make_desk(stream=None, **changes):
        monotonic = Monotonic()
        clock = Clock(monotonic)
        await clock.measure()
        return Desk(stream or Impatient(client, KEY), monotonic, clock, **changes)

    return make_desk


@pytest.fixture
async def desk(make_desk):
    return await make_desk()


@pytest.fixture
def put(client):
    """Puts entries onto the stream; gives the id of the last one."""

    async def put(*entries, entry_id="*"):
        for fields in entries:
            last = await client.xadd(KEY, fields, id=entry_id)
        return last.decode()

    return put


async def where():
    position = await read_position()
    return position.epoch, position.entry_id


async def quarantined():
    return await QuarantinedEvent.all().order_by("id")


async def scores():
    return {score.usage_key: score.points_earned for score in await Score.all()}


# --- Once, and in order ---


async def test_an_empty_stream_leaves_everything_as_it_is(desk):
    await desk.step()
    assert await where() == (0, START)
    assert desk.counted() == {}


@on_each_redis
async def test_entries_are_applied_once_and_in_order(desk, put):
    await put(LAUNCH)
    last = await put(*(SCORE | {"points_earned": str(earned)} for earned in range(1, 6)))
    await desk.read_all()
    assert await where() == (0, last)
    assert await scores() == {"p": 5}
    assert (await GradedAssignment.get()).version_number == 6
    await desk.step()
    assert (await GradedAssignment.get()).version_number == 6
    assert desk.counted() == {("launch", "applied"): 1, ("score.changed", "applied"): 5}


@on_each_redis
async def test_more_entries_than_a_batch_takes_are_applied_once_and_in_order(desk, client):
    async with client.pipeline(transaction=False) as pipe:
        for earned in range(BATCH + 50):
            pipe.xadd(KEY, SCORE | {"points_earned": str(earned)})
        await pipe.execute()
    # Batches double from 8 up to 128, and one takes the rest.
    assert await desk.read_all() == 6
    assert await scores() == {"p": BATCH + 49}
    assert desk.counted() == {("score.changed", "applied"): BATCH + 50}


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
            if [event.usage_key for event in events] == ["q"]:
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


# --- Several daemons ---


async def test_a_daemon_that_finds_the_position_moved_drops_its_batch_and_stands_back(make_desk, put, client):
    winner = await make_desk()

    class Overtaken(Impatient):
        """Somebody else is quicker between the look and the transaction."""

        async def look(self, position, count):
            look = await super().look(position, count)
            await winner.step()
            return look

    loser = await make_desk(Overtaken(client, KEY))
    last = await put(LAUNCH, SCORE)
    await loser.step()
    assert (await where(), await scores()) == ((0, last), {"p": 1})
    assert (await GradedAssignment.get()).version_number == 2
    assert loser.counted() == {}
    assert loser.wakes == []
    assert len(loser.stop.slept) == 1
    assert 1 <= loser.stop.slept[0] <= 2
    assert winner.stop.slept == []


async def test_a_daemon_takes_over_where_another_one_left_off(make_desk, put):
    first, second = await make_desk(), await make_desk()
    await put(LAUNCH, SCORE)
    await first.read_all()
    last = await put(SCORE | {"usage_id": "q"})
    await second.read_all()
    assert await where() == (0, last)
    assert second.counted() == {("score.changed", "applied"): 1}


@on_each_redis
async def test_two_daemons_on_one_stream_apply_each_entry_once(make_desk, put, url, empty_database):
    entries = 40
    desks = []

    async def daemon():
        async with open_database(empty_database), redis_client(url) as own:
            clock = Clock(Monotonic())
            await clock.measure()
            desk = Desk(Impatient(own, KEY), Monotonic(), clock)
            desks.append(desk)
            while await Score.filter(usage_key="last").count() == 0:
                await desk.step()

    await put(LAUNCH)
    running = [asyncio.create_task(daemon()) for _ in range(2)]
    for earned in range(entries):
        await put(SCORE | {"points_earned": str(earned)})
        await asyncio.sleep(0.001)
    last = await put(SCORE | {"usage_id": "last"})
    await asyncio.gather(*running)
    assert await where() == (0, last)
    assert (await GradedAssignment.get()).version_number == 1 + entries
    assert await scores() == {"p": entries - 1, "last": 1}
    total = sum((Counter(desk.counted()) for desk in desks), Counter())
    assert total == {("launch", "applied"): 1, ("score.changed", "applied"): entries + 1}


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


# --- Another stream under the same key ---


async def deleted_and_made_anew(client, last):
    await client.delete(KEY)
    await client.xadd(KEY, SCORE | {"usage_id": "new"}, id="5-0")


async def emptied(client, last):
    await client.flushdb()


async def emptied_and_filled(client, last):
    await client.flushdb()
    await client.xadd(KEY, SCORE | {"usage_id": "new"}, id="5-0")


async def entry_at_the_position_gone(client, last):
    await client.xdel(KEY, last)


@on_each_redis
@pytest.mark.parametrize(
    ("reset", "read"),
    [
        (deleted_and_made_anew, {"p": 1, "new": 1}),
        (emptied, {"p": 1}),
        (emptied_and_filled, {"p": 1, "new": 1}),
        (entry_at_the_position_gone, {"p": 1}),
    ],
)
async def test_a_reset_of_the_stream_is_counted_and_everything_read_again(desk, put, client, reset, read):
    await put(LAUNCH)
    last = await put(SCORE)
    await desk.read_all()
    await reset(client, last)
    with told() as logs:
        await desk.step()
    assert await where() == (1, START)
    assert desk.resets() == 1
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "the stream was reset: reading it from its start"
    ]
    if await client.exists(KEY):
        await desk.read_all()
    await desk.step()
    assert await scores() == read
    assert (await GradedAssignment.get()).version_number == 2
    assert desk.resets() == 1


@on_each_redis
async def test_an_emptied_stream_that_is_filled_again_is_read_whole(desk, put, client):
    await put(SCORE)
    await desk.read_all()
    await client.flushdb()
    await desk.step()
    last = await put(SCORE | {"usage_id": "new"})
    await desk.read_all()
    assert await where() == (1, last)
    assert await scores() == {"p": 1, "new": 1}


async def test_two_daemons_count_one_reset_as_one_epoch(make_desk, put, client):
    first, second = await make_desk(), await make_desk()
    await put(SCORE)
    await first.read_all()
    await client.flushdb()
    await first.step()
    await second.step()
    assert (await where())[0] == 1
    assert second.resets() == 0


@on_each_redis
async def test_a_gap_is_told_and_counted_once_and_what_is_left_is_read(desk, put, client):
    await put(SCORE)
    await desk.read_all()
    await put(SCORE | {"usage_id": "lost"})
    await put(SCORE | {"usage_id": "kept"})
    await client.xtrim(KEY, maxlen=1, approximate=False)
    with told() as logs:
        for _ in range(3):
            await desk.step()
    assert [line["log_level"] for line in logs] == ["warning"]
    assert "may be lost" in logs[0]["event"]
    assert (await scores(), (await where())[0], desk.resets(), desk.gaps()) == ({"p": 1, "kept": 1}, 0, 0, 1)


@on_each_redis
async def test_a_stream_that_was_emptied_before_all_was_read_has_a_gap(desk, put, client):
    await put(SCORE)
    await desk.read_all()
    await put(SCORE | {"usage_id": "lost"})
    await client.xtrim(KEY, maxlen=0, approximate=False)
    for _ in range(3):
        await desk.step()
    assert (desk.resets(), desk.gaps()) == (0, 1)
    await put(SCORE | {"usage_id": "kept"})
    await desk.read_all()
    await desk.step()
    assert (await scores(), desk.gaps()) == ({"p": 1, "kept": 1}, 1)


@on_each_redis
async def test_a_stream_that_was_made_anew_with_later_ids_is_read_whole_and_counted_as_a_gap(desk, put, client):
    await put(SCORE)
    await desk.read_all()
    await put(SCORE | {"usage_id": "lost"})
    await client.delete(KEY)
    await put(SCORE | {"usage_id": "first"}, SCORE | {"usage_id": "second"})
    await desk.read_all()
    assert (await scores(), desk.resets(), desk.gaps()) == ({"p": 1, "first": 1, "second": 1}, 0, 1)


async def test_each_gap_is_counted(desk, put, client):
    for number in range(1, 4):
        await put(SCORE)
        await desk.read_all()
        await put(SCORE, SCORE)
        await client.xtrim(KEY, maxlen=1, approximate=False)
        await desk.read_all()
        assert desk.gaps() == number


async def test_a_stream_of_which_nothing_was_read_has_no_gap(desk, put, client):
    await put(SCORE, SCORE | {"usage_id": "kept"})
    await client.xtrim(KEY, maxlen=1, approximate=False)
    with told() as logs:
        await desk.read_all()
    assert logs == []


# --- Trimming ---


@on_each_redis
async def test_applied_entries_that_are_old_enough_are_trimmed(desk, put, client):
    now = desk.clock.now()
    for number in range(150):
        await put(SCORE, entry_id=f"{now - 8 * DAY_MS}-{number}")
    young = await put(SCORE, entry_id=f"{now - 6 * DAY_MS}-0")
    last = await put(SCORE, entry_id=f"{now - DAY_MS}-0")
    await desk.read_all()
    await desk.step(later=TRIM_EVERY)
    assert [entry_id.decode() for entry_id, _ in await client.xrange(KEY)] == [young, last]


@on_each_redis
async def test_the_entry_at_the_position_is_never_trimmed(desk, put, client):
    now = desk.clock.now()
    await put(SCORE, entry_id=f"{now - 90 * DAY_MS}-0")
    last = await put(SCORE, entry_id=f"{now - 80 * DAY_MS}-0")
    await desk.read_all()
    await desk.step(later=TRIM_EVERY)
    assert [entry_id.decode() for entry_id, _ in await client.xrange(KEY)] == [last]
    await desk.step()
    assert (await where(), desk.resets()) == ((0, last), 0)


async def test_trimming_happens_now_and_then(desk, put, client):
    old = desk.clock.now() - 9 * DAY_MS
    await put(SCORE, entry_id=f"{old}-0")
    await desk.read_all()
    await desk.step(later=TRIM_EVERY)
    await put(SCORE, entry_id=f"{old}-1")
    await desk.read_all()
    await desk.step(later=TRIM_EVERY / 2)
    assert await client.xlen(KEY) == 2
    await desk.step(later=TRIM_EVERY / 2)
    assert await client.xlen(KEY) == 1


async def test_a_stream_that_never_rests_is_trimmed_too(make_desk, client):
    class Restless(Impatient):
        """Each look finds news."""

        async def look(self, position, count):
            await client.xadd(KEY, SCORE)
            return await super().look(position, count)

    desk = await make_desk(Restless(client, KEY))
    old = f"{desk.clock.now() - 9 * DAY_MS}-0"
    await client.xadd(KEY, SCORE, id=old)
    for _ in range(5):
        await desk.step(later=TRIM_EVERY)
    assert (await client.xrange(KEY, count=1))[0][0].decode() != old


@on_each_redis
async def test_a_redis_that_forbids_trimming_costs_no_entry(make_desk, client, url, put):
    await client.execute_command("ACL SETUSER reader on nopass ~* &* +@all -xtrim")
    try:
        async with redis_client(url.replace("://", "://reader:x@")) as reader:
            desk = await make_desk(Impatient(reader, KEY))
            await put(SCORE)
            await desk.read_all()
            await put(SCORE | {"usage_id": "new"})
            with told() as logs:
                await desk.step(later=TRIM_EVERY)
    finally:
        await client.execute_command("ACL DELUSER reader")
    assert await scores() == {"p": 1, "new": 1}
    assert [(line["log_level"], line["event"]) for line in logs] == [
        ("warning", "old entries could not be trimmed from the stream")
    ]


# --- What may be sent, and when ---


@on_each_redis
async def test_nothing_may_be_sent_before_what_stood_in_the_stream_at_start_was_applied(desk, put):
    await put(LAUNCH, SCORE)
    assert not desk.backlog.applied
    await desk.step()
    assert not desk.backlog.applied
    await put(SCORE | {"points_earned": "2"})
    await desk.step()
    assert desk.backlog.applied


async def test_a_daemon_that_does_no_intake_waits_for_the_one_that_does(make_desk, put):
    working, waiting = await make_desk(), await make_desk()
    await put(LAUNCH, SCORE)
    await working.read_all()
    assert not waiting.backlog.applied
    await waiting.step()
    assert waiting.backlog.applied


async def test_a_database_that_was_restored_under_a_daemon_closes_it_until_it_caught_up(desk, put):
    first = await put(LAUNCH)
    await put(SCORE)
    await desk.read_all()
    await desk.step()
    assert desk.backlog.applied
    await IntakeRow.all().update(position=first)
    await Score.all().delete()
    await desk.step()
    assert not desk.backlog.applied
    assert await scores() == {"p": 1}
    await desk.step()
    assert desk.backlog.applied


async def test_entries_that_are_read_again_after_a_restore_change_nothing(desk, put):
    events = [LAUNCH, STRUCTURE, SCORE, SCORE | {"points_earned": "2"}, LAUNCH | {"lis_result_sourcedid": "t"}]
    for number, fields in enumerate(events):
        await put(fields, entry_id=f"{desk.clock.now() + number}-0")
    await desk.read_all()
    before = [dict(row) for row in await GradedAssignment.all().order_by("id").values()]
    await IntakeRow.all().update(position=START)
    desk.wakes.clear()
    await desk.read_all()
    assert [dict(row) for row in await GradedAssignment.all().order_by("id").values()] == before
    assert desk.wakes == []


async def test_a_huge_entry_makes_the_next_look_smaller_and_good_ones_larger_again(desk, put):
    asked = []

    class Counting(Impatient):
        async def look(self, position, count):
            asked.append(count)
            return await super().look(position, count)

    counting = Desk(Counting(desk.stream.redis, KEY), desk.monotonic, desk.clock)
    huge = STRUCTURE | {"blocks": STRUCTURE["blocks"] + " " * (6 * 1024 * 1024)}
    await put(huge, huge, huge)
    await counting.step()
    for _ in range(4):
        await put(SCORE)
        await counting.step()
    assert asked == [FIRST_BATCH, FIRST_BATCH // 4, FIRST_BATCH // 2, FIRST_BATCH, FIRST_BATCH * 2]


async def test_a_look_that_fails_asks_for_less_the_next_time(desk):
    asked = []

    class Failing(Impatient):
        async def look(self, position, count):
            asked.append(count)
            raise TimeoutError

    failing = Desk(Failing(desk.stream.redis, KEY), desk.monotonic, desk.clock)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await failing.step()
    assert asked == [8, 2, 1]


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

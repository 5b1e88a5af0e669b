"""Replaying what was refused: in the order of entries, as of then, and never over what is newer."""

import pytest
import redis.asyncio

from daemon.ingest.apply import Applier
from daemon.ingest.replay import replay_events
from daemon.ingest.stream import Stream
from models.assignment import GradedAssignment
from models.changes import Debounce
from models.clock_watch import ClockWatch
from models.consumer import LtiConsumer
from models.course import CourseTrees
from models.db.clock import Clock, ClockReading
from models.quarantine import EventFilter, QuarantinedEvent, content_of, in_order
from models.score import Score
from models.stream_position import read_position
from tests.actors.sending import Ticker
from tests.daemon.ingest.reading import LAUNCH, SCORE
from tests.models.scores import apply_score


@pytest.fixture
async def replay(empty_database):
    clock = Clock(Ticker())
    await clock.measure()
    applier = Applier(CourseTrees(), Debounce(0, 0))

    async def replay(stream=None, clock=clock):
        replayed = replay_events(await in_order(EventFilter()), applier, clock, stream)
        return [(one.result, one.reason) async for one in replayed]

    return replay


async def quarantined(fields, entry_id):
    content, truncated = content_of({name.encode(): value.encode() for name, value in fields.items()})
    epoch = (await read_position()).epoch
    event = {"entry_id": entry_id, "type": fields["type"], "content": content, "truncated": truncated}
    await QuarantinedEvent.create(epoch=epoch, at=0, reason="unknown consumer", **event)


async def test_launches_go_through_once_their_campus_is_known_in_the_order_of_their_entries(replay):
    await quarantined(LAUNCH | {"lis_result_sourcedid": "newer", "resource_link_id": "link"}, "1000-10")
    await quarantined(LAUNCH | {"lis_result_sourcedid": "older", "resource_link_id": "link"}, "1000-9")
    assert [result for result, _ in await replay()] == ["refused", "refused"]
    await LtiConsumer.create(consumer_name="campus", consumer_key="key", consumer_secret="secret")
    assert await replay() == [("applied", ""), ("applied", "")]
    row = await GradedAssignment.get()
    assert (row.lis_result_sourcedid, row.registered_us, row.entry_id) == ("newer", 1_000_000, "1000-10")
    assert await QuarantinedEvent.all().count() == 0


async def test_what_is_still_refused_stays_with_its_new_reason_and_the_rest_is_applied(replay):
    await quarantined(SCORE | {"points_earned": "NaN"}, "1-0")
    await quarantined(SCORE, "2-0")
    (refused, reason), (applied, _) = await replay()
    assert (refused, applied) == ("refused", "applied")
    (left,) = await QuarantinedEvent.all()
    assert left.reason == reason
    assert "points_earned is not a finite number" in reason
    assert (await Score.get()).points_earned == 1


async def test_a_score_from_before_what_is_known_is_stale_and_changes_nothing(replay):
    await apply_score("u", "c", "p", points=(2, 2), modified_us=2_000_000)
    await quarantined(SCORE, "1000-0")
    assert await replay() == [("stale", "")]
    assert (await Score.get()).points_earned == 2
    assert await QuarantinedEvent.all().count() == 0


async def test_an_entry_of_which_only_the_beginning_was_kept_is_read_from_the_stream_again(replay, valkey_url):
    long = SCORE | {"padding": "x" * 5000}
    async with redis.asyncio.from_url(valkey_url) as client:
        stream = Stream(client, "events")
        await client.xadd("events", long, id="1000-0")
        await quarantined(long, "1000-0")
        ((refused, reason),) = await replay()
        assert refused == "refused"
        assert "the tool has to send it again" in reason
        assert await replay(stream) == [("applied", "")]
        await quarantined(long, "999-0")
        assert (await replay(stream))[0][0] == "refused", "the stream no longer holds it"


async def test_an_event_whose_entry_lies_in_the_future_is_applied_as_of_when_it_was_read(replay):
    content, _ = content_of({name.encode(): value.encode() for name, value in SCORE.items()})
    at = 1_767_268_800_000
    event = {"type": "score.changed", "content": content, "reason": "ahead"}
    await QuarantinedEvent.create(epoch=0, entry_id="32503680000000-0", at=at, **event)
    assert await replay() == [("applied", "")]
    assert (await Score.get()).modified_us == at * 1000


async def test_no_time_is_stored_by_a_clock_that_has_stepped(replay):
    await LtiConsumer.create(consumer_name="campus", consumer_key="key", consumer_secret="secret")
    clock = Clock(Ticker())
    await clock.measure()
    now = clock.now()
    # The database's clock was set back by an hour since, and a daemon has seen that.
    clock.adopt(ClockReading((now + 3_600_000) - clock.monotonic() * 1000, 0, 0.0))
    await ClockWatch.create(id=1, seen_at=now, steps=1)
    await quarantined(LAUNCH, "1000-1")
    assert await replay(clock=clock) == [("applied", "")]
    assert (await GradedAssignment.get()).due_at < now + 60_000

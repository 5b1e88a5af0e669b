"""Redis loses what it held: the relay notices, and sends it again."""

from datetime import timedelta
from typing import Any

import pytest
import redis
from lms.djangoapps.grades.course_data import COLLECTED
from opaque_keys.edx.keys import CourseKey
from site_of_tests import NOON, STREAM, UNIT, Clock, Site, block, hours

from openedx_passbackd.relay import ASSIGNMENTS_AGAIN, FIRST, Relay
from openedx_passbackd.state import StreamLostError


@pytest.mark.parametrize(
    "lost",
    ["everything", "the stream", "the entries after a backup", "the stream, and others wrote", "and another saw it"],
)
def test_after_a_loss_it_goes_a_day_back(site: Site, silent: None, relay: Relay, clock: Clock, lost: str) -> None:
    site.launch()
    for age, problem in ((FIRST, "p1"), (FIRST + timedelta(seconds=1), "p2")):
        site.store(1.0, usage_key=block("problem", problem), modified=NOON - age)
    relay.sweep()
    sent = site.events()
    if lost == "everything":
        site.client.flushdb()
    else:
        site.client.delete(STREAM)
    if lost == "the entries after a backup":
        site.client.xadd(STREAM, {"type": "old"}, id="1-1")
    if lost == "the stream, and others wrote":
        site.client.xadd(STREAM, {"type": "new"})
    assert relay.sweep() == len(sent)
    again = site.events()[-len(sent) :]
    assert [{**event, "version": ""} for event in again] == [{**event, "version": ""} for event in sent]


@pytest.mark.parametrize("others_wrote", [False, True])
def test_after_a_loss_of_the_newest_alone_the_same_process_sends_it_again(
    site: Site, silent: None, relay: Relay, others_wrote: bool
) -> None:
    site.launch()
    relay.sweep()
    older = {key: site.client.dump(key) for key in site.client.scan_iter()}
    site.store(1.0)
    relay.sweep()
    # As after a crash, or a restored backup: the stream, and how far the relay has got, are those of before.
    for key, value in older.items():
        site.client.restore(key, 0, value, replace=True)
    assert site.events("score.changed") == []
    if others_wrote:
        site.client.xadd(STREAM, {"type": "new"})
    relay.sweep()
    assert len(site.events("score.changed")) == 1


def test_a_stream_that_passbackd_has_trimmed_is_not_lost(site: Site, silent: None, relay: Relay, clock: Clock) -> None:
    site.launch()
    site.store(1.0)
    assert relay.sweep() == 3
    site.client.xtrim(STREAM, 1)
    assert relay.sweep() == 0
    site.client.xtrim(STREAM, 0)
    assert relay.sweep() == 0
    site.client.xadd(STREAM, {"type": "new"})
    assert relay.sweep() == 0
    assert Relay(site.client, STREAM, now=clock).sweep() == 2


def test_what_was_lost_in_the_middle_of_a_sweep_is_sent_by_the_next(site: Site, silent: None, clock: Clock) -> None:
    lost = []

    def collect(course_key: CourseKey) -> Any:
        if site.events("launch") and not lost:
            lost.append(site.client.flushdb())
        return COLLECTED[course_key]

    site.client.xadd(STREAM, {"type": "old"})
    site.launch()
    site.store(1.0)
    relay = Relay(site.client, STREAM, now=clock, collect=collect)
    with pytest.raises(StreamLostError):
        relay.sweep()
    assert site.events("launch") == []
    assert relay.sweep() == 3


def test_launches_that_passbackd_had_not_read_are_sent_again(site: Site, silent: None, relay: Relay) -> None:
    site.launch(UNIT)
    site.assign_many(ASSIGNMENTS_AGAIN + 1)
    relay.sweep()
    site.client.flushdb()
    relay.sweep()
    assert len(site.events("launch")) == ASSIGNMENTS_AGAIN + 2


def test_a_sweep_that_failed_is_repeated_as_far(site: Site, silent: None, relay: Relay, clock: Clock) -> None:
    site.launch()
    relay.sweep()
    site.store(1.0)
    broken = Relay(site.client, STREAM, now=clock)
    site.client.config_set("maxmemory", "1")
    try:
        clock.now += hours(5)
        with pytest.raises(redis.RedisError):
            broken.sweep()
    finally:
        site.client.config_set("maxmemory", "0")
    assert site.events("score.changed") == []
    broken.sweep()
    assert len(site.events("score.changed")) == 1

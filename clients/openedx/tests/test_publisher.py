"""A learner's submit while Redis is away, hangs, is full or takes no writes: real servers, the real receivers."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from django.test import override_settings
from lms.djangoapps.courseware.models import StudentModule
from site_of_tests import STREAM, Site

from openedx_passbackd import counters
from openedx_passbackd.events import user_retired
from openedx_passbackd.publisher import PAUSE, TIMEOUT, Publisher, connect


@contextmanager
def hanging() -> Iterator[tuple[str, list[socket.socket]]]:
    """A server that takes connections and never answers; its URL, and the connections that it took."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closing = threading.Event()

        def accept() -> None:
            while not closing.is_set():
                connection, _ = listener.accept()
                taken.append(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        port = listener.getsockname()[1]
        try:
            yield f"redis://127.0.0.1:{port}/0", taken
        finally:
            closing.set()
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join()
            for connection in taken:
                connection.close()


def submit_is_not_broken(site: Site, url: str, caplog: pytest.LogCaptureFixture) -> float:
    """Launch with a working Redis, then submit twice with that at *url*; the seconds that both took together."""
    site.launch()
    before = counters.counts()
    with override_settings(PASSBACKD_REDIS_URL=url):
        began = time.perf_counter()
        site.submit(1.0)
        site.submit(2.0)
        took = time.perf_counter() - began
    assert StudentModule.objects.get().grade == 4.0
    assert counters.counts()["failed"] == before.get("failed", 0) + 1
    assert counters.counts()["skipped"] == before.get("skipped", 0) + 1
    assert "Redis did not take score.changed" in caplog.text
    assert "secret" not in caplog.text
    return took


def test_a_submit_succeeds_while_redis_is_down(site: Site, servers: Any, caplog: pytest.LogCaptureFixture) -> None:
    port = servers.Port()
    submit_is_not_broken(site, f"redis://127.0.0.1:{port.number}/0", caplog)
    port.close()


def test_a_submit_waits_once_and_shortly_while_redis_hangs(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with hanging() as (url, taken):
        took = submit_is_not_broken(site, url, caplog)
    # One connection for both submits and one wait, however busy the machine is; that of the test's end is the other.
    assert len(taken) <= 2
    assert took >= TIMEOUT


def test_a_submit_succeeds_while_redis_is_full(site: Site, own_valkey: Any, caplog: pytest.LogCaptureFixture) -> None:
    with redis.Redis.from_url(own_valkey.url()) as admin:
        admin.config_set("maxmemory-policy", "noeviction")
        admin.config_set("maxmemory", "1")
        submit_is_not_broken(site, own_valkey.url(), caplog)


def test_a_submit_succeeds_while_redis_takes_no_writes(
    site: Site, valkey: Any, own_valkey: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with redis.Redis.from_url(own_valkey.url()) as admin:
        admin.replicaof(valkey.host, valkey.port)
        submit_is_not_broken(site, own_valkey.url(), caplog)


def test_nothing_makes_a_submit_wait_longer_not_even_the_look_up_of_a_name(client: redis.Redis) -> None:
    # This blocks as the system's resolver may, which takes no limit.
    is_over = threading.Event()
    before = counters.counts().get("failed", 0)
    try:
        assert not Publisher(client, STREAM).run(lambda _: is_over.wait(), what="an event")
        assert not is_over.is_set()
    finally:
        is_over.set()
    assert counters.counts()["failed"] == before + 1


def test_redis_is_left_alone_for_a_while_after_a_failure_and_then_tried_again(client: redis.Redis, valkey: Any) -> None:
    class Clock:
        now = 0.0

    broken = Publisher(connect("redis://127.0.0.1:1/0", TIMEOUT), STREAM, lambda: Clock.now)
    event = user_retired(1)
    before = counters.counts()
    assert not broken.publish([event])
    Clock.now = PAUSE - 0.1
    assert not broken.publish([event])
    assert counters.counts()["skipped"] == before.get("skipped", 0) + 1
    Clock.now = PAUSE
    assert not broken.publish([event])
    assert counters.counts()["failed"] == before.get("failed", 0) + 2
    working = Publisher(client, STREAM, lambda: Clock.now)
    assert working.publish([event, event])
    assert client.xlen(STREAM) == 2


def test_without_an_address_nothing_is_tried(site: Site) -> None:
    with override_settings(PASSBACKD_REDIS_URL=None):
        site.launch()
        site.submit(1.0)
    assert site.events() == []

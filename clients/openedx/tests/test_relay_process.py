"""The relay as a process of its own."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from processes_of_tests import running
from servers_of_tests import servers
from site_of_tests import STREAM, Site
from test_publisher import hanging

from openedx_passbackd.management.commands.passbackd_relay import PAUSE
from openedx_passbackd.marks import Names

RELAY = ("-m", "django", "passbackd_relay")


def ends_when_asked(url: str, is_there: Callable[[], Any], log: Path, number: signal.Signals) -> None:
    """Start it, ask it to end once *is_there*, and see it end before its pause does."""
    with running(log, *RELAY, url=url) as relay:
        deadline = time.monotonic() + servers.PATIENCE
        while not is_there():
            assert relay.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        relay.send_signal(number)
        assert relay.wait(PAUSE - 5) == 0, log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_the_middle_of_a_pause(
    site: Site, redis_url: str, client: redis.Redis, tmp_path: Path, number: signal.Signals
) -> None:
    site.launch()
    ends_when_asked(redis_url, lambda: client.exists(Names(STREAM).state), tmp_path / "log", number)


def test_it_ends_in_the_middle_of_a_sweep(site: Site, tmp_path: Path) -> None:
    site.launch()
    with hanging() as (url, taken):
        ends_when_asked(url, lambda: taken, tmp_path / "log", signal.SIGTERM)
    # It had waited for no answer: a connection that times out is followed by another.
    assert len(taken) == 2

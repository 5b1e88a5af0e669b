"""What the daemon sends to systemd."""

import asyncio
import socket

import pytest

from daemon.infra.loop import STUCK, Loop
from daemon.infra.stop import Stop
from daemon.loops.systemd import EVERY, Notifier, Watchdog, notifier
from daemon.web.health import Health
from tests.actors.sending import Ticker
from tests.daemon.doubles import NotedNotifier, Sleepless


def test_each_state_is_one_datagram_also_to_an_abstract_address():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(5)
        listener.bind(f"\0passbackd-test-{id(listener)}")
        systemd = Notifier(f"@passbackd-test-{id(listener)}")
        systemd.ready()
        systemd.reloading()
        systemd.status("3 due,\n1 parked")
        systemd.alive()
        systemd.stopping()
        heard = [listener.recv(4096).decode() for _ in range(5)]
    assert heard[0] == "READY=1"
    assert heard[1].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert heard[2:] == ["STATUS=3 due, 1 parked", "WATCHDOG=1", "STOPPING=1\nSTATUS=draining"]


@pytest.mark.parametrize("address", [None, "", "/nowhere/at/all"])
def test_an_address_without_a_listener_is_no_error(address):
    Notifier(address).ready()


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, None),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "30000000"}, 30.0),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"}, 30.0),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "43"}, None),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "0"}, None),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_that_of_the_environment_if_it_names_this_process(environ, seconds):
    assert notifier(environ, 42).watchdog_seconds == seconds


@pytest.mark.parametrize(("watchdog", "every"), [(None, EVERY), (30.0, EVERY), (4.0, 2.0)])
async def test_the_watchdog_gets_two_signs_of_life_within_its_time(watchdog, every):
    systemd, stop = NotedNotifier(watchdog), Sleepless()
    await Watchdog(systemd, Health(), lambda: "fine").step(stop)
    assert systemd.sent == ["WATCHDOG=1", "STATUS=fine"]
    assert stop.slept == [every]


async def test_a_loop_that_hangs_starves_the_watchdog():
    async def hangs(_stop):
        await release.wait()

    release, stop, ticker = asyncio.Event(), Stop(), Ticker()
    health, systemd = Health(), NotedNotifier(10.0)
    loop = Loop("intake", hangs, monotonic=ticker)
    health.started([loop], None, None)
    watchdog, running = Watchdog(systemd, health, lambda: "fine"), asyncio.create_task(loop.run(stop))
    await watchdog.step(Sleepless())
    ticker.seconds += STUCK
    await watchdog.step(Sleepless())
    assert systemd.sent == ["WATCHDOG=1", "STATUS=fine", "STATUS=fine"], "the supervisor restarts it"
    stop.set()
    release.set()
    await running

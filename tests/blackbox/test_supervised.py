"""The daemon under a supervisor that speaks sd_notify: ready, alive, reloaded, stopping."""

import signal

import pytest

from tests.blackbox.daemon import wait_until
from tests.blackbox.supervisor import listening_supervisor
from tests.blackbox.world import launch, score, structure


@pytest.fixture
def pair(pair):
    """Its daemons start as a supervisor would start them."""
    pair.starts_anew = True
    return pair


@pytest.fixture
def supervisor(tmp_path):
    with listening_supervisor(tmp_path) as supervisor:
        yield supervisor


def test_a_supervisor_sees_it_start_live_reload_and_stop(pair, campus, supervisor):
    pair.add_consumer()
    pair.set("outcomes", composite_delay_seconds=600, composite_max_delay_seconds=900)
    daemon = pair.run(NOTIFY_SOCKET=supervisor.address, WATCHDOG_USEC="600000")
    supervisor.wait_for("READY=1")
    daemon.wait_ready()
    supervisor.wait_for("WATCHDOG=1", 3)
    supervisor.wait_for("STATUS=0 due, 0 waiting, 0 claimed, 0 parked, 0 of 0 campuses not up, 0 events to apply")

    # A wrong configuration is logged, and the old one stays in force.
    good = pair.config.read_text()
    pair.write(good.replace("timeout_seconds = 5", "timeout_seconds = -5"))
    daemon.process.send_signal(signal.SIGHUP)
    supervisor.wait_for("RELOADING=1", 1)
    supervisor.wait_for("READY=1", 2)
    (event,) = daemon.logged("the configuration is wrong")
    assert "outcomes.timeout_seconds" in event["faults"][0]

    # A chapter's delay of ten minutes ends at once; what needs a restart is named.
    pair.write(good)
    pair.set("outcomes", composite_delay_seconds=0.1, composite_max_delay_seconds=1, timeout_seconds=4)
    pair.set("log", level="debug")
    daemon.process.send_signal(signal.SIGHUP)
    supervisor.wait_for("READY=1", 3)
    (event,) = daemon.logged("the configuration was reloaded")
    delays = ["outcomes.composite_delay_seconds", "outcomes.composite_max_delay_seconds"]
    assert event["changed"] == [*delays, "log.level"]
    assert event["needs_a_restart"] == ["outcomes.timeout_seconds"]
    pair.add(structure(), launch("ada", "chapter", "ada-1", campus.url()), score("ada", "problem-1", 10))
    wait_until("the chapter's grade came", lambda: campus.grade("ada-1") == "0.25")
    assert any(event["level"] == "debug" for event in daemon.events())

    daemon.stop()
    assert "STOPPING=1" in supervisor.heard()


def test_a_reload_before_it_has_started_does_not_end_it(pair, supervisor):
    pair.add_consumer()
    url = pair.settings["redis"]["url"]
    pair.set("redis", url="redis://127.0.0.1:1/0")
    daemon = pair.run(NOTIFY_SOCKET=supervisor.address)
    daemon.wait_until("it waits for Redis", lambda: "redis" in daemon.page("/readyz")[1])
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_until("it says so", lambda: daemon.logged("still starting"))
    assert supervisor.heard() == []
    pair.set("redis", url=url)
    daemon.stop()


def test_it_is_ready_once_its_heartbeat_is_in_the_database(pair, supervisor):
    """So that a script that starts it, and asks for the status at once, finds it."""
    pair.add_consumer()
    pair.rows("ALTER TABLE heartbeat RENAME TO away")
    daemon = pair.run(NOTIFY_SOCKET=supervisor.address)
    daemon.wait_until("it says why it waits", lambda: "heartbeat" in daemon.page("/readyz")[1])
    assert supervisor.heard() == []
    pair.rows("ALTER TABLE away RENAME TO heartbeat")
    supervisor.wait_for("READY=1")
    assert daemon.status()["daemons"]["running"] == 1


def test_it_ends_in_good_order_although_its_first_heartbeat_waits(pair, supervisor):
    pair.add_consumer()
    pair.rows("ALTER TABLE heartbeat RENAME TO away")
    daemon = pair.run(NOTIFY_SOCKET=supervisor.address)
    daemon.wait_until("it says why it waits", lambda: "heartbeat" in daemon.page("/readyz")[1])
    daemon.stop()
    assert daemon.logged("stopped before it had started")
    assert "READY=1" not in supervisor.heard()
    pair.rows("ALTER TABLE away RENAME TO heartbeat")

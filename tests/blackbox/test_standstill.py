"""Intake whose row is locked by a session that does nothing, and that goes on once it is gone."""

import asyncio
import threading
from contextlib import contextmanager

from tortoise.transactions import in_transaction

from models.db.database import open_database
from models.stream_position import lock_position
from tests.blackbox.world import launch, score


@contextmanager
def locked_row(url):
    """A session holds the lock of the intake's row meanwhile."""
    locked, release = threading.Event(), threading.Event()

    async def hold():
        async with open_database(url, patient=True), in_transaction():
            await lock_position()
            locked.set()
            while not release.is_set():
                await asyncio.sleep(0.1)
                await lock_position()  # or the server would end an idle transaction

    holder = threading.Thread(target=lambda: asyncio.run(hold()))
    holder.start()
    try:
        assert locked.wait(60)
        yield
    finally:
        release.set()
        holder.join()


def test_intake_that_is_stuck_is_reported_everywhere_by_every_daemon_and_goes_on_by_itself(
    make_world, migrated_database, valkey_url, campus
):
    url = migrated_database("postgresql")
    world = make_world(url, valkey_url)
    daemons = [world.begin(), world.run().wait_ready()]
    world.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    daemons[0].wait_settled()
    with locked_row(url):
        world.add(score("ada", "problem-1", 10))
        for daemon in daemons:
            daemon.wait_until("it says so", lambda daemon=daemon: daemon.logged("intake is stuck"), 120)
            code, text = daemon.page("/readyz")
            assert (code, "intake: 1 event to apply" in text, daemon.metric("passback_intake_stalled")) == (
                503,
                True,
                1,
            )
        daemons[0].wait_until(
            "status says so", lambda: any("intake" in line for line in daemons[0].status()["troubles"])
        )
    for daemon in daemons:
        daemon.wait_ready()
        daemon.wait_settled()
        daemon.wait_until("it says that it goes on", lambda daemon=daemon: daemon.logged("intake goes on"))
        assert [len(daemon.logged(words)) for words in ("intake is stuck", "intake goes on")] == [1, 1]
        daemon.stop()
    assert campus.gradebook == {("/outcomes", "ada-1"): "1"}

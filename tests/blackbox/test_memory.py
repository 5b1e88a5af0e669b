"""How much memory a daemon takes, whatever comes."""

import psutil
import pytest

from tests.blackbox.world import launch

#: As large as each field of a launch may be, in characters of four bytes where that is allowed.
WIDE = "\U0001f600"
#: Bytes.
LIMIT = 250 * 1024 * 1024
LAUNCHES, AT_ONCE = 2_500, 250
#: Seconds, on a machine that has much else to do.
PATIENCE = 420.0


def largest(number):
    address = f"http://127.0.0.1:9/{number}?"
    details = ("lti_user_id", "resource_link_id", "context_title", "resource_link_title")
    texts = dict.fromkeys(details, f"{number:>8}{WIDE * 1016}") | {"tool_consumer_instance_guid": WIDE * 1024}
    sourcedid = f"{number:>8}{WIDE * 8184}"
    return launch(f"learner-{number}", "problem-1", sourcedid, address.ljust(2048, "x"), **texts)


@pytest.mark.timeout(PATIENCE + 60)
def test_the_largest_launches_take_less_than_250_mb_however_many_come(make_world, migrated_database, valkey_url):
    world = make_world(migrated_database("sqlite"), valkey_url)
    # Of its own memory: one that is forked has imported what only commands need.
    world.starts_anew = True
    daemon = world.begin()
    process, highest = psutil.Process(daemon.process.pid), 0

    def is_read() -> bool:
        nonlocal highest
        highest = max(highest, process.memory_info().rss)
        return (daemon.status() or {}).get("stream_lag") == 0

    for start in range(0, LAUNCHES, AT_ONCE):
        world.add(*map(largest, range(start, start + AT_ONCE)))
        # So that the server need not hold them all: what is read is no longer needed.
        daemon.wait_until("they are read", is_read, PATIENCE)
    assert world.count("graded_assignment") == LAUNCHES
    assert highest < LIMIT, f"{highest / 1024 / 1024:.0f} MB"
    daemon.stop()

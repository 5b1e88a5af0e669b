"""Whatever strangers say to a daemon, and whatever an LMS answers: sending goes on, and a restart meets none of it."""

import socket
from contextlib import suppress

from tests.daemon.queue.malformed import MALFORMED, WRONG_ARGUMENTS, message
from tests.faults.malformed import ANSWERS, ENTRIES, REQUESTS
from tests.faults.setup import on_both_pairs
from tests.faults.tool import LEAF, LEARNERS
from tests.servers import HOST

NAMESPACE = "passback:dramatiq"
LEAVES = [f"{name}/{LEAF}" for name in LEARNERS]
QUEUES = ("outcomes.0", "outcomes.0.DQ")


def put_on_queues(client):
    """Every malformed message, on a queue and on its queue of delayed messages."""
    said = [*MALFORMED.values(), None]
    for number, (queue, data) in enumerate((queue, data) for queue in QUEUES for data in said):
        if data is not None:
            client.hset(f"{NAMESPACE}:{queue}.msgs", f"x{number}", data)
        client.rpush(f"{NAMESPACE}:{queue}", f"x{number}")
    for number, changes in enumerate(WRONG_ARGUMENTS.values()):
        for queue, eta in (("outcomes.0", None), ("outcomes.0.DQ", 1)):
            entry_id = f"{queue}-{number}"
            options = {"redis_message_id": entry_id, **({} if eta is None else {"eta": eta})}
            data = message(queue_name=queue, message_id=entry_id, options=options, **changes)
            client.hset(f"{NAMESPACE}:{queue}.msgs", entry_id, data)
            client.rpush(f"{NAMESPACE}:{queue}", entry_id)


def left_over(client):
    """Of the malformed ones, what a worker of a later time could find."""
    kept = []
    for queue in QUEUES:
        kept += client.hkeys(f"{NAMESPACE}:{queue}.msgs") + client.lrange(f"{NAMESPACE}:{queue}", 0, -1)
    return kept


def say(port, data):
    with socket.create_connection((HOST, port), 10) as connection:
        connection.settimeout(0.2)
        with suppress(OSError):
            connection.sendall(data)
            while connection.recv(65_536):
                pass


def flows(setup, daemon):
    for sourcedid in setup.tool.histories:
        setup.tool.change(sourcedid)
    daemon.wait_until("the new grades came", setup.has_newest, 120)


@on_both_pairs
def test_malformed_queue_messages_stop_nothing_and_survive_no_restart(setup):
    daemon = setup.begin()
    with setup.world.redis() as client:
        put_on_queues(client)
        daemon.wait_until("they are gone", lambda: not left_over(client))
    flows(setup, daemon)
    assert daemon.page("/livez")[0] == daemon.page("/readyz")[0] == 200
    refused = daemon.logged("a queue message was refused")
    assert len(refused) == len(QUEUES) * len(MALFORMED)
    daemon.kill()
    again = setup.daemon().wait_ready()
    flows(setup, again)
    assert not again.logged("a queue message was refused")


def test_malformed_requests_entries_and_answers_stop_nothing(setup):
    assert len(MALFORMED) + len(WRONG_ARGUMENTS) + len(REQUESTS) + len(ENTRIES) + len(ANSWERS) >= 60
    daemon = setup.begin()
    for data in REQUESTS.values():
        say(daemon.port, data)
    for fields in ENTRIES.values():
        setup.tool.redis.xadd("passback:events", dict(fields))
    flows(setup, daemon)
    assert setup.world.count("quarantined_event") == len(ENTRIES)
    for what in ANSWERS.values():
        # One each, so that it is the answer that is looked at and no breaker.
        struck = setup.strike(LEAVES[0], what)
        setup.tool.change(LEAVES[0])
        setup.campus.wait_for(lambda struck=struck: struck, 30)
        # A launch ends the backoff.
        setup.tool.come_back(LEAVES[0])
        daemon.wait_until("it came", setup.has_newest)
    assert daemon.page("/livez")[0] == daemon.page("/readyz")[0] == 200
    assert not [event for event in daemon.events() if "exception" in event]
    daemon.kill()
    flows(setup, setup.daemon().wait_ready())

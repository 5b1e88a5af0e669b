"""The HTTP intake of a whole daemon: what it answered 202 reaches the campus, through kills and changes of tokens."""

import http.client
import json
import random
import signal
import threading
import urllib.error
import urllib.request

import pytest

from tests.blackbox.daemon import wait_until
from tests.blackbox.world import STREAM, launch, score, structure
from tests.servers import HOST, Port

TOKEN, NEXT = "0123456789abcdef01234567", "fedcba9876543210fedcba98"


@pytest.fixture
def port():
    port = Port()
    yield port.number
    port.close()


@pytest.fixture
def world(make_world, migrated_database, valkey_url, port):
    world = make_world(migrated_database("sqlite"), valkey_url)
    world.set("intake", port=port, tokens=[TOKEN])
    world.add_consumer()
    return world


@pytest.fixture
def post(port):
    """Posts events; gives status and document, or 0 where nothing answers."""

    def post(*events, token=TOKEN):
        request = urllib.request.Request(
            f"http://{HOST}:{port}/events",
            json.dumps(events).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        # Refused, reset, or cut off within the answer.
        except (OSError, ValueError, http.client.HTTPException) as error:
            return 0, str(error)

    return post


def test_events_over_http_become_grades_and_tokens_change_without_a_restart(world, campus, port, post):
    daemon = world.run().wait_ready()
    url = campus.url("/outcomes")
    events = [structure(), launch("ada", "problem-1", "ada-1", url), score("ada", "problem-1", 5)]
    assert post(*events)[0] == 202
    status, document = post(launch("eve", "problem-1", "eve-1", "https://10.0.0.1/outcomes"))
    assert (status, document["errors"][0]["field"]) == (422, "lis_outcome_service_url")
    daemon.wait_settled()
    assert campus.gradebook == {("/outcomes", "ada-1"): "0.5"}

    for tokens, allowed in (([TOKEN, NEXT], (422, 422)), ([f"{NEXT} type=launch"], (401, 422))):
        world.set("intake", port=port, tokens=tokens)
        before = len(daemon.logged("the configuration was reloaded"))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_until("it has reloaded", lambda n=before: len(daemon.logged("configuration was reloaded")) > n)
        assert tuple(post({}, token=token)[0] for token in (TOKEN, NEXT)) == allowed
    assert post(score("ada", "problem-1", 6), token=NEXT)[0] == 403
    assert daemon.metric("passback_intake_requests_total", status="202") == 1
    for secret in (TOKEN, NEXT):
        assert secret not in daemon.log() + daemon.page("/metrics")[1] + daemon.page("/statusz")[1]


def test_what_was_answered_202_is_on_the_stream_and_nothing_of_what_was_refused(world, port, post):
    answered, refused, stop = [], [], threading.Event()

    def send(seed):
        chance = random.Random(seed)
        number = 0
        while not stop.is_set():
            number += 1
            events = [score(f"{seed}-{number}-{at}", "problem-1", 1) for at in range(chance.choice((1, 1, 7, 300)))]
            if chance.random() < 0.2:
                events.insert(chance.randrange(len(events) + 1), score("nobody", "problem-1", "many"))
                assert post(*events)[0] in (0, 422, 503)
                refused.extend(event["user_id"] for event in events)
                continue
            status, document = post(*events)
            if status == 202:
                answered.append((document["ids"], [event["user_id"] for event in events]))

    senders = [threading.Thread(target=send, args=(seed,)) for seed in range(6)]
    daemon = world.run().wait_ready()
    for sender in senders:
        sender.start()
    try:
        for _ in range(5):
            before = len(answered)
            wait_until("more is taken", lambda n=before: len(answered) > n + 15)
            daemon.kill()
            daemon = world.run().wait_ready()
    finally:
        stop.set()
        for sender in senders:
            sender.join()
    with world.redis() as redis:
        found = {entry_id.decode(): fields[b"user_id"].decode() for entry_id, fields in redis.xrange(STREAM)}
    for ids, users in answered:
        assert [found.get(entry_id) for entry_id in ids] == users
    assert refused
    assert not set(refused) & set(found.values())

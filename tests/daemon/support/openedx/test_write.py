"""What is compared with what is here, and how it is written."""

from collections import Counter
from ipaddress import ip_network

import pytest

from actors.egress import Egress
from daemon.infra.redis import redis_client
from daemon.ingest.stream import Stream
from daemon.support.openedx.read import read_files
from daemon.support.openedx.store import DumpStore
from daemon.support.openedx.survey import survey
from daemon.support.openedx.write import (
    MAX_WAITING,
    NO_DAEMON_SECONDS,
    PIPELINED,
    NoDaemonError,
    Portion,
    feed_slowly,
    store_consumers,
)
from models.consumer import LtiConsumer
from models.db.sql import Statement
from models.encryption import Cipher, new_key
from models.stream_position import read_position
from tests.daemon.support.openedx.dumps import assignment, consumer, service, write

NOW = 2_000_000_000_000


@pytest.fixture
def store(tmp_path):
    with DumpStore(tmp_path) as opened:
        yield opened


@pytest.fixture
async def stream(valkey_url):
    async with redis_client(valkey_url) as client:
        yield Stream(client, "events")


async def seen(store, path, *objects, cipher=None, egress=None):
    contents = read_files([write(path, *objects)], store, now=NOW)
    assert contents.faults == []
    return await survey(store, cipher or Cipher(), egress or Egress())


async def test_a_survey_counts_by_consumer_and_says_what_will_not_work(empty_database, store, tmp_path):
    found = await seen(
        store,
        tmp_path / "dump",
        consumer(),
        consumer(2, "other"),
        service(),
        service(2, "http://10.0.0.7/x", consumer_pk=2),
        service(3, "https://gone.example/", consumer_pk=9),
        assignment(1, user=1),
        assignment(2, user=1, usage="problem-2"),
        assignment(3, user=2, lis_result_sourcedid="x" * 255),
        assignment(4, user=3, disabled=1),
        assignment(5, outcome_service=2),
        assignment(6, outcome_service=3),
        assignment(7, outcome_service=4),
        egress=Egress(allow_networks=[ip_network("10.0.0.0/8")]),
    )
    one, other = found.consumers
    assert (one.assignments, one.disabled, one.learners, one.cut) == (4, 1, 3, 1)
    assert (dict(one.origins), one.refused) == ({"https://campus.example:443": 4}, {})
    assert (other.assignments, list(other.refused)) == (1, ["http://10.0.0.7/x"])
    assert "egress.allow_http" in other.refused["http://10.0.0.7/x"]
    assert (found.without_consumer, found.launches, found.unusable, found.differing) == (2, 4, [], [])


async def test_known_keys_are_compared_by_their_secrets_also_pending_or_encrypted_ones(empty_database, store, tmp_path):
    cipher, secret = Cipher([new_key()]), {"consumer_secret": "stale"}
    for key, columns in {
        "same": {"consumer_secret": cipher.encrypt("secret of same")},
        "pending": secret | {"pending_secret": cipher.encrypt("secret of pending")},
        "other": {"consumer_secret": cipher.encrypt("changed"), "paused_at": 1},
        "platform": secret | {"issuer": "https://lms", "client_id": "1"},
    }.items():
        await LtiConsumer.create(consumer_name=f"Campus {key}", consumer_key=key, **columns)
    await LtiConsumer.create(consumer_name="Campus named", consumer_key="another", **secret)
    keys = ("same", "pending", "other", "platform", "named", "new")
    names = [consumer(number, key) for number, key in enumerate(keys)]
    found = await seen(store, tmp_path / "dump", *names, consumer(9, "new", consumer_name="twin"), cipher=cipher)
    states = {one.consumer.key: one.state for one in found.consumers if not one.unusable}
    assert states == {"same": "same", "pending": "same", "other": "other secret", "new": "new"}
    assert [one.consumer.key for one in found.differing] == ["other"]
    assert [one.consumer.key for one in found.consumers if one.sends] == ["same", "pending", "platform"]
    assert [words.partition(":")[0] for words in found.unusable] == [
        "the key 'platform' is that of 'Campus platform', an LTI 1.3 platform",
        "'Campus named' is the name of the consumer with the key 'another'",
        "two consumers of the files have the key 'new' or the name of this one",
    ]


async def test_new_consumers_are_paused_and_encrypted_and_a_repeat_writes_nothing(empty_database, store, tmp_path):
    cipher, recorded = Cipher([new_key()]), []

    async def record(key, known):
        recorded.append((key, known))

    await LtiConsumer.create(consumer_name="old name", consumer_key="known", consumer_secret=cipher.encrypt("changed"))
    given = [consumer(1, "known"), consumer(2, "new", instance_guid="lms.example")]
    for expected in ({"added": 1, "changed": 1}, {}):
        found = await seen(store, tmp_path / "dump", *given, cipher=cipher)
        assert await store_consumers(found.consumers, cipher, now=NOW, record=record) == Counter(expected)
    assert recorded == [("known", True), ("new", False)]
    known, new = await LtiConsumer.all().order_by("id")
    assert (new.paused_at, new.instance_guid, new.consumer_name) == (NOW, "lms.example", "Campus new")
    assert (known.paused_at, known.consumer_name) == (None, "Campus known")
    assert [cipher.decrypt(one.consumer_secret) for one in (known, new)] == ["secret of known", "secret of new"]
    assert new.consumer_secret != "secret of new"


async def test_the_stream_is_fed_only_so_far_ahead_of_what_is_applied(empty_database, stream):
    """A daemon that applies all but slowly, and then none."""
    await read_position()
    clock, went = [0.0], []
    applied = Statement("UPDATE intake SET position = :position")

    def monotonic():
        clock[0] += NO_DAEMON_SECONDS * 0.6
        return clock[0]

    async def make():
        for first in range(0, MAX_WAITING + 3 * PIPELINED, PIPELINED):
            yield Portion([{"type": "score.changed", "number": str(first + at)} for at in range(PIPELINED)], left_out=1)

    def advance(portion):
        went.append(len(portion.events))

    made = make()
    with pytest.raises(NoDaemonError):
        await feed_slowly(made, stream, advance=advance, monotonic=monotonic)
    assert sum(went) == MAX_WAITING == await stream.redis.xlen("events")
    entries = await stream.redis.xrange("events")
    assert [int(fields[b"number"]) for _, fields in entries] == list(range(MAX_WAITING)), "in their order"
    await applied.rows(position=entries[-1][0].decode())
    await feed_slowly(made, stream, advance=advance, monotonic=monotonic)
    assert sum(went) == MAX_WAITING + 2 * PIPELINED

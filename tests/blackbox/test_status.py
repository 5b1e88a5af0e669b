"""`status`: the state, with servers up or down."""

import json
from urllib.parse import urlsplit

import pytest

from tests.blackbox.world import KEY, NAME, launch, score
from tests.fakes.lms import failure, success

KEYS = {"assignments", "oldest_due_seconds", "stream_lag", "quarantined", "campuses"}
CAMPUS_KEYS = {"consumer", "origin", "state", "due", "parked", "last_success", "last_error"}


def document(world, **environment):
    said = world.call("status", "--json", **environment)
    assert (said.code, said.err) == (0, "")
    return json.loads(said.out)


def page(world, **environment):
    said = world.call("status", **environment)
    assert (said.code, said.err) == (0, "")
    assert "\x1b" not in said.out, "a pipe gets no colours"
    return said.out


def refuse_ada(record):
    return failure("User is no longer in course") if record.sourcedid == "ada-1" else success()


def test_a_day_of_a_daemon_seen_by_status(pair, campus):
    """Before the first start; at work; with a refusal; after its end; without Redis."""
    campus.behave = refuse_ada
    said = pair.call("status")
    assert said.code == 2
    assert said.err.startswith("database.url: the schema is outdated")

    pair.add_consumer()
    text = page(pair)
    assert "no daemon is running: nothing is read or sent" in text
    assert f"{NAME}  no launch yet  up" in text
    assert document(pair)["campuses"] == []
    pair.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 1))
    assert document(pair)["stream_lag"] == 2
    assert "stream: 2 entries not yet applied" in page(pair)
    assert pair.count("intake") == 0, "a question writes nothing"

    daemon = pair.run().wait_ready()
    pair.add(launch("bob", "problem-1", "bob-1", campus.url()), score("bob", "problem-1", 7))
    daemon.wait_settled()
    text = page(pair, PASSBACKD_LOG__TIMEZONE="Asia/Tokyo")
    assert "1 daemon is running" in text
    assert "oldest due: none" in text
    assert "oldest parked: for " in text
    (row,) = [line for line in text.splitlines() if campus.url("") in line and NAME in line and " up " in line]
    assert row.split()[4:7] == ["0.2", "0", "1"], "grades a minute, due, parked"
    assert "JST (" in row
    assert f"{NAME} at {campus.url('')} " in text
    assert "User is no longer in course" in text
    assert document(pair) == daemon.status()

    daemon.kill()
    pair.add({"type": "launch"})
    found = document(pair)
    assert set(found) >= KEYS
    assert set(found["campuses"][0]) >= CAMPUS_KEYS
    assert found["stream_lag"] == 1


def test_a_daemon_that_was_killed_is_soon_missed(make_world, fresh_database, valkey_url):
    world = make_world(fresh_database("sqlite"), valkey_url)
    daemon = world.run().wait_ready()
    assert "1 daemon is running" in page(world)
    daemon.kill()
    world.rows("UPDATE heartbeat SET seen_at = seen_at - 3000000 RETURNING id")
    text = page(world)
    assert "no daemon is running" in text
    assert "one was last seen " in text
    assert "50 min" in text


@pytest.mark.parametrize("redis_server", ["redis-6.2"], indirect=True)
def test_without_redis_status_says_so_and_everything_else(world, redis_server):
    world.add_consumer()
    redis_server.stop()
    try:
        text = page(world)
        assert "stream: Redis does not answer" in text
        assert NAME in text
        assert document(world)["stream_lag"] is None
    finally:
        redis_server.start()
    assert document(world)["stream_lag"] == 0


def test_without_a_database_status_names_the_key(make_world, fresh_database, valkey_url, postgres):
    world = make_world(fresh_database("postgresql"), valkey_url)
    postgres.stop()
    try:
        said = world.call("status", "--json")
    finally:
        postgres.start()
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("database.url: the database cannot be reached: ")


@pytest.fixture
def reader(postgres):
    """A role that may look at one database's tables and do nothing else; ``url`` gives its URL."""
    roles = []

    def make(url):
        name = urlsplit(url).path.lstrip("/")
        role = f"support_{name}"
        roles.append((role, name))
        postgres.execute(f"CREATE ROLE {role} LOGIN")
        postgres.execute(f"GRANT CONNECT ON DATABASE {name} TO {role}")
        postgres.execute(f"GRANT USAGE ON SCHEMA public TO {role}", database=name)
        postgres.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}", database=name)
        return url.replace(f"{postgres.USER}@", f"{role}@")

    yield make
    for role, name in roles:
        postgres.execute(f"DROP OWNED BY {role}", database=name)
        postgres.execute(f"DROP ROLE {role}")


def test_a_role_that_may_only_read_sees_the_status(make_world, fresh_database, valkey_url, reader):
    world = make_world(fresh_database("postgresql"), valkey_url)
    world.add_consumer()
    support = reader(world.settings["database"]["url"])
    world.add({"type": "launch"})
    seen = document(world, PASSBACKD_DATABASE__URL=support)
    assert seen["stream_lag"] == 1
    assert NAME in page(world, PASSBACKD_DATABASE__URL=support)
    assert world.call("consumer", "remove", KEY, PASSBACKD_DATABASE__URL=support).code != 0
    assert world.count("lti_consumer") == 1

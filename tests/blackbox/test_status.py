"""`status`: with the daemon, Redis or the database up and down."""

import json

from tests.blackbox.world import NAME, launch, score
from tests.fakes.lms import failure, success


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


def test_status_follows_a_daemon_from_before_its_start_to_its_end(new_pair, campus):
    campus.behave = refuse_ada
    said = new_pair.call("status")
    assert said.code == 2
    assert said.err.startswith(("database.url: the schema is outdated", "database.url: there is no database"))

    new_pair.add_consumer()
    text = page(new_pair)
    assert "no daemon is running: nothing is read or sent" in text
    assert f"{NAME}  no launch yet  up" in text
    assert document(new_pair)["campuses"] == []
    new_pair.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 1))
    assert document(new_pair)["stream_lag"] == 2
    assert "stream: 2 entries not yet applied" in page(new_pair)
    assert new_pair.count("intake") == 0, "status writes nothing"

    daemon = new_pair.run().wait_ready()
    new_pair.add(launch("bob", "problem-1", "bob-1", campus.url()), score("bob", "problem-1", 7))
    daemon.wait_settled()
    # The last heartbeat may be from before it was ready.
    daemon.wait_until("its heartbeat is that of a ready daemon", lambda: document(new_pair)["troubles"] == [])
    text = page(new_pair, PASSBACKD_LOG__TIMEZONE="Asia/Tokyo")
    assert "1 daemon is running" in text
    assert "oldest due: none" in text
    assert "oldest parked: for " in text
    (row,) = [line for line in text.splitlines() if campus.url("") in line and NAME in line and " up " in line]
    assert row.split()[4:8] == ["0", "1", "1.0", "0.1"], "due, parked, grades a minute"
    assert "JST (" in row
    assert f"{NAME} at {campus.url('')} " in text
    assert "User is no longer in course" in text
    assert document(new_pair) == daemon.status()

    daemon.kill()
    new_pair.add({"type": "launch"})
    assert document(new_pair)["stream_lag"] == 1
    new_pair.rows("UPDATE heartbeat SET seen_at = seen_at - 3000000 RETURNING id")
    text = page(new_pair)
    assert "no daemon was seen since " in text
    assert "none is running (`passbackd run` starts one), it hangs" in text
    assert "50 min" in text


def test_without_a_database_status_names_the_key(make_world):
    world = make_world("postgresql://127.0.0.1:1/none", "redis://127.0.0.1:1/0")
    said = world.call("status", "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("database.url: the database cannot be reached: ")


def test_a_daemon_that_answers_and_was_not_seen_in_this_database_is_not_denied(world, migrated_database):
    daemon = world.begin()
    world.set("web", port=daemon.port)
    assert document(world)["daemons"] == {"running": 1, "last_seen": None}
    other = migrated_database("sqlite")
    text = page(world, PASSBACKD_DATABASE__URL=other)
    assert "a daemon of this machine answers, but none was seen in this database: it cannot write there" in text
    elsewhere = document(world, PASSBACKD_DATABASE__URL=other)
    assert elsewhere["daemons"] == {"running": 0, "last_seen": None, "answers_here": True}
    daemon.stop()
    assert document(world)["daemons"]["answers_here"] is False


def test_the_document_says_whether_redis_answers_where_the_lag_is_unknown(make_world, migrated_database):
    world = make_world(migrated_database("sqlite"), "redis://127.0.0.1:1/0")
    seen = document(world)
    assert (seen["stream_lag"], seen["redis_answers"]) == (None, False)
    assert seen["configuration"] == str(world.config)
    assert seen["database"].startswith("SQLite, ")

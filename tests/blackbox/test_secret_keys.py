"""Secrets at rest, their keys, and a change of secret on either side under load."""

import sqlite3

import pytest

from tests.blackbox.world import KEY, NAME, SECRET, launch, score, wait_until
from tests.fakes.lms import RecordingLms

NEXT = "the-next-secret"


@pytest.fixture
def plain_world(make_world, fresh_database):
    return make_world(fresh_database("sqlite"), "redis://127.0.0.1:1/0")


def key_of(world) -> str:
    said = world.call("secrets", "key")
    assert said.code == 0
    return said.out.strip()


def dump(world) -> str:
    url = world.settings["database"]["url"]
    if url.startswith("sqlite://"):
        with sqlite3.connect(url.removeprefix("sqlite://")) as database:
            return "\n".join(database.iterdump())
    return "\n".join(
        str(row)
        for table in world.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for row in world.rows(f"SELECT * FROM {table['tablename']}")
    )


def test_a_dump_without_the_key_holds_no_secret_and_after_a_rotation_the_old_key_is_not_needed(pair, campus):
    pair.add_consumer()
    assert SECRET.strip() in dump(pair), "as it is without a key"
    daemon = pair.run().wait_ready()
    assert any("not encrypted" in event["event"] for event in daemon.events())
    daemon.stop()

    old, new = key_of(pair), key_of(pair)
    pair.set("secrets", keys=[old])
    said = pair.call("secrets", "rotate")
    assert (said.code, said.out) == (
        0,
        "1 secrets encrypted anew with the first key; older keys are not needed any more\n",
    )
    assert "cret & more" not in dump(pair)
    assert SECRET.strip() not in dump(pair)

    pair.set("secrets", keys=[new, old])
    daemon = pair.run().wait_ready()
    assert any("newest key" in event["event"] for event in daemon.events())
    daemon.stop()
    assert pair.call("secrets", "rotate").out.startswith("1 secrets")
    pair.set("secrets", keys=[new])
    daemon = pair.run().wait_ready()
    pair.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    daemon.wait_settled()
    assert campus.grade("ada-1") == "0.5"
    assert not any("encrypted" in event["event"] for event in daemon.events())
    daemon.stop()

    shown = pair.call("config").out
    assert 'keys = ["***"]' in shown
    assert new not in shown
    for keys in ([old], []):
        pair.set("secrets", keys=keys)
        daemon = pair.run()
        assert daemon.process.wait(60) == 2
        assert f"secrets.keys: the secrets of {NAME} cannot be read with" in daemon.log()
        assert not any(key in daemon.log() for key in (old, new))
    assert pair.call("secrets", "rotate").code == 2
    said = pair.call("consumer", "add", "Another", "--key", "another", "--secret-stdin", stdin="plain\n")
    assert (said.code, said.err.startswith("secrets.keys: the other secrets are encrypted")) == (2, True)
    said = pair.call("reconcile")
    assert (said.code, said.err.startswith("secrets.keys: a consumer's secret cannot be read")) == (2, True), said.err


def test_a_key_that_is_none_is_named_and_not_quoted(plain_world):
    for keys in (["no key at all"], "no key at all"):
        plain_world.set("secrets", keys=keys)
        said = plain_world.call("check")
        assert said.code == 2
        assert said.err.startswith("secrets.keys (")
        assert "no key at all" not in said.err + plain_world.call("config").out


def test_a_change_of_secret_at_the_campus_loses_no_grade(pair):
    learners = [f"u{number}" for number in range(30)]
    with RecordingLms.in_thread(keys={KEY: SECRET}) as campus:
        pair.set("outcomes", max_per_campus=2)
        daemon = pair.begin()
        pair.add(*(launch(learner, "problem-1", f"s-{learner}", campus.url()) for learner in learners))
        pair.add(*(score(learner, "problem-1", 4) for learner in learners))
        wait_until("some are there", lambda: len(campus.gradebook) >= 5)
        said = pair.call("consumer", "add", NAME, "--key", KEY, "--pending", "--secret-stdin", stdin=f"{NEXT}\n")
        assert (said.code, "pending secret" in said.out) == (0, True), said.err
        assert "a pending secret" in pair.call("consumer", "list").out
        campus.keys[KEY] = NEXT
        pair.add(*(score(learner, "problem-1", 5) for learner in learners))
        daemon.wait_settled()
        assert set(campus.gradebook.values()) == {"0.5"}
        assert len(campus.gradebook) == len(learners)
        assert "a pending secret" not in pair.call("consumer", "list").out
        daemon.stop()

"""Commands that are forked do what those do that start anew."""

import time

import pytest


@pytest.fixture
def world(make_world, migrated_database):
    return make_world(migrated_database("sqlite"), "redis://127.0.0.1:1/0")


@pytest.mark.parametrize(
    "call", ["config", "consumer list --json", "consumer remove absent --yes", "status --nonsense", "nonsense", "-h"]
)
def test_a_forked_command_says_and_ends_as_one_that_starts_anew(world, call):
    assert world.call(*call.split()) == world.call_anew(*call.split())


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_forked_command_has_its_encoding(world, encoding):
    call = ("consumer", "remove", "n\u00f6body \U0001f600", "--yes")
    forked, anew = (how(*call, PYTHONIOENCODING=encoding) for how in (world.call, world.call_anew))
    assert forked == anew
    assert forked.err.isascii() is (encoding == "ascii")


def test_a_forked_command_has_its_input_its_environment_and_no_other_ones(world):
    added = world.call("consumer", "add", "Campus", "--key", "key", "--secret-stdin", stdin="a secret\n")
    assert (added.code, added.err) == (0, "")
    assert [row["consumer_secret"] for row in world.rows("SELECT consumer_secret FROM lti_consumer")] == ["a secret"]
    assert "port = 81 " in world.call("config", PASSBACKD_WEB__PORT="81").out
    assert "port = 0 " in world.call("config").out


def test_a_command_that_does_not_end_is_killed_and_the_next_one_runs(world, forking):
    around = {"home": world.home, "environment": {}, "stdin": ""}
    began = time.monotonic()
    with pytest.raises(AssertionError, match="run"):
        forking.run("run", "--config", str(world.config), patience=0.0, **around)
    assert time.monotonic() - began < 60
    assert world.call("config").code == 0

"""Commands that are forked do what those do that start anew."""

import time

import pytest


@pytest.mark.parametrize(
    "call", ["config", "consumer list --json", "consumer remove nobody --yes", "status --nonsense", "nonsense", "-h"]
)
def test_a_forked_command_says_and_ends_as_one_that_starts_anew(pair, call):
    pair.call("migrate")
    pair.add_consumer()
    assert pair.call(*call.split()) == pair.call_anew(*call.split())


def test_a_forked_command_has_its_input_its_environment_and_no_other_ones(pair):
    pair.call("migrate")
    added = pair.call("consumer", "add", "Campus", "--key", "key", "--secret-stdin", stdin="a secret\n")
    assert (added.code, added.err) == (0, "")
    assert [row["consumer_secret"] for row in pair.rows("SELECT consumer_secret FROM lti_consumer")] == ["a secret"]
    assert "port = 81 " in pair.call("config", PASSBACKD_WEB__PORT="81").out
    assert "port = 0 " in pair.call("config").out


def test_a_command_that_does_not_end_is_killed_and_the_next_one_runs(pair, forking):
    around = {"home": pair.home, "environment": {}, "folder": pair.folder, "stdin": ""}
    began = time.monotonic()
    with pytest.raises(AssertionError, match="run"):
        forking.run("run", "--config", str(pair.config), patience=0.0, **around)
    assert time.monotonic() - began < 60
    assert pair.call("config").code == 0

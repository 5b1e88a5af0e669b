"""The operator's commands, with the daemon up and down: what is parked is found, and sent once more."""

import json

import pytest

from tests.blackbox.world import KEY, NAME, SECRET, launch, score
from tests.fakes.lms import failure, success


def output(said, code=0):
    assert said.code == code, said.err
    assert "\x1b" not in said.out + said.err, "no colours in a pipe"
    return said.out


def test_what_a_campus_refused_is_parked_and_goes_out_when_it_is_sent_once_more(pair, campus):
    campus.behave = lambda record: failure("course has ended") if record.number < 2 else success()
    daemon = pair.begin()
    for name in ("ada", "bob"):
        pair.add(launch(name, "problem-1", f"{name}-1", campus.url()), score(name, "problem-1", 5))
    daemon.wait_until("both are parked", lambda: (daemon.status() or {})["assignments"]["parked"] == 2)
    (group,) = json.loads(output(pair.call("parked", "--json")))
    assert (group["consumer_key"], group["scope"], group["number"]) == (KEY, "course", 2)
    words = output(pair.call("parked"))
    assert "2 grades at Example University" in words
    assert "course has ended" in words
    assert f"passbackd resend --parked --consumer {KEY}" in words

    assert json.loads(output(pair.call("resend", "--parked", "--dry-run", "--json"))) == {"matched": 2, "marked": 0}
    assert "2 grades would be sent; nothing was changed" in output(pair.call("resend", "--all", "--dry-run"))
    assert campus.gradebook == {}
    marked = output(pair.call("resend", "--parked", "--consumer", KEY, "--json"))
    assert json.loads(marked) == {"matched": 2, "marked": 2}
    daemon.wait_settled()
    assert campus.gradebook == {("/outcomes", "ada-1"): "0.5", ("/outcomes", "bob-1"): "0.5"}

    # What the campus has is sent again only with force; with the daemon down it waits for the next start.
    daemon.stop()
    before = len(campus.requests)
    assert json.loads(output(pair.call("resend", "--user", "ada", "--json"))) == {"matched": 1, "marked": 1}
    output(pair.call("resend", "--user", "bob", "--force"))
    daemon = pair.run().wait_ready()
    daemon.wait_settled()
    assert [request.sourcedid for request in campus.requests[before:]] == ["bob-1"]
    daemon.stop()
    assert "nothing is parked" in output(pair.call("parked"))


def test_launches_from_before_their_campus_was_known_are_replayed_and_their_grades_arrive(pair, campus):
    daemon = pair.run().wait_ready()
    pair.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    pair.add(
        launch("bob", "problem-1", "bob-1", campus.url()), score("bob", "problem-1", 7), score("ada", "problem-1", 6)
    )
    daemon.wait_read()
    events = json.loads(output(pair.call("quarantine", "list", "--json")))
    assert [(event["user_id"], event["consumer_key"]) for event in events] == [("bob", KEY), ("ada", KEY)]
    assert "unknown consumer" in output(pair.call("quarantine", "list"))
    shown = output(pair.call("quarantine", "show", str(events[1]["id"])))
    assert "lis_result_sourcedid=ada-1" in shown
    said = pair.call("quarantine", "replay", "--all")
    assert "2 events replayed: 2 refused" in output(said, 1)
    assert "stays in quarantine: unknown consumer" in said.err

    added = pair.call("consumer", "add", NAME, "--key", KEY, "--secret-stdin", stdin=SECRET + "\n")
    assert f"passbackd quarantine replay --consumer {KEY}" in output(added)
    assert "2 events replayed: 2 applied" in output(pair.call("quarantine", "replay", "--consumer", KEY))
    daemon.wait_settled()
    assert campus.gradebook == {("/outcomes", "ada-1"): "0.6", ("/outcomes", "bob-1"): "0.7"}
    assert json.loads(output(pair.call("quarantine", "list", "--json"))) == []
    assert pair.call("quarantine", "drop").code == 2
    assert "0 events dropped" in output(pair.call("quarantine", "drop", "--all"))
    daemon.stop()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--consumer", "stranger"), "there is no consumer with the key 'stranger'"),
        (("--assignment", "7"), "there is no assignment 7"),
    ],
)
def test_a_resend_of_what_is_not_there_is_refused(make_world, fresh_database, arguments, words):
    world = make_world(fresh_database("sqlite"), "redis://127.0.0.1:1/0")
    output(world.call("migrate"))
    said = world.call("resend", *arguments)
    assert (said.code, words in said.err) == (1, True), said.err


def test_what_was_switched_off_before_its_campus_was_known_stays_off(pair, campus):
    daemon = pair.run().wait_ready()
    pair.add(
        launch("ada", "problem-1", "ada-1", campus.url()),
        {"type": "assignment.disabled", "oauth_consumer_key": KEY, "lis_result_sourcedid": "ada-1"},
        score("ada", "problem-1", 5),
    )
    daemon.wait_read()
    output(pair.call("consumer", "add", NAME, "--key", KEY, "--secret-stdin", "--replay", stdin=SECRET + "\n"))
    assert daemon.wait_settled()["assignments"]["disabled"] == 1
    assert json.loads(output(pair.call("quarantine", "list", "--json"))) == []
    assert campus.requests == []
    daemon.stop()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("why", "--user", "\udcff"), "an argument is not valid UTF-8"),
        (("parked", "--course", "\udcff"), "an argument is not valid UTF-8"),
        (("consumer", "add", "\udcff", "--key", "k"), "an argument is not valid UTF-8"),
    ],
)
def test_arguments_that_no_database_can_hold_are_named(make_world, fresh_database, arguments, words):
    world = make_world(fresh_database("sqlite"), "redis://127.0.0.1:1/0")
    output(world.call("migrate"))
    said = world.call(*arguments)
    assert (said.code, words in said.err) == (2, True), said.err


def test_an_unknown_campus_has_nothing_parked_and_is_named(make_world, fresh_database):
    world = make_world(fresh_database("sqlite"), "redis://127.0.0.1:1/0")
    output(world.call("migrate"))
    said = world.call("parked", "--consumer", "stranger")
    assert said.code == 1
    assert "there is no consumer with the key 'stranger'" in said.err


@pytest.mark.parametrize("command", ["replay", "drop"])
def test_an_event_that_is_not_there_is_named_and_nothing_is_changed(make_world, fresh_database, valkey_url, command):
    world = make_world(fresh_database("sqlite"), valkey_url)
    daemon = world.run().wait_ready()
    world.add({"type": "nonsense"})
    daemon.wait_read()
    daemon.stop()
    said = world.call("quarantine", command, "1", "999")
    assert said.code == 1
    assert "there is no event 999 in quarantine: nothing was changed" in said.err
    assert len(json.loads(output(world.call("quarantine", "list", "--json")))) == 1

"""Where each campus's grades may go, and who may launch in its name."""

import json

from tests.blackbox.world import KEY, NAME, SECRET, launch, score
from tests.fakes.lms import RecordingLms

OTHER = {"oauth_consumer_key": "other"}


def add_other(world):
    said = world.call("consumer", "add", "Other", "--key", "other", "--secret-stdin", stdin=SECRET + "\n")
    assert said.code == 0, said.err


def quarantined(world):
    """The reasons, the oldest first."""
    return [row["reason"] for row in world.rows("SELECT reason FROM quarantined_event ORDER BY id")]


def finding(world, campus):
    """What a deep check says of Example University."""
    found = json.loads(world.call("check", "--deep", "--json").out)["findings"]
    (one,) = [one for one in found if one["about"].startswith(f"{NAME} at {campus.url('').rstrip('/')}")]
    return one


def test_hosts_and_private_networks_are_allowed_to_one_campus_alone_by_every_command(pair, campus):
    pair.set("egress", allow_networks=[])
    pair.set(f"egress.campuses.{KEY}", allow_networks=["127.0.0.0/8"], allow_hosts=["127.0.0.1"])
    daemon = pair.begin()
    add_other(pair)
    by_name = campus.url().replace("127.0.0.1", "localhost")
    pair.add(
        launch("ada", "problem-1", "ada-1", campus.url()),
        launch("ada", "problem-2", "ada-2", by_name),
        launch("bob", "problem-1", "bob-1", campus.url(), **OTHER),
        launch("bob", "problem-2", "bob-2", by_name, **OTHER),
        *(score(who, usage, 5) for who in ("ada", "bob") for usage in ("problem-1", "problem-2")),
    )
    daemon.wait_until(
        "the other's name leads nowhere", lambda: pair.count("graded_assignment WHERE parked_at > 0") == 1
    )
    daemon.wait_settled()
    assert campus.gradebook == {("/outcomes", "ada-1"): "0.5"}
    not_mine, not_public = quarantined(pair)
    assert "'localhost' is no host of this campus" in not_mine
    assert f"egress.campuses.{KEY}.allow_hosts" in not_mine
    assert "127.0.0.1 is not a public address (loopback)" in not_public
    (parked,) = json.loads(pair.call("why", "--user", "bob", "--json").out)
    assert "is not a public address (loopback)" in parked["reason"] + json.dumps(parked["deliveries"])
    assert finding(pair, campus)["severity"] == "ok"
    assert pair.call("reconcile").code == 0
    assert any(request.reads for request in campus.requests)
    daemon.stop()

    asked = len(campus.requests)
    pair.set(f"egress.campuses.{KEY}", allow_hosts=["lms.example.edu"])
    assert "egress.campuses.example.allow_hosts" in finding(pair, campus)["cure"]
    daemon = pair.run().wait_ready()
    assert pair.call("resend", "--user", "ada", "--force").code == 0
    daemon.wait_until("it is parked", lambda: pair.count("graded_assignment WHERE parked_at > 0") == 2)
    assert len(campus.requests) == asked


def test_a_network_that_holds_everything_does_not_open_this_machine_and_check_says_so(world, campus):
    world.set("egress", allow_networks=["0.0.0.0/0", "::/0"])
    daemon = world.begin()
    world.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    daemon.wait_settled()
    (reason,) = quarantined(world)
    assert "127.0.0.1 is not a public address (loopback)" in reason
    assert "itself, which no wider one opens" in reason
    said = world.call("check").out
    assert "egress.allow_networks: 0.0.0.0/0 does not open" in said
    assert "127.0.0.0/8" in said
    assert campus.requests == []


def test_a_copy_of_an_lms_takes_over_no_grade_and_the_campus_may_move_once_the_operator_says_so(pair, campus):
    daemon = pair.begin()
    link = {"resource_link_id": "link"}
    pair.add(
        launch("ada", "problem-1", "ada-1", campus.url(), tool_consumer_instance_guid="lms.example.edu", **link),
        score("ada", "problem-1", 5),
    )
    daemon.wait_settled()
    with RecordingLms.in_thread(keys={KEY: SECRET}) as copy:
        staging = {"tool_consumer_instance_guid": "staging.example.edu", **link}
        pair.add(launch("ada", "problem-1", "ada-copy", copy.url(), **staging), score("ada", "problem-1", 6))
        daemon.wait_settled()
        assert copy.requests == []
        assert campus.grade("ada-1") == "0.6"
        (reason,) = quarantined(pair)
        assert "staging.example.edu" in reason
        assert "lms.example.edu" in reason
        command = f"passbackd consumer guid {KEY} staging.example.edu"
        assert f"`{command}`" in reason

        said = pair.call(*command.split()[1:])
        assert (said.code, said.out.splitlines()[0]) == (
            0,
            f"launches of {KEY} are taken from the instance staging.example.edu alone",
        )
        assert f"passbackd quarantine replay --consumer {KEY}" in said.out
        again = pair.call("consumer", "guid", KEY, "staging.example.edu").out
        assert again.startswith(f"launches of {KEY} are already taken from the instance staging.example.edu")
        assert pair.call("consumer", "guid", "nobody", "x").code == 1
        said = pair.call("quarantine", "replay", "--consumer", KEY)
        assert said.code == 0
        assert "a known consumer has a new origin" in said.err
        assert copy.url("").rstrip("/") in said.err
        copy.wait_for(lambda: copy.grade("ada-copy") == "0.6")
        (listed,) = json.loads(pair.call("consumer", "list", "--json").out)
        assert (listed["guid"], listed["origins"]) == (
            "staging.example.edu",
            [campus.url("").rstrip("/"), copy.url("").rstrip("/")],
        )
        assert copy.faults == []
    done = json.loads(pair.call("actions", "--json").out)
    assert {"consumer": KEY, "guid": "staging.example.edu"} in [
        one["selection"] for one in done if one["command"] == "consumer guid"
    ]

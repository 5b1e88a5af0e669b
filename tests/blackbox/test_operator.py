"""The operator's commands, with the daemon up and down: what is parked is found, and sent once more."""

import json

from tests.blackbox.world import KEY, NAME, SECRET, launch, score
from tests.fakes.lms import failure, success

EVENT = """
    INSERT INTO quarantined_event (id, epoch, entry_id, at, type, reason, content)
    VALUES (1, 0, '1-1', 0, 'unknown', 'unknown type', '') RETURNING id"""

#: Commands that name what is not there or not possible, their exit codes and what they say.
REFUSED = [
    ("resend --consumer stranger", 1, "--consumer: there is no consumer with the key 'stranger'"),
    ("resend --assignment 7", 1, "nothing matches: there is no assignment 7"),
    ("resend --user ada", 1, "nothing matches: there is no grade of learner 'ada'; see `passbackd why`"),
    ("resend --course c --json", 1, "nothing matches: there is no grade in course 'c'"),
    ("resend --user ada --course c --parked --dry-run", 1, "there is no grade of learner 'ada' in course 'c'"),
    ("parked --consumer stranger", 1, "--consumer: there is no consumer with the key 'stranger'"),
    ("reconcile --consumer stranger", 1, "--consumer: there is no consumer with the key 'stranger'"),
    ("baseline --before 2026-03-02T08:00Z --consumer stranger", 1, "there is no consumer with the key 'stranger'"),
    ("baseline --before 2026-03-02T08:00Z --course c", 1, "nothing matches: there is no grade in course 'c'"),
    ("quarantine replay 1 999", 1, "there is no event 999 in quarantine: nothing was changed"),
    ("quarantine drop 1 999", 1, "there is no event 999 in quarantine: nothing was changed"),
    ("why --user \udcff", 2, "an argument is not valid UTF-8"),
    ("parked --course \udcff", 2, "an argument is not valid UTF-8"),
    ("consumer add \udcff --key k", 2, "an argument is not valid UTF-8"),
]


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

    seen = json.loads(output(pair.call("resend", "--parked", "--dry-run", "--json")))
    assert seen == {"matched": 2, "marked": 0, "would_send": 2, "would_skip": 0, "without_score": 0}
    assert "2 grades would be sent; nothing was changed" in output(pair.call("resend", "--all", "--dry-run"))
    assert campus.gradebook == {}
    marked = output(pair.call("resend", "--parked", "--consumer", KEY, "--json"))
    assert json.loads(marked) == {"matched": 2, "marked": 2}
    daemon.wait_settled()
    assert campus.gradebook == {("/outcomes", "ada-1"): "0.5", ("/outcomes", "bob-1"): "0.5"}

    dry = output(pair.call("resend", "--all", "--dry-run"))
    assert "0 grades would be sent; nothing was changed" in dry
    assert "2 grades would be skipped: the campus acknowledged that score last; --force sends it too" in dry
    assert "2 grades would be sent; nothing was changed" in output(pair.call("resend", "--all", "--dry-run", "--force"))

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


def test_what_came_before_its_campus_was_known_is_replayed_in_order_and_the_grades_arrive(pair, campus):
    daemon = pair.run().wait_ready()
    pair.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    pair.add(launch("bob", "problem-1", "bob-1", campus.url()), score("bob", "problem-1", 7))
    off = {"type": "assignment.disabled", "oauth_consumer_key": KEY, "lis_result_sourcedid": "bob-1"}
    pair.add(off, score("ada", "problem-1", 6))
    daemon.wait_read()
    events = json.loads(output(pair.call("quarantine", "list", "--json")))
    assert [(event["type"], event["user_id"], event["consumer_key"]) for event in events] == [
        ("assignment.disabled", None, KEY),
        ("launch", "bob", KEY),
        ("launch", "ada", KEY),
    ]
    assert "unknown consumer" in output(pair.call("quarantine", "list"))
    shown = output(pair.call("quarantine", "show", str(events[2]["id"])))
    assert "lis_result_sourcedid=ada-1" in shown
    said = pair.call("quarantine", "replay", "--all")
    assert "3 events replayed: 3 refused" in output(said, 1)
    assert "stays in quarantine: unknown consumer" in said.err

    add = ("consumer", "add", NAME, "--key", KEY, "--secret-stdin", "--replace")
    added = output(pair.call(*add, stdin=SECRET + "\n"))
    assert f"passbackd quarantine replay --consumer {KEY}" in added
    # In the order of the stream: the launch of what the tool has disabled since does not enable it.
    assert "3 events replayed: 3 applied" in output(pair.call(*add, "--replay", stdin=SECRET + "\n"))
    assert daemon.wait_settled()["assignments"]["disabled"] == 1
    assert campus.gradebook == {("/outcomes", "ada-1"): "0.6"}
    assert json.loads(output(pair.call("quarantine", "list", "--json"))) == []
    assert "0 events dropped" in output(pair.call("quarantine", "drop", "--all"))
    pair.add(launch("eve", "problem-1", "eve-1", campus.url()) | {"oauth_consumer_key": "new"})
    daemon.wait_read()
    added = output(pair.call("consumer", "add", "New", "--key", "new", "--secret-stdin", stdin=SECRET + "\n"))
    assert "1 event with this key is in quarantine" in added
    daemon.stop()


def test_what_is_not_there_is_named_and_nothing_is_changed(make_world, migrated_database):
    world = make_world(migrated_database("sqlite"), "redis://127.0.0.1:1/0")
    world.rows(EVENT)
    for call, code, words in REFUSED:
        said = world.call(*call.split())
        assert said.code == code, said.err
        assert said.out == ""
        assert words in said.err
    assert world.count("quarantined_event") == 1


def test_events_of_a_type_that_is_none_are_counted_by_course_and_dropped_by_that_type(world, campus):
    daemon = world.run().wait_ready()
    for kind in ("score.chnaged", "score.chnaged", "Score.Chnaged", 'it\'s \x1b"odd"', "x" * 80):
        world.add(score("ada", "problem-1", 5) | {"type": kind})
    for number in range(41):
        world.add(launch("ada", "problem-1", "ada-1", campus.url(), course_id=f"course-{number % 40}"))
    daemon.wait_read()
    daemon.stop()
    listed = output(world.call("quarantine", "list"))
    assert "41 events: unknown consumer 'example'" in listed
    assert f"  2 launch in course course-0, consumer key {KEY} (newest 46)" in listed
    assert sum(line.startswith("  ") and " launch in course course-" in line for line in listed.splitlines()) == 40
    assert "2 events: unknown type 'score.chnaged'" in listed
    reasons = [event["reason"] for event in json.loads(output(world.call("quarantine", "list", "--json")))]
    odd = next(reason for reason in reasons if "odd" in reason).removeprefix("unknown type '").partition("';")[0]
    for kind, number in (("score.chnaged", 2), (odd, 1), ("x" * 80, 1), ("nothing", 0)):
        words = f"{number} event{'' if number == 1 else 's'} dropped"
        assert words in output(world.call("quarantine", "drop", "--type", kind)), kind
    assert "1 event dropped" in output(world.call("quarantine", "drop", "--type", "unknown"))
    assert "2 events dropped" in output(world.call("quarantine", "drop", "--course", "course-0"))
    assert world.count("quarantined_event") == 39

"""What operators do is on record, and what cannot be undone is asked for."""

import json
from getpass import getuser

from tests.blackbox.world import KEY, NAME, SECRET, launch, score


def done(world):
    """Command, selection and counts of each action, the oldest first."""
    said = json.loads(world.call("actions", "--json").out)
    assert all(getuser() in one["account"] and one["host"] and one["at"] for one in said)
    assert SECRET not in json.dumps(said)
    return [(one["command"], one["selection"], one["counts"]) for one in reversed(said)]


def test_each_command_that_changes_something_leaves_a_record(pair, campus):
    daemon = pair.begin()
    assert done(pair)[-1][0] == "consumer add"
    before = len(done(pair))
    pair.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    pair.add(score("ada", "problem-1", float("nan")))
    daemon.wait_settled()
    daemon.stop()
    for call in (
        "resend --all --force --dry-run",
        "resend --all --force",
        "resend --user ada",
        f"consumer pause {KEY}",
        f"consumer resume {KEY}",
        "quarantine replay --all",
        "quarantine drop --all",
        "reconcile",
    ):
        pair.call(*call.split())
    add = ("consumer", "add", NAME, "--key", KEY, "--secret-stdin")
    said = pair.call(*add, stdin="another secret\n")
    assert (said.code, "--replace" in said.err, "nothing was changed" in said.err) == (1, True, True)
    said = pair.call("consumer", "remove", KEY)
    assert (said.code, "--yes" in said.err) == (2, True)
    assert pair.count("graded_assignment") == 1
    assert pair.call("consumer", "remove", KEY, "--yes").code == 0
    assert done(pair)[before:] == [
        ("resend", {"all": True, "force": True}, {"matched": 1, "marked": 1}),
        ("resend", {"user": "ada"}, {"matched": 1, "marked": 1}),
        ("consumer pause", {"consumer": KEY}, {"campuses": 1}),
        ("consumer resume", {"consumer": KEY}, {"campuses": 1}),
        ("quarantine replay", {}, {"refused": 1}),
        ("quarantine drop", {}, {"events": 1}),
        ("consumer remove", {"consumer": KEY}, {"assignments": 1, "unsent": 1}),
    ]
    assert "consumer remove" in pair.call("actions").out
    assert json.loads(pair.call("actions", "--json", "--since", "2100-01-01T00:00Z").out) == []


def test_what_is_fed_is_on_record_by_type_without_a_learner_and_feed_needs_no_database(pair, campus):
    daemon = pair.begin()
    before = len(done(pair))
    events = [score("ada", "problem-1", 1), score("bob", "problem-1", 1), {"type": "user.retired", "user_id": "eve"}]
    lines = "".join(f"{json.dumps(event)}\n" for event in events)
    (pair.folder / "events.jsonl").write_text(f'{lines}{{"type": "sco"}}\nnonsense\n')
    said = pair.call("feed", str(pair.folder / "events.jsonl"))
    assert (said.code, said.out) == (1, "3 events fed, 2 lines left out\n")
    assert ["unknown type 'sco'" in said.faults[0], "line 5: is not JSON" in said.faults[1]] == [True, True]
    assert pair.call("feed", "-", stdin="nonsense\n").code == 1
    assert done(pair)[before:] == [("feed", {}, {"score.changed": 2, "user.retired": 1})]
    daemon.wait_settled()
    url = pair.settings["database"]["url"]
    elsewhere = "postgresql://127.0.0.1:1/none" if url.startswith("postgres") else "sqlite://none.db"
    said = pair.call("feed", "-", stdin=lines, PASSBACKD_DATABASE__URL=elsewhere)
    assert (said.code, said.out, said.err) == (0, "3 events fed\n", "")
    assert len(done(pair)) == before + 1

"""`import openedx` and `baseline`: a site comes over beside a living tool, and no historic grade is posted."""

import json

from tests.blackbox.world import KEY, SECRET, STREAM, launch, score, structure
from tests.daemon.support.openedx.dumps import assignment, consumer, lti_user, service, write

OLD, NEW = "2025-12-01T08:00:00Z", "2026-03-02T09:00:00Z"
BEFORE = ("--before", "2026-03-02T08:00:00Z")
NUMBER = 40
#: What the site's export writes beside: the scores of all learners, of whom the last has one that is newer.
SCORES = [
    structure(),
    *(score(str(user), "problem-1", 5, modified=NEW if user == NUMBER else OLD) for user in range(1, NUMBER + 1)),
]


def done(said, code=0):
    assert said.code == code, said.err
    return said.out


def test_a_site_is_imported_taken_over_and_sends_what_is_new_alone(pair, campus, tmp_path):
    dump = write(
        tmp_path / "dump.jsonl",
        *(assignment(pk, user=pk, lis_result_sourcedid=f"s-{pk}") for pk in range(1, NUMBER + 1)),
        assignment(NUMBER + 1, user=1, usage="chapter", lis_result_sourcedid="s-unit", md5="f"),
        lti_user(1, 1, "campus-1"),
        service(url=campus.url()),
        consumer(key=KEY, consumer_secret=SECRET),
    )
    events = [json.dumps(one | ({"blocks": json.loads(one["blocks"])} if "blocks" in one else {})) for one in SCORES]
    scores = write(tmp_path / "scores.jsonl", *(line.encode() for line in events))
    files = (str(dump), str(scores))
    pair.set("secrets", keys=[done(pair.call("secrets", "key")).strip()])

    # Nothing is written while a line is wrong, nor by a dry run.
    bad = write(tmp_path / "bad.jsonl", consumer(2, "second"), b"{")
    done(pair.call("migrate"))
    said = pair.call("import", "openedx", *files, str(bad))
    assert (said.code, said.out) == (1, "")
    assert f"{bad}, line 2: is not JSON" in said.err
    dry = json.loads(done(pair.call("import", "openedx", *files, "--dry-run", "--json")))
    assert (dry["assignments"], dry["events"], dry["consumers_added"]) == (NUMBER + 1, 0, 0)
    assert dry["event_types"] == {"course.structure": 1, "score.changed": NUMBER}
    assert dry["unknown_columns"] == [{"model": "lti_provider.gradedassignment", "column": "md5", "number": 1}]
    assert dry["consumers"][0]["learners"] == NUMBER
    assert pair.count("lti_consumer") == 0

    dump.chmod(0o644)
    daemon = pair.run().wait_ready()
    said = pair.call("import", "openedx", *files)
    assert "1 consumer added" in done(said)
    assert f"warning: {dump} holds the consumers' secrets" in said.err
    assert SECRET not in said.out + said.err + json.dumps(dry)
    daemon.wait_read()
    (stored,) = pair.rows("SELECT consumer_secret FROM lti_consumer")
    assert stored["consumer_secret"].startswith("fernet:")
    rows = "SELECT user_id, lti_user_id, version_number, sent_version FROM graded_assignment ORDER BY id"
    imported = pair.rows(rows)
    assert len(imported) == NUMBER + 1
    assert imported[0]["lti_user_id"] == "campus-1"
    assert daemon.status()["assignments"]["due"] == NUMBER + 1
    with pair.redis() as client:
        assert SECRET.encode() not in b"".join(v for _, f in client.xrange(STREAM) for v in f.values())

    dry = done(pair.call("baseline", *BEFORE, "--all", "--dry-run"))
    assert f"{NUMBER} grades would count as delivered; nothing was changed" in dry
    taken = json.loads(done(pair.call("baseline", *BEFORE, "--consumer", KEY, "--json")))
    assert (taken["taken_over"], taken["left"]["newer"]) == (NUMBER, 1)
    assert json.loads(done(pair.call("baseline", *BEFORE, "--all", "--json")))["taken_over"] == 0
    (grade,) = json.loads(done(pair.call("why", "--user", "2", "--json")))
    assert (grade["state"], grade["sent_score"], grade["sent_at"]) == ("clean", 0.5, None)
    assert [line["result"] for line in grade["deliveries"]] == ["baseline"]
    assert "passbackd did not send it" in grade["reason"]

    # The same files again, beside a learner at work, change nothing.
    pair.add(score("3", "problem-1", 8), launch("5", "problem-2", "s-5", campus.url(), modified=NEW))
    daemon.wait_read()
    again = json.loads(done(pair.call("import", "openedx", *files, "--json")))
    assert (again["launches"], again["launches_known"], again["events"]) == (0, NUMBER + 1, NUMBER + 1)
    daemon.wait_read()
    changed = {
        row["user_id"]
        for row, before in zip(pair.rows(rows), imported, strict=True)
        if row["version_number"] != before["version_number"]
    }
    assert changed == {"3", "5"}
    assert pair.count("graded_assignment WHERE user_id = '5' AND usage_id = 'problem-2'") == 1, "the live launch counts"
    assert campus.requests == []

    done(pair.call("consumer", "resume", KEY))
    refused = pair.call("baseline", *BEFORE, "--all")
    assert (refused.code, refused.out) == (2, "")
    assert f"is not paused: `passbackd consumer pause {KEY}`" in refused.err
    daemon.wait_settled()
    assert campus.gradebook == {("/outcomes", "s-3"): "0.8", ("/outcomes", f"s-{NUMBER}"): "0.5"}
    campus.gradebook["/outcomes", "s-4"] = "0.5"
    found = json.loads(done(pair.call("reconcile", "--consumer", KEY, "--json"), 1))["campuses"][0]
    assert (found["equal"], found["empty"]) == (3, NUMBER - 3)

    # Another secret than is here changes only where that is asked for.
    write(dump, consumer(key=KEY, consumer_secret="changed"))
    refused = pair.call("import", "openedx", str(dump))
    assert refused.code == 1
    assert "is here with another secret" in refused.err
    assert "1 changed" in done(pair.call("import", "openedx", str(dump), "--replace"))
    assert "changed" not in done(pair.call("actions", "--json")).replace("consumers_changed", "")
    commands = [one["command"] for one in json.loads(done(pair.call("actions", "--json")))]
    assert {"import openedx", "baseline"} <= set(commands)

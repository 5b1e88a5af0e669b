"""After a retirement nothing that is stored, shown or logged is about the learner, and all of the others is there."""

import json
from pathlib import Path

import pytest

from models.db.database import sqlite_path
from tests.blackbox.world import KEY, SECRET, launch, score
from tests.fakes.lms import RecordingLms, answer, failure, success

#: The tool's id, the LMS's id, the sourcedids and the name: of the first learner.
TOOL, AT_CAMPUS, SOURCED, NAME = "tool-id-51f2", "campus-id-51f2", "sourced-51f2", "Ada Ypsilanti"
WORDS = (TOOL, AT_CAMPUS, SOURCED, NAME)
#: What learners of two campuses are both called by their LMSs.
SHARED_ID, SHARED_SOURCED = "17", "sourced-by-number-17"
OTHER = {"oauth_consumer_key": "other"}


def says_names(record):
    """Refuses the first learner by name, at times as if it were the whole campus; takes the others'."""
    if record.sourcedid is None or not record.sourcedid.startswith(SOURCED):
        return success()
    words = f"{NAME} ({AT_CAMPUS}) may not have this"
    return failure(words, latency=0.5) if record.number % 2 else answer(500, words.encode())


def of_the_learner(url):
    """All that the tool may say of a learner, also what cannot be applied, or names them by the LMS's names alone."""
    place = {"lti_user_id": AT_CAMPUS, "context_title": f"Course of {NAME}", "resource_link_title": "Link"}
    return [
        launch(TOOL, "problem-1", f"{SOURCED}-1", url, **place),
        launch(TOOL, "problem-2", f"{SOURCED}-2", url, **place),
        launch(TOOL, "problem-3", SHARED_SOURCED, url, lti_user_id=SHARED_ID),
        *(score(TOOL, f"problem-{number}", number) for number in (1, 2, 3)),
        score(TOOL, "problem-1", float("nan")),
        score(TOOL, "problem-1", 9, modified="2020-01-01T00:00:00Z"),
        launch(TOOL, "problem-1", f"{SOURCED}-4", url, oauth_consumer_key="unknown", lti_user_id=AT_CAMPUS),
        {"type": "assignment.disabled", "oauth_consumer_key": "unknown", "lis_result_sourcedid": f"{SOURCED}-4"},
        {"type": "assignment.disabled", "oauth_consumer_key": KEY, "lis_result_sourcedid": f"{SOURCED}-1",
         "modified": "x"},
        {"type": "launch", "oauth_consumer_key": KEY, "lti_user_id": AT_CAMPUS, "context_title": NAME},
    ]  # fmt: skip


def of_others(url, other_url):
    names = {"lti_user_id": SHARED_ID, "context_title": "Course of the other campus"}
    return [
        launch("bob", "problem-1", SHARED_SOURCED, other_url, **OTHER, **names),
        score("bob", "problem-1", 4),
        launch("eve", "problem-1", "sourced-of-eve", url, lti_user_id="campus-id-eve"),
        score("eve", "problem-1", 7),
        score("eve", "problem-1", float("nan")),
        {"type": "launch", **OTHER, "lis_result_sourcedid": SHARED_SOURCED, "lti_user_id": SHARED_ID},
    ]


def tables(world):
    """Every row of every table, as text."""
    if sqlite_path(world.settings["database"]["url"]) is None:
        named = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    else:
        named = "SELECT name FROM sqlite_master WHERE type = 'table'"
    found = [row["name"] for row in world.rows(named)]
    assert {"graded_assignment", "delivery", "quarantined_event", "action", "campus"} <= set(found)
    return {name: str([plain(row) for row in world.rows(f"SELECT * FROM {name}")]) for name in found}


def plain(row):
    return {name: bytes(value).decode(errors="replace") if isinstance(value, bytes | memoryview) else value
            for name, value in row.items()}  # fmt: skip


def bytes_of(world):
    """What is on the disk, where the database is a file."""
    path = sqlite_path(world.settings["database"]["url"])
    files = [] if path is None else [path, *(Path(f"{path}{end}") for end in ("-wal", "-journal"))]
    return {file.name: file.read_bytes().decode("latin-1") for file in files if file.exists()}


def shown(world, daemon):
    calls = ("status --json", "actions --json", "quarantine list")
    pages = {page: daemon.page(page)[1] for page in ("/statusz", "/metrics", "/readyz")}
    said = {call: world.call(*call.split()) for call in calls}
    return pages | {call: one.out + one.err for call, one in said.items()}


def found_in(places):
    return {(name, word) for name, text in places.items() for word in WORDS if word in text}


# More than a dozen commands, each a process.
@pytest.mark.timeout(400)
def test_a_retired_learner_is_nowhere_any_more_and_the_others_are(pair):
    with (
        RecordingLms.in_thread({KEY: SECRET}, says_names) as campus,
        RecordingLms.in_thread({"other": SECRET}) as other,
    ):
        pair.set("log", level="info")
        daemon = pair.begin()
        added = pair.call("consumer", "add", "Other", "--key", "other", "--secret-stdin", stdin=SECRET + "\n")
        assert added.code == 0
        pair.add(*of_the_learner(campus.url()), *of_others(campus.url(), other.url()))
        for call in ("resend --user", "quarantine replay --user"):
            pair.call(*call.split(), TOOL)
        daemon.wait_read()
        daemon.wait_until(
            "its messages are stored", lambda: pair.count(f"delivery WHERE description LIKE '%{NAME}%'") > 1
        )
        daemon.wait_until("others have their grades", lambda: campus.grade("sourced-of-eve") and other.gradebook)
        before = found_in(tables(pair))
        assert {name for name, _ in before} >= {"graded_assignment", "delivery", "quarantined_event", "stale_event",
                                                "action", "score", "campus"}  # fmt: skip
        assert found_in(shown(pair, daemon))

        pair.add({"type": "user.retired", "user_id": TOOL})
        daemon.wait_until("it is applied", lambda: pair.count("retired_user") == 1)
        logged = len(daemon.log())
        campus.wait_for(lambda: all(request.ended is not None for request in campus.requests))
        assert pair.call("resend", "--user", TOOL).code == 1

        def check():
            daemon.wait_read()
            assert found_in(tables(pair)) == set()
            daemon.wait_until("no byte is left", lambda: found_in(bytes_of(pair)) == set())
            assert found_in(shown(pair, daemon)) == set()
            for names in (("--lti-user", AT_CAMPUS), ("--sourcedid", f"{SOURCED}-1")):
                (said,) = json.loads(pair.call("why", *names, "--json").out)
                assert said["state"] == "unknown"
                assert found_in({"why": json.dumps(said)}) <= {("why", AT_CAMPUS), ("why", SOURCED)}
            (said,) = json.loads(pair.call("why", "--user", TOOL, "--json").out)
            assert said["state"] == "retired"
            assert not any(word in json.dumps(said) for word in (AT_CAMPUS, SOURCED, NAME))
            assert found_in({"log": daemon.log()[logged:]}) == set()

            assert pair.count("graded_assignment") == 2
            assert pair.count("score") == 2
            events = pair.rows("SELECT type, user_id, consumer_key FROM quarantined_event ORDER BY id")
            assert [(one["type"], one["user_id"], one["consumer_key"]) for one in events] == [
                ("score.changed", "eve", None),
                ("launch", None, "other"),
            ]
            assert campus.grade("sourced-of-eve") == "0.7"
            assert other.gradebook == {("/outcomes", SHARED_SOURCED): "0.4"}

        check()
        # All of the stream is read once more, as after a loss of Redis.
        pair.rows("DELETE FROM quarantined_event RETURNING id")
        pair.rows("UPDATE intake SET position = '0-0' WHERE id = 1 RETURNING id")
        pair.add(score("eve", "problem-1", 7))
        daemon.wait_until("it was read", lambda: pair.rows("SELECT position FROM intake")[0]["position"] != "0-0")
        check()
        daemon.stop()

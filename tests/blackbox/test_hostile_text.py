"""Text that steers terminals, breaks markup or has no encoding, through every field and every command that shows it."""

import re
import shutil
import sqlite3
from contextlib import closing

import pytest

from tests.blackbox.world import COURSE, KEY, SECRET, World, launch, score, structure
from tests.fakes import lms as fake

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m[/x][red]\u202egpj.\u2066\u200b\r\n\u2028\u00fc\U0001f600\\"
#: What no output may hold: control characters but line feeds and tabs, and whatever turns text around.
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
ENVIRONMENTS = {
    "UTF-8": {"PYTHONIOENCODING": "utf-8"},
    "ASCII": {"PYTHONIOENCODING": "ascii"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}
TEXTS = {
    "steering": HOSTILE.encode(),
    "NUL": b"a\x00b",
    "half an emoji": b"\xed\xa0\xbd",
    "no UTF-8": b"\xff\xfe",
    "a megabyte": b"x\x1b[31m" * 200_000,
}


def events(url):
    """A whole event of each type, and then each with each text in each field."""
    whole = [
        structure(),
        launch("u", "problem-1", "s", url, lti_user_id="l", resource_link_id="r", context_title="c",
               resource_link_title="t", tool_consumer_instance_guid="g"),
        score("u", "problem-1", 5, modified="2026-01-01T00:00:00Z"),
        {"type": "assignment.disabled", "oauth_consumer_key": KEY, "lis_result_sourcedid": "s"},
        {"type": "user.retired", "user_id": "nobody"},
    ]  # fmt: skip
    for event in whole:
        for name in event:
            for text in TEXTS.values():
                yield {**event, name: text}


@pytest.fixture(scope="module")
def taught(tmp_path_factory, server_folder, _migrated_sqlite, _valkey_9, forking):
    """A world whose daemon has read all of this and has stopped."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copy(_migrated_sqlite, folder / "test.db")
    _valkey_9.start()
    home = server_folder / "hostile"
    world = World(
        f"sqlite://{folder / 'test.db'}", _valkey_9.fresh_url(), folder=folder / "world", home=home, forking=forking
    )
    try:
        teach(world)
        yield world
    finally:
        world.end_all()


def teach(world):
    with fake.RecordingLms.in_thread({KEY: SECRET}, fake.always(fake.answer(404, HOSTILE.encode()))) as lms:
        daemon = world.begin()
        world.add(*events(lms.url()))
        daemon.wait_read()  # among them is one that retires the learner of that name
        # The guid of the first launch is on record by now.
        assert world.call("consumer", "guid", KEY, "*").code == 0
        described = {"context_title": HOSTILE, "resource_link_title": HOSTILE, "lti_user_id": HOSTILE}
        described |= {"tool_consumer_instance_guid": HOSTILE, "resource_link_id": HOSTILE}
        world.add(structure(), launch(HOSTILE, "problem-1", HOSTILE, lms.url(), **described))
        world.add(launch(HOSTILE, "problem-2", "plain", lms.url(), **described))
        world.add(score(HOSTILE, "problem-1", 5), score(HOSTILE, "problem-2", 5))
        daemon.wait_read()
        daemon.wait_until("a grade is parked", lambda: world.count("graded_assignment WHERE parked_at > 0"))
        daemon.stop()


@pytest.fixture
def world(taught, tmp_path):
    """As it was taught: each encoding has a copy of its database."""
    kept = taught.settings["database"]["url"]
    copy = tmp_path / "test.db"
    with closing(sqlite3.connect(kept.removeprefix("sqlite://"))) as source:
        source.execute("VACUUM INTO ?", (str(copy),))
    taught.set("database", url=f"sqlite://{copy}")
    yield taught
    taught.set("database", url=kept)


@pytest.mark.parametrize("encoding", ENVIRONMENTS)
def test_no_text_steers_the_terminal_or_ends_a_command_with_a_traceback(encoding, world):
    (event, *_) = [row["id"] for row in world.rows("SELECT id FROM quarantined_event ORDER BY id")]
    calls = [
        ["status"],
        ["consumer", "list"],
        ["parked"],
        ["quarantine", "list", "--limit", "1000"],
        ["quarantine", "show", str(event)],
        ["quarantine", "replay", "--all"],
        ["why", "--user", HOSTILE],
        ["why", "--course", COURSE, "--user", HOSTILE, "--json"],
        ["why", "--lti-user", HOSTILE],
        ["why", "--sourcedid", HOSTILE],
        ["why", "--user", "[/x]\x1b[31m"],
        ["resend", "--user", HOSTILE, "--dry-run"],
        ["resend", "--since", "[/x]\x1b[31m"],
        ["consumer", "add", HOSTILE, "--key", HOSTILE, "--guid", HOSTILE],
        ["consumer", "list", "--json"],
        ["consumer", "guid", HOSTILE, HOSTILE + "2"],
        ["consumer", "pause", HOSTILE],
        ["consumer", "remove", HOSTILE, "--yes"],
        ["actions"],
        ["[/x]\x1b[31m"],
        ["check"],
        ["config"],
    ]
    for call in calls:
        said = world.call(*call, **ENVIRONMENTS[encoding])
        assert STEERING.findall(said.out + said.err) == [], call
        if encoding != "UTF-8":
            assert (said.out + said.err).isascii(), call
    said = world.call("feed", "-", stdin='{"type": "user.retired", "user_id": "\\ud83d"}\n', **ENVIRONMENTS[encoding])
    assert (said.code, "line 1: 'user_id' holds half of a character" in said.err) == (1, True)

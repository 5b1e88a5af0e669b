"""The default set-up: the daemon runs its own Valkey, and SQLite holds the grades."""

import json
import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest
import redis

from tests.blackbox.world import KEY, NAME, SECRET, launch, score, structure
from tests.fakes.lms import held, success


@pytest.fixture
def embedded(make_world, fresh_database):
    world = make_world(fresh_database("sqlite"), "embedded")
    world.set("redis", embedded_port=0, embedded_dir="state/valkey")
    return world


def feed(world, *events, file="-"):
    lines = "".join(json.dumps(event) + "\n" for event in events)
    if file != "-":
        (world.folder / file).write_text(lines, encoding="utf-8")
        file = str(world.folder / file)
    return world.call("feed", file, stdin=lines)


def status(world):
    said = world.call("status", "--json")
    assert (said.code, said.err) == (0, "")
    return json.loads(said.out)


def test_the_default_works_from_the_first_command_to_the_last(embedded, campus):
    said = embedded.call("feed", "-", stdin=json.dumps(score("ada", "problem-1", 1)))
    assert said.code == 1
    assert (
        said.err
        == "redis.url: Redis does not answer, so nothing was fed; start the daemon, which runs it: passbackd run\n"
    )

    daemon = embedded.run().wait_ready()
    added = embedded.call("consumer", "add", NAME, "--key", KEY, "--secret-stdin", stdin=SECRET + "\n")
    assert (added.code, added.out) == (0, f"added {NAME} with the key {KEY}\n")
    made = embedded.call("consumer", "add", "Örebro", "--key", "orebro", "--guid", "lms.oru.example")
    assert made.out.startswith("added Örebro with the key orebro\nsecret (shown this once): ")
    assert len(made.out.split()[-1]) >= 32

    structured = structure()
    structured["blocks"] = json.loads(structured["blocks"])
    said = feed(
        embedded,
        structured,
        launch("ada", "problem-1", "ada-1", campus.url()),
        launch("ada", "chapter", "ada-c", campus.url()),
        score("ada", "problem-1", 2.5),
        file="events.jsonl",
    )
    assert (said.code, said.out, said.err) == (0, "4 events fed\n", "")
    said = feed(embedded, score("ada", "problem-3", 20, 20))
    assert (said.code, said.out) == (0, "1 events fed\n")
    said = embedded.call("feed", "-", stdin=f'\nnonsense\n{json.dumps(score("ada", "nowhere", 1))}\n["type"]\n')
    assert (said.code, said.out) == (1, "1 events fed, 2 lines left out\n")
    assert [line.partition(": ")[0] for line in said.faults] == ["-, line 2", "-, line 4"]
    daemon.wait_settled()
    assert campus.gradebook == {("/outcomes", "ada-1"): "0.25", ("/outcomes", "ada-c"): "0.5625"}

    document = status(embedded)
    assert document == daemon.status()
    (here,) = document["campuses"]
    assert here == {
        "consumer": NAME,
        "origin": campus.url(""),
        "state": "up",
        "due": 0,
        "parked": 0,
        "last_success": here["last_success"],
        "last_error": None,
    }
    assert datetime.now(UTC) - datetime.fromisoformat(here["last_success"]) < timedelta(minutes=2)
    assert {name: document[name] for name in document if name != "campuses"} == {
        "assignments": {"clean": 2, "due": 0, "waiting": 0, "claimed": 0, "parked": 0, "disabled": 0},
        "oldest_due_seconds": 0,
        "stream_lag": 0,
        "quarantined": 0,
    }
    assert "2" in embedded.call("status").out

    port = int((embedded.folder / "state/valkey/port").read_text())
    daemon.stop()
    with redis.Redis(port=port) as client, pytest.raises(redis.ConnectionError):
        client.ping()

    assert status(embedded) == {**document, "stream_lag": None}
    # The place of --config among the arguments is free.
    said = embedded.end(embedded.start("status", "--config", str(embedded.config), "--json"))
    assert json.loads(said.out) == {**document, "stream_lag": None}
    said = embedded.call("status")
    assert said.code == 0
    assert "Redis does not answer" in said.out
    assert NAME.split()[0] in said.out

    said = embedded.call("consumer", "list")
    assert said.code == 0
    for part in (NAME, KEY, "Örebro", "orebro", "lms.oru.example", "2"):
        assert part in said.out
    assert SECRET not in said.out
    assert json.loads(embedded.call("consumer", "list", "--json").out) == [
        {"consumer": NAME, "key": KEY, "guid": None, "paused": False, "pending": False, "assignments": 2},
        {
            "consumer": "Örebro",
            "key": "orebro",
            "guid": "lms.oru.example",
            "paused": False,
            "pending": False,
            "assignments": 0,
        },
    ]
    assert embedded.call("consumer", "remove", KEY).out == f"removed {KEY} and 2 assignments\n"
    said = embedded.call("consumer", "remove", KEY)
    assert said.code == 1
    assert said.err.startswith(f"there is no consumer with the key '{KEY}'")
    assert embedded.count("graded_assignment") == embedded.count("delivery") == 0


def test_a_sigkill_loses_neither_what_was_read_nor_what_was_not_read_yet(embedded, campus):
    answers = threading.Event()
    campus.behave = lambda _record: held(answers)
    embedded.set("outcomes", timeout_seconds=1, hold_seconds=1)
    daemon = embedded.begin()
    feed(
        embedded,
        *(launch(f"user-{n}", "problem-1", f"leaf-{n}", campus.url()) for n in range(20)),
        *(score(f"user-{n}", "problem-1", 1) for n in range(10)),
    )
    campus.wait_for(lambda: campus.requests, 60)
    daemon.wait_read()
    # From here on it reads nothing, and its server still takes events.
    daemon.process.send_signal(signal.SIGSTOP)
    said = feed(embedded, *(score(f"user-{n}", "problem-1", 5) for n in range(5, 20)))
    assert said.out == "15 events fed\n"
    document = status(embedded)
    assert document["stream_lag"] == 15
    assert document["assignments"]["due"] + document["assignments"]["claimed"] >= 6
    daemon.kill()
    assert status(embedded)["stream_lag"] is None

    answers.set()
    campus.behave = lambda _record: success()
    again = embedded.run().wait_ready()
    again.wait_settled()
    assert campus.gradebook == {("/outcomes", f"leaf-{n}"): "0.1" if n < 5 else "0.5" for n in range(20)}
    again.stop()
    # And once more, with nothing to do.
    requests = len(campus.requests)
    last = embedded.run().wait_ready()
    last.wait_settled()
    last.stop()
    assert len(campus.requests) == requests


def test_the_release_is_shown_without_a_config_file(embedded):
    said = embedded.end(embedded.start("--version"))
    assert (said.code, said.err) == (0, "")
    assert said.out.split()[0] == "passbackd"


def test_the_effective_config_is_shown_without_secrets(embedded):
    embedded.set("database", url="postgresql://grades:open%20sesame@db.example/grades")
    embedded.set("redis", url="rediss://:sesame@redis.example:6380/3")
    said = embedded.call("config", PASSBACKD_WORKER__PARTITIONS="8")
    assert (said.code, said.err) == (0, "")
    assert "sesame" not in said.out
    for line in (
        f'url = "postgresql://grades:***@db.example/grades"  # {embedded.config}',
        f'url = "rediss://:***@redis.example:6380/3"  # {embedded.config}',
        "partitions = 8  # environment PASSBACKD_WORKER__PARTITIONS",
        "max_attempts = 80  # default",
    ):
        assert line in said.out.splitlines()
    wrong = embedded.call("config", PASSBACKD_DATABASE__URL="oracle://scott:tiger@host", PASSBACKD_WEB__PORT="many")
    assert wrong.code == 2
    assert [line.partition(" (")[0] for line in wrong.faults] == ["database.url", "web.port"]
    assert "sesame" not in wrong.out
    assert "tiger" not in wrong.out + wrong.err
    assert "WRONG" in wrong.out


def test_wrong_use_ends_with_2(embedded):
    started = [embedded.start(*arguments) for arguments in ([], ["frobnicate"], ["run", "--confg", "x"])]
    for process in started:
        said = embedded.end(process)
        assert said.code == 2
        assert said.out + said.err

"""The default set-up: the daemon runs its own Valkey, and SQLite holds the grades."""

import json
import os
from datetime import UTC, datetime, timedelta

import psutil
import pytest
import redis

from tests.blackbox.world import KEY, NAME, SECRET, launch, score, structure
from tests.daemon.infra.test_embedded_privacy import intrude


@pytest.fixture
def embedded(make_world, fresh_database):
    world = make_world(fresh_database("sqlite"), "embedded")
    world.set("redis", embedded_port=0, embedded_dir="state/valkey")
    world.starts_anew = True
    return world


def feed(world, *events, file="-"):
    lines = "".join(json.dumps(event) + "\n" for event in events)
    if file != "-":
        (world.folder / file).write_text(lines, encoding="utf-8")
        file = str(world.folder / file)
    return world.call("feed", file, stdin=lines)


def test_the_default_works_from_the_first_command_to_the_last(embedded, campus):
    said = feed(embedded, score("ada", "problem-1", 1))
    cure = "start the daemon, which runs it: passbackd run"
    assert (said.code, said.err) == (1, f"redis.url: Redis does not answer, so nothing was fed; {cure}\n")

    daemon = embedded.begin()
    structured = structure()
    structured["blocks"] = json.loads(structured["blocks"])
    launches = [launch("ada", usage, f"ada-{usage}", campus.url()) for usage in ("problem-1", "chapter")]
    said = feed(embedded, structured, *launches, score("ada", "problem-1", 2.5), file="events.jsonl")
    assert (said.code, said.out, said.err) == (0, "4 events fed\n", "")
    assert feed(embedded, score("ada", "problem-3", 20, 20)).out == "1 event fed\n"
    said = embedded.call("feed", "-", stdin=f'\nnonsense\n{json.dumps(score("ada", "nowhere", 1))}\n["type"]\n')
    assert (said.code, said.out) == (1, "1 event fed, 2 lines left out\n")
    assert [line.partition(": ")[0] for line in said.faults] == ["-, line 2", "-, line 4"]
    daemon.wait_settled()
    assert campus.gradebook == {("/outcomes", "ada-problem-1"): "0.25", ("/outcomes", "ada-chapter"): "0.5625"}

    document = json.loads(embedded.call("status", "--json").out)
    assert document == daemon.status()
    (here,) = document.pop("campuses")
    assert datetime.now(UTC) - datetime.fromisoformat(here.pop("last_success")) < timedelta(minutes=2)
    origin = campus.url("")
    expected = {"consumer": NAME, "origin": origin, "state": "up", "due": 0, "parked": 0, "last_error": None}
    assert here == here | expected
    assignments = {"clean": 2, "due": 0, "waiting": 0, "claimed": 0, "parked": 0, "disabled": 0}
    assert document.pop("troubles") == []
    expected = {"assignments": assignments, "oldest_due_seconds": 0, "stream_lag": 0, "quarantined": 0}
    assert document == document | expected

    port = int((embedded.folder / "state/valkey/port").read_text())
    daemon.stop()
    password = (embedded.folder / "state/valkey/password").read_text().strip()
    with redis.Redis(port=port, password=password) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    # The place of --config among the arguments is free.
    said = embedded.end(embedded.start("status", "--config", str(embedded.config), "--json"))
    assert json.loads(said.out)["stream_lag"] is None
    assert "Redis does not answer (the embedded one runs with the daemon only)" in embedded.call("status").out
    assert embedded.call("consumer", "remove", KEY, "--yes").out == f"removed {KEY} and 2 assignments\n"
    assert embedded.count("graded_assignment") == embedded.count("delivery") == 0


def test_another_account_of_the_machine_can_neither_read_nor_write_nor_stop_anything(embedded, campus):
    for folder in (embedded.folder, *embedded.folder.parents[:2]):
        folder.chmod(0o755)
    state = embedded.folder / "state"
    embedded.set("database", url=f"sqlite://{state}/passbackd.db")
    daemon = embedded.begin()
    feed(embedded, launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    daemon.wait_settled()
    port, password = int((state / "valkey/port").read_text()), (state / "valkey/password").read_text().strip()
    pids = [daemon.process.pid, *(child.pid for child in psutil.Process(daemon.process.pid).children(recursive=True))]
    # Each by itself too: the folder of a database may be one that everybody may enter.
    private = (state, *state.iterdir(), state / "valkey/password")
    assert [path.name for path in private if path.stat().st_mode & 0o077] == []
    if os.getuid() == 0:
        assert intrude(state, port, password[:20], *pids) == []
    assert daemon.process.poll() is None
    # The tool's own way, as the README has it.
    with redis.Redis(port=port, password=password) as tool:
        tool.xadd("passback:events", score("ada", "problem-1", 7))
    daemon.wait_settled()
    campus.wait_for(lambda: campus.grade("ada-1") == "0.7")


def test_consumers_are_added_listed_and_removed_without_a_daemon(embedded):
    made = embedded.call("consumer", "add", "Örebro", "--key", "orebro", "--guid", "lms.oru.example")
    assert made.out.startswith("added Örebro with the key orebro\nsecret (shown this once): ")
    assert len(made.out.split()[-1]) >= 32
    said = embedded.call("consumer", "add", "Örebro", "--key", "orebro", "--pending", "--secret-stdin", stdin=SECRET)
    assert said.out.startswith("the consumer with the key orebro has a pending secret")
    shown = embedded.call("consumer", "list").out
    assert all(part in shown for part in ("Örebro", "orebro", "lms.oru.example", "a pending secret"))
    assert SECRET not in shown
    (listed,) = json.loads(embedded.call("consumer", "list", "--json").out)
    flags = {"paused": False, "pending": True}
    counted = {"assignments": 0, "origins": []}
    names = {"consumer": "Örebro", "key": "orebro", "guid": "lms.oru.example", "protocol": "lti-1.1"}
    of_platforms = ("audience", "client_id", "deployment_id", "issuer", "kind", "signing_kid", "token_url")
    said = {name: listed[name] for name in listed if name not in of_platforms}
    assert said == {**names, **counted, **flags}
    assert all(listed.get(name) is None for name in of_platforms)
    assert embedded.call("consumer", "remove", "orebro", "--yes").out == "removed orebro and 0 assignments\n"
    said = embedded.call("consumer", "remove", "orebro", "--yes")
    assert said.code == 1
    assert said.err.startswith("there is no consumer with the key 'orebro'")


def test_the_daemon_ends_with_its_server_and_says_so_in_one_line(embedded, migrated_database):
    embedded.set("database", url=migrated_database("sqlite"))
    daemon = embedded.begin()
    (server,) = [child for child in psutil.Process(daemon.process.pid).children() if "valkey" in child.name()]
    server.kill()
    assert daemon.process.wait(30) == 1
    last = daemon.log().rstrip().splitlines()[-1]
    assert "the embedded server was killed by SIGKILL: see " in last
    assert "start the daemon again" in last
    assert "Traceback" not in daemon.log()

"""No output holds a secret, a signature or a nonce, also at level debug and with a campus that repeats what it got."""

import re
from urllib.parse import unquote

import psutil
import pytest
import redis

from tests.blackbox.world import KEY, NAME, SECRET, launch, score, structure
from tests.fakes.lms import RecordingLms, failure, html, success

#: Of the two servers, as the URLs have them; neither server asks for one.
PASSWORDS = ("database-pass%26word", "redis-pass%26word")
OLD_SECRET = "the-secret-before"


def echo(record):
    """Whatever it was sent."""
    return f"{record.headers.get('Authorization')} for {SECRET} and {record.sourcedid}"


def unhealthy(record):
    """Refuses, fails and accepts in turn, and repeats what it was sent each time."""
    # A success between two failures, or the breaker would trip.
    match record.number % 6:
        case 0:
            return failure(f"user not found: {echo(record)}")
        case 2:
            return html(503, echo(record))
        case 4:
            return html(200, echo(record))
        case _:
            return success(description=echo(record))


def healthy(record):
    """Takes what it is sent and repeats it too; asked for a grade, it answers as :func:`unhealthy`."""
    return unhealthy(record) if record.reads else success(description=echo(record))


@pytest.fixture
def world(make_world, migrated_database, valkey, valkey_url):
    database = migrated_database("postgresql").replace("postgres@", f"postgres:{PASSWORDS[0]}@")
    with redis.Redis.from_url(valkey_url) as client:
        client.execute_command("ACL", "SETUSER", "tool", "on", f">{unquote(PASSWORDS[1])}", "~*", "&*", "+@all")
        yield make_world(database, valkey_url.replace("redis://", f"redis://tool:{PASSWORDS[1]}@"))
        client.execute_command("ACL", "DELUSER", "tool")


CALLS = (
    "status",
    "status --json",
    "config",
    "check",
    "check --deep",
    "consumer list --json",
    "parked",
    "quarantine list",
    "resend --all --dry-run",
    "why --sourcedid sourced-0",
    "why --user u0 --json",
    "why --user u1 --json",
    "why --user u2 --json",
    "why --user u4 --json",
)


def everything_shown(world, campus):
    """The output of every command and page and the log, by where it was shown."""
    shown = {}

    def show(name, *call, stdin=""):
        said = world.call(*(call or name.split()), stdin=stdin)
        # The database of the tests does not wait for its disk, which is a fault to a deep check.
        assert said.code in ((2,) if "--deep" in name else (0, 1)), said.err
        shown[name] = shown.get(name, "") + said.out + said.err

    campus.behave = unhealthy
    # What is seen of it by others is of its start.
    world.starts_anew = True
    daemon = world.run()
    for secret in (OLD_SECRET, SECRET):
        add = ("consumer", "add", NAME, "--key", KEY, "--secret-stdin", "--replace")
        show("consumer add", *add, stdin=f"{secret}\n")
    world.add(structure(), *(launch(f"u{n}", "problem-1", f"sourced-{n}", campus.url()) for n in range(8)))
    world.add(*(score(f"u{n}", "problem-1", n + 1) for n in range(8)), score("u1", "problem-1", "NaN"))
    campus.wait_for(lambda: len(campus.requests) >= 6, 60)
    shown["ps"] = " ".join(psutil.Process(daemon.process.pid).cmdline())
    daemon.wait_until("the first grades came", lambda: daemon.metric("passback_outcomes_total", result="accepted"))
    campus.behave = healthy
    for page in ("/metrics", "/statusz", "/readyz", "/livez"):
        shown[page] = daemon.page(page)[1]
    for call in CALLS:
        show(call)

    def is_read_back():
        """Nothing is read while the campus is down, and it gives few grades back."""
        show("reconcile")
        return "unreadable" in shown["reconcile"]

    daemon.wait_until("it was read, and gave no grade back", is_read_back)
    daemon.stop()
    shown["log"] = daemon.log()
    return shown


def test_no_secret_no_signature_and_no_nonce_is_shown_anywhere(world):
    world.set("log", level="debug")
    with RecordingLms.in_thread({KEY: SECRET}) as campus:
        shown = everything_shown(world, campus)
        asked = list(campus.requests)
        campus.faults.clear()
    world.set("database", url="postgresql://postgres:pw%26fault@127.0.0.1:1/none")
    shown["a database that is away"] = world.call("check").err
    headers = [record.headers.get("Authorization", "") for record in asked]
    quoted = [signature for header in headers for signature in re.findall(r'oauth_signature="([^"]+)"', header)]
    assert len(quoted) > 5
    assert any(record.reads for record in asked)
    nonces = [record.nonce for record in asked if record.nonce]
    secrets = [SECRET.strip(), OLD_SECRET, "pw%26fault", "pw&fault", *PASSWORDS, *map(unquote, PASSWORDS)]
    words = [*secrets, *quoted, *map(unquote, quoted), *nonces]
    assert {(where, word) for where, text in shown.items() for word in words if word in text} == set()
    assert "attempt.finished" in shown["log"]

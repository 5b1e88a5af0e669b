"""Nothing that anybody is shown holds a secret, a signature or a nonce, however chatty the log and the campus are."""

import re
from urllib.parse import unquote

import psutil
import pytest
import redis

from tests.blackbox.world import KEY, NAME, SECRET, launch, score, structure
from tests.fakes.lms import RecordingLms, failure, html, success

#: Of the two servers, which accept any; as the URL has them.
PASSWORDS = ("database-pass%26word", "redis-pass%26word")
OLD_SECRET = "the-secret-before"


def echo(record):
    """Whatever it was sent."""
    return f"{record.headers.get('Authorization')} for {SECRET} and {record.sourcedid}"


def failing(record):
    """Refuses, fails and repeats whatever it was sent; what it takes it praises in the same words."""
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


def well(record):
    """Takes whatever it is sent and echoes as much, but does not say what it holds."""
    return failing(record) if record.reads else success(description=echo(record))


@pytest.fixture
def world(make_world, fresh_database, valkey, valkey_url):
    database = fresh_database("postgresql").replace("postgres@", f"postgres:{PASSWORDS[0]}@")
    with redis.Redis.from_url(valkey_url) as client:
        client.execute_command("ACL", "SETUSER", "tool", "on", f">{unquote(PASSWORDS[1])}", "~*", "&*", "+@all")
        yield make_world(database, valkey_url.replace("redis://", f"redis://tool:{PASSWORDS[1]}@"))
        client.execute_command("ACL", "DELUSER", "tool")


def command_lines():
    """What ``ps`` shows of this test's processes."""
    family = psutil.Process().children(recursive=True)
    return "\n".join(" ".join(process.cmdline()) for process in family if process.is_running())


def test_no_secret_no_signature_and_no_nonce_is_shown_anywhere(world):
    world.set("log", level="debug")
    shown = {}
    with RecordingLms.in_thread({KEY: SECRET}) as campus:
        campus.behave = failing
        daemon = world.run()
        for secret in (OLD_SECRET, SECRET):
            said = world.call("consumer", "add", NAME, "--key", KEY, "--secret-stdin", stdin=f"{secret}\n")
            shown[f"consumer add {secret[:3]}"] = said.out + said.err
        world.add(structure(), *(launch(f"u{n}", "problem-1", f"sourced-{n}", campus.url()) for n in range(8)))
        world.add(*(score(f"u{n}", "problem-1", n + 1) for n in range(8)), score("u1", "problem-1", "NaN"))
        campus.wait_for(lambda: len(campus.requests) >= 6, 60)
        shown["ps"] = command_lines()
        daemon.wait_until("the first grades came", lambda: daemon.metric("passback_outcomes_total", result="accepted"))
        campus.behave = well
        for page in ("/metrics", "/statusz", "/readyz", "/livez"):
            shown[page] = daemon.page(page)[1]
        for call in (
            ["status"],
            ["status", "--json"],
            ["config"],
            ["check"],
            ["check", "--deep"],
            ["consumer", "list", "--json"],
            ["parked"],
            ["quarantine", "list"],
            ["resend", "--all", "--dry-run"],
            ["why", "--sourcedid", "sourced-0"],
            *(["why", "--user", f"u{n}", "--json"] for n in (0, 1, 2, 4)),
        ):
            said = world.call(*call)
            # The database of the tests does not wait for its disk, which is a fault to a deep check.
            assert said.code in ((2,) if "--deep" in call else (0, 1)), said.err
            shown[" ".join(call)] = said.out + said.err

        def read_back():
            """Nothing is read while the campus is down, and it may answer for the few that are acknowledged."""
            said = world.call("reconcile")
            assert said.code in (0, 1), said.err
            shown["reconcile"] = shown.get("reconcile", "") + said.out + said.err
            return "unreadable" in shown["reconcile"]

        daemon.wait_until("it was asked what it holds, and did not say", read_back)
        daemon.stop()
        shown["log"] = daemon.log()
        world.set("database", url="postgresql://postgres:pw%26fault@127.0.0.1:1/none")
        said = world.call("check")
        shown["a database that is away"] = said.out + said.err
        asked = list(campus.requests)
        campus.faults.clear()
    signatures = [
        value
        for record in asked
        for quoted in re.findall(r'oauth_signature="([^"]+)"', record.headers.get("Authorization", ""))
        for value in (quoted, unquote(quoted))
    ]
    secrets = [SECRET.strip(), OLD_SECRET, "pw%26fault", "pw&fault", *PASSWORDS, *map(unquote, PASSWORDS)]
    assert len(signatures) > 10
    assert any(record.reads for record in asked)
    found = {
        (where, word)
        for where, text in shown.items()
        for word in [*secrets, *signatures, *(record.nonce for record in asked if record.nonce)]
        if word in text
    }
    assert found == set()
    assert "attempt.finished" in shown["log"]

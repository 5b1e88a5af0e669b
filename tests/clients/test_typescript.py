"""What the types of ``clients/typescript`` let a tool write is taken by the HTTP intake, as it was written."""

import json
import subprocess
from pathlib import Path

import redis

from tests.clients.http_intake import running_intake

CLIENT = Path(__file__).parents[2] / "clients/typescript"
STREAM = "passback:events"


def node(*command):
    done = subprocess.run(command, cwd=CLIENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_event_of_each_kind_is_on_the_stream_as_the_tool_wrote_it(valkey_url):
    node("npm", "exec", "--", "tsc", "--project", "tests/tsconfig.json")
    with running_intake(valkey_url, STREAM) as intake:
        sent = json.loads(node("node", "build/tests/send-examples.js", intake.url, intake.token))
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        entries = client.xrange(STREAM)
    assert [entry_id for entry_id, _ in entries] == sent["ids"]
    for (_, fields), event in zip(entries, sent["events"], strict=True):
        blocks = {"blocks": json.loads(fields["blocks"])} if "blocks" in fields else {}
        assert {**fields, **blocks} == {name: written(name, value) for name, value in event.items()}


def written(name, value):
    """A value of a document as the stream has it."""
    return value if name == "blocks" or isinstance(value, str) else json.dumps(value)

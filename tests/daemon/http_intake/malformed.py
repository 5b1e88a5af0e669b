"""
Sixty kinds of wrong requests, each with the line and the field that the answer is to name.

``python -m tests.daemon.http_intake.malformed 167`` sends each so often to a daemon of its own, and prints its memory.
"""

import asyncio
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil

from tests.daemon.ingest.reading import DISABLED, LAUNCH, LAUNCH_13, RETIRED, SCORE, STRUCTURE
from tests.servers import Port

TOKEN = "0123456789abcdef01234567"
BLOCKS = [{"usage_id": "c", "parent": None}, {"usage_id": "p", "parent": "c", "points_possible": 2}]
TREE = {**STRUCTURE, "version": 1, "blocks": BLOCKS}

#: For each event, fields that are changed in it (None: absent), of which the first is the one that is wrong.
CHANGED = [
    (SCORE, {"user_id": None}),
    (SCORE, {"user_id": ""}),
    (SCORE, {"user_id": "u" * 256}),
    (SCORE, {"user_id": True}),
    (SCORE, {"user_id": 1.5}),
    (SCORE, {"user_id": ["u"]}),
    (SCORE, {"user_id": {"id": "u"}}),
    (SCORE, {"user_id": "a\0b"}),
    (SCORE, {"course_id": None}),
    (SCORE, {"usage_id": "x" * 300}),
    (SCORE, {"points_earned": None}),
    (SCORE, {"points_earned": "many"}),
    (SCORE, {"points_earned": "NaN"}),
    (SCORE, {"points_earned": float("inf")}),
    (SCORE, {"points_earned": 1e13}),
    (SCORE, {"points_earned": [1]}),
    (SCORE, {"points_earned": True}),
    (SCORE, {"points_possible": -1}),
    (SCORE, {"points_possible": "0x10"}),
    (SCORE, {"points_possible": ""}),
    (SCORE, {"modified": "yesterday"}),
    (SCORE, {"modified": "2026-03-02T09:10:00"}),
    (SCORE, {"modified": "2999-03-02T09:10:00Z"}),
    (SCORE, {"modified": 1_700_000_000}),
    (SCORE, {"modified": "2026-02-30T09:10:00Z"}),
    (SCORE, {"type": "score"}),
    (SCORE, {"type": None}),
    (SCORE, {"type": 7}),
    (TREE, {"version": None}),
    (TREE, {"version": "one"}),
    (TREE, {"version": 1.5}),
    (TREE, {"version": 2**70}),
    (TREE, {"blocks": None}),
    (TREE, {"blocks": []}),
    (TREE, {"blocks": {}}),
    (TREE, {"blocks": "no JSON"}),
    (TREE, {"blocks": [*BLOCKS, BLOCKS[1]]}),
    (TREE, {"blocks": BLOCKS[1:]}),
    (TREE, {"blocks": [{"usage_id": "c", "parent": "p"}, {"usage_id": "p", "parent": "c"}]}),
    (TREE, {"blocks": [{**BLOCKS[0], "points_possible": -1}]}),
    (TREE, {"blocks": [{"usage_id": ""}]}),
    (TREE, {"blocks": [7]}),
    (TREE, {"user_id": ""}),
    (LAUNCH, {"oauth_consumer_key": None}),
    (LAUNCH, {"oauth_consumer_key": "k" * 1025}),
    (LAUNCH, {"lis_result_sourcedid": None}),
    (LAUNCH, {"lis_result_sourcedid": "s" * 8193}),
    (LAUNCH, {"lis_outcome_service_url": "campus.example/o"}),
    (LAUNCH, {"lis_outcome_service_url": "ftp://campus.example/o"}),
    (LAUNCH, {"lis_outcome_service_url": "https://user:pass@campus.example/o"}),
    (LAUNCH, {"lis_outcome_service_url": "https://campus.example/" + "o" * 2048}),
    (LAUNCH, {"context_title": "t" * 1025}),
    (LAUNCH_13, {"client_id": None}),
    (LAUNCH_13, {"lti_user_id": None}),
    (LAUNCH_13, {"lineitem": "//campus.example/item"}),
    (LAUNCH_13, {"scopes": "score"}),
    (LAUNCH_13, {"lis_result_sourcedid": "s"}),
    (DISABLED, {"lis_result_sourcedid": ""}),
    (RETIRED, {"user_id": None}),
]


@dataclass(frozen=True, slots=True)
class Wrong:
    """A request, and what its answer is to name. *field*: None where it is the whole line."""

    body: bytes
    kind: str
    line: int
    field: str | None
    status: int = 422


def wrong_requests() -> Iterator[Wrong]:
    """Each kind once, the wrong event in turn alone, within an array and within JSON lines."""
    for number, (event, change) in enumerate(CHANGED):
        wrong = {name: value for name, value in {**event, **change}.items() if value is not None}
        field = next(iter(change))
        match number % 3:
            case 0:
                yield Wrong(json.dumps(wrong).encode(), "application/json", 1, field)
            case 1:
                yield Wrong(json.dumps([SCORE, wrong, SCORE]).encode(), "application/json", 2, field)
            case 2:
                body = "\n".join(map(json.dumps, (SCORE, LAUNCH, wrong)))
                yield Wrong(body.encode(), "application/x-ndjson", 3, field)
    good = json.dumps(SCORE).encode()
    yield Wrong(good + b"\n{\n" + good, "application/x-ndjson", 2, None)


async def send(session: aiohttp.ClientSession, wrong: Wrong) -> None:
    """Post it, and check the answer."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": wrong.kind}
    async with session.post("/events", data=wrong.body, headers=headers) as answer:
        document = await answer.json()
    assert answer.status == wrong.status, (wrong, document)
    (error,) = document["errors"]
    assert (error["line"], error["field"]) == (wrong.line, wrong.field), (wrong, document)
    assert error["reason"], wrong


async def _send_often(rounds: int) -> None:
    port, web, redis = Port(), Port(), Port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.toml"
        config.write_text(
            f'[intake]\nport = {port.number}\ntokens = ["{TOKEN}"]\n[web]\nport = {web.number}\n'
            f"[redis]\nembedded_port = {redis.number}\n"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "daemon", "run", "--config", str(config), stderr=asyncio.subprocess.PIPE
        )
        try:
            assert process.stderr is not None
            while b"the stream is this database's" not in await process.stderr.readline():
                pass
            memory = psutil.Process(process.pid).memory_info
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port.number}") as session:
                requests = list(wrong_requests())
                for number in itertools.count(1):
                    await asyncio.gather(*(send(session, wrong) for wrong in requests))
                    if number in (1, rounds // 2, rounds):
                        print(f"{number * len(requests)} requests: {memory().rss / 1e6:.1f} MB")
                    if number >= rounds:
                        break
            async with aiohttp.ClientSession(f"http://127.0.0.1:{web.number}") as session:
                text = await (await session.get("/metrics")).text()
            print(*(line for line in text.splitlines() if line.startswith("passback_intake_requests")), sep="\n")
        finally:
            process.terminate()
            await process.communicate()


if __name__ == "__main__":
    asyncio.run(_send_often(int(sys.argv[1])))

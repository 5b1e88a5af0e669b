"""
Every request goes out byte for byte as it was recorded: request line, headers in their order, body.

``requests.json`` has single requests with all that they are made of; ``processes.json`` has what whole processes sent,
with names in place of what differs each time. ``python -m tests.golden.record`` makes both. A difference is a change of
what campuses get: record again only if that change is meant.
"""

import asyncio
import base64
import hashlib
import json
import re
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from oauthlib.oauth1 import Client

from actors.client import Sender, http_session
from actors.egress import Egress
from actors.protocols.interface import RequestId, Target, WireScore
from actors.protocols.lti11.protocol import Lti11
from tests.blackbox.world import KEY, SECRET, World, launch, score, structure
from tests.daemon.check.certificates import served_with, valid_for
from tests.fakes.network import Resolver
from tests.golden.campus import ADDRESS, listen, receive


async def send(case: dict[str, str], port: int, certificate: Path) -> None:
    """Write, sign and post one request: the only place that knows how the project does it."""
    protocol = Lti11()
    target = Target(case["url"], case["key"], case["secret"], case["sourcedid"])
    stamp = RequestId(int(case["timestamp"]), case["nonce"], case["message_id"])
    if case["operation"] != "readResult":
        submitted_at = int(case["submitted_at"]) if "submitted_at" in case else None
        score = WireScore(case["score"], submitted_at=submitted_at, prioritized=case.get("prioritized") == "yes")
        wire = protocol.write_score(target, score, stamp)
    else:
        wire = protocol.write_read(target, stamp)
    egress = Egress(allow_http=True, allow_networks=[ip_network("127.0.0.0/8")])
    resolver = Resolver(ADDRESS, port=port)  # so that URLs can stay the same in every run
    async with http_session(
        timeout_seconds=60, max_connections=1, egress=egress, ca_file=certificate, resolver=resolver
    ) as session:
        await Sender(session).send(case["url"], wire.body, wire.headers, consumer_key=case["key"])


HERE = Path(__file__).parent
REQUESTS, PROCESSES = HERE / "requests.json", HERE / "processes.json"
CASES = json.loads(REQUESTS.read_text())

SOURCEDID = '{"data":{"instanceid":"7","userid":"42"},"hash":"9f<&>é"}'
#: Of the outcome service that whole processes send to; the port differs each time.
PATH = "/mod/lti/service.php?tool=a%2Fb&again=1+2&again=&again=1%202"

#: What differs each time, as a request has it: the name that replaces it, and where it is.
VARYING = {
    "<<port>>": re.compile(rf"\r\nHost: {re.escape(ADDRESS)}:([0-9]+)\r\n"),
    "<<nonce>>": re.compile(r' oauth_nonce="([0-9a-f]{32})"'),
    "<<timestamp>>": re.compile(r' oauth_timestamp="([0-9]{10})"'),
    "<<message id>>": re.compile(r"<imsx_messageIdentifier>([0-9a-f]{32})</imsx_messageIdentifier>"),
    "<<body hash>>": re.compile(r'oauth_body_hash="([^"]+)"'),
    "<<signature>>": re.compile(r' oauth_signature="([^"]+)"'),
}


def to_lines(request: bytes) -> list[str]:
    """As requests are recorded: lines without their line feed."""
    return request.decode().split("\n")


def to_bytes(lines: list[str]) -> bytes:
    return "\n".join(lines).encode()


async def sent(case: dict[str, Any], certificate: Path) -> bytes:
    """What the campus gets of a case."""
    tls = served_with(certificate) if case["url"].lower().startswith("https:") else None
    with listen() as listener:
        receiving = asyncio.create_task(asyncio.to_thread(receive, listener, tls))
        await send(case, listener.getsockname()[1], certificate)
        return await receiving


def sent_by_processes(world: World) -> Iterator[tuple[str, bytes]]:
    """What the campus gets from ``passbackd run`` and then from ``passbackd reconcile``, by operation."""
    with listen() as listener:
        daemon = world.begin()
        url = f"http://{ADDRESS}:{listener.getsockname()[1]}{PATH}"
        world.add(structure(), launch("ada", "problem-1", SOURCEDID, url), score("ada", "problem-1", 1, 3))
        yield "replaceResult", receive(listener)
        daemon.wait_settled()
        daemon.stop()
        reading = world.start("reconcile", "--config", str(world.config))
        try:
            yield "readResult", receive(listener)
        finally:
            world.end(reading)


def find(name: str, text: str) -> re.Match[str]:
    """Where a request has something of :data:`VARYING`, which it must have once."""
    found = list(VARYING[name].finditer(text))
    assert len(found) == 1, f"not once, or in another form: {name} in {text}"
    return found[0]


def with_names(request: bytes) -> list[str]:
    """A request of a process as it is recorded: names in place of what differs each time."""
    text = request.decode()
    for name in VARYING:
        found = find(name, text)
        text = f"{text[: found.start(1)]}{name}{text[found.end(1) :]}"
    return to_lines(text.encode())


def oauthlib_signature(url: str, body: str, key: str, secret: str, nonce: str, timestamp: str) -> str:
    """The signature as oauthlib's client makes it, as the header has it."""
    client = Client(key, client_secret=secret, nonce=nonce, timestamp=timestamp)
    _, headers, _ = client.sign(url, "POST", body=body, headers={"Content-Type": "application/xml"})
    return re.search(r'oauth_signature="([^"]+)"', headers["Authorization"])[1]


def make_certificate(folder: Path) -> Path:
    """For the host of the cases over TLS."""
    return valid_for(1, folder, "campus.example")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def world(migrated_database, valkey_url, tmp_path: Path, server_folder: Path) -> Iterator[World]:
    world = World(migrated_database("sqlite"), valkey_url, folder=tmp_path / "golden", home=server_folder / "golden")
    try:
        yield world
    finally:
        world.end_all()


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_a_request_goes_out_byte_for_byte_as_recorded(case, certificate):
    assert await sent(case, certificate) == to_bytes(case["request"])


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_recorded_signature_is_the_one_of_oauthlib(case):
    head, _, body = to_bytes(case["request"]).decode().partition("\r\n\r\n")
    made_of = [case[name] for name in ("key", "secret", "nonce", "timestamp")]
    assert find("<<signature>>", head)[1] == oauthlib_signature(case["url"], body, *made_of)


def test_whole_processes_send_byte_for_byte_what_was_recorded(world):
    recorded = json.loads(PROCESSES.read_text())
    seen = []
    for operation, request in sent_by_processes(world):
        came = {name: find(name, request.decode())[1] for name in VARYING}
        expected = to_bytes(recorded[operation]).decode()
        for name in ("<<port>>", "<<nonce>>", "<<timestamp>>", "<<message id>>"):
            expected = expected.replace(name, came[name])
        body = expected.partition("\r\n\r\n")[2]
        body_hash = base64.b64encode(hashlib.sha1(body.encode()).digest()).decode()
        signature = oauthlib_signature(
            f"http://{ADDRESS}:{came['<<port>>']}{PATH}", body, KEY, SECRET, came["<<nonce>>"], came["<<timestamp>>"]
        )
        escaped = body_hash.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        expected = expected.replace("<<body hash>>", escaped).replace("<<signature>>", signature)
        assert request == expected.encode()
        assert abs(int(came["<<timestamp>>"]) - time.time()) < 300, "campuses refuse what is older than some minutes"
        seen.append(came)
    assert len(seen) == len(recorded)
    for name in ("<<nonce>>", "<<message id>>"):
        assert len({came[name] for came in seen}) == len(seen), f"{name} is never used twice"

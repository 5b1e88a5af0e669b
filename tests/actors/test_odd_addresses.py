"""Requests to addresses that a library might not like, checked against the bytes that arrive at the campus."""

from __future__ import annotations

import base64
import hmac
import re
from ipaddress import ip_network
from urllib.parse import quote, unquote, unquote_to_bytes

import pytest

from actors.egress import Egress
from actors.protocols.interface import RequestId, Target, WireScore
from actors.protocols.lti11.protocol import Lti11
from daemon.ingest.parse import read_event
from tests.actors.posting import open_sender
from tests.fakes.network import Resolver, raw_server
from tests.servers import HOST

#: Also by the IPv6 addresses that lead to 127.0.0.1.
EGRESS = Egress(allow_http=True, allow_networks=[ip_network("127.0.0.0/8"), ip_network("::ffff:127.0.0.0/104")])
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def escaped(value: bytes) -> str:
    return quote(value, safe="~")


def signature_of(request: bytes, secret: str) -> str:
    """What a campus computes that sees nothing but the bytes, as PHP's ``$_SERVER`` and ``urldecode`` have them."""
    head = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(b": ") for line in head[1:])}
    path, _, query = head[0].split(b" ")[1].partition(b"?")
    given = [piece.partition(b"=")[::2] for piece in query.split(b"&") if piece]
    parameters = [tuple(escaped(unquote_to_bytes(part.replace(b"+", b" "))) for part in pair) for pair in given]
    oauth = re.findall(r'(oauth_\w+)="([^"]*)"', fields[b"authorization"].decode())
    parameters += [(name, escaped(unquote(value).encode())) for name, value in oauth if name != "oauth_signature"]
    uri = b"http://" + fields[b"host"].lower() + path
    text = "&".join(f"{name}={value}" for name, value in sorted(parameters))
    base = f"POST&{escaped(uri)}&{escaped(text.encode())}"
    return base64.b64encode(hmac.digest(f"{escaped(secret.encode())}&".encode(), base.encode(), "sha1")).decode()


async def arrived(url: str, host: str = HOST) -> bytes:
    """The bytes of a request there; *url* has ``{at}`` for host and port."""
    seen = bytearray()

    async def answer(reader, writer):
        seen.extend(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)
        await writer.drain()
        writer.close()

    async with raw_server(answer) as port, open_sender(resolver=Resolver(HOST), egress=EGRESS) as sender:
        url = url.replace("{at}", f"{host}:{port}")
        fields = {
            "type": "launch",
            "oauth_consumer_key": "key",
            "user_id": "u",
            "course_id": "c",
            "usage_id": "b",
            "lis_result_sourcedid": "s",
            "lis_outcome_service_url": url,
        }
        entry = {name.encode(): value.encode() for name, value in fields.items()}
        event = read_event("1767225600000-0", entry, now=1767225600000)
        target = Target(event.registration.lis_outcome_service_url, "key", "se&cret", "s")
        wire = Lti11().write_score(target, WireScore("0.5"), RequestId(1767225600, "nonce", "message"))
        await sender.send(target.url, wire.body, wire.headers)
    request = bytes(seen)
    (found,) = re.findall(rb'oauth_signature="([^"]*)"', request)
    assert unquote(found.decode()) == signature_of(request, "se&cret")
    return request


@pytest.mark.parametrize(
    "path",
    [
        "/o?q[]=1&r[a]={x}|^",
        "/o[1]{2}|3^",
        "/o?q=%FC&r=%fc",
        "/f\u00fcr/alle",
        "/o?q=\u00fc&\u00fc=\u4e2d",
        "/o?q=a+b&r=a%20b&s=a%2Bb",
        "/o?a=1;b=2",
        "/o;v=1?a=1",
        "/o?empty=&flag&=x&&",
        "/o?a=2&a=1&a=%31&A=0",
        "/o?q=%zz&r=%&s=%4",
        '/o?q=<"secret">`\\',
        "/o?q=a=b==",
        "/o?q=~-._!*'()",
        "/a%2Fb/%7e/../c//d",
        "/o?q=?/:@",
        "/o?q=\U0001f600",
    ],
)
async def test_it_is_sent_byte_for_byte_and_signed_as_a_campus_reads_it(path):
    request = await arrived("http://{at}" + path)
    assert request.startswith(b"POST " + path.encode() + b" HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("url", "line"),
    [
        (" \t\r\nhttp://{at}/o?a=1 \n\u00a0", b"POST /o?a=1 HTTP/1.1"),
        ("HTTP://{at}/o", b"POST /o HTTP/1.1"),
        ("http://{at}", b"POST / HTTP/1.1"),
        ("http://{at}?a=1", b"POST /?a=1 HTTP/1.1"),
        ("http://{at}/o#there", b"POST /o HTTP/1.1"),
    ],
)
async def test_what_is_no_part_of_a_request_is_left_out(url, line):
    assert (await arrived(url)).partition(b"\r\n")[0] == line


@pytest.mark.parametrize(
    ("host", "sent"),
    [
        ("LMS.Example", "lms.example"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]"),
        ("[0:0:0::FFFF:127.0.0.1]", "[0:0:0::ffff:127.0.0.1]"),
    ],
)
async def test_a_host_is_signed_as_it_is_sent(host, sent):
    request = await arrived("http://{at}/o", host)
    (field,) = re.findall(rb"(?i)\r\nhost: ([^\r]*):\d+\r", request)
    assert field.decode().lower() == sent

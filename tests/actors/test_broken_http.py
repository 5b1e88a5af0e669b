"""Answers that are not quite HTTP: the line that is at fault is named, and no secret is."""

import pytest

from actors.errors import Ambiguous
from tests.actors.posting import BODY, HEADERS, open_sender
from tests.fakes.network import raw_server
from tests.servers import HOST

OK = b"HTTP/1.1 200 OK\r\n"
END = b"Content-Length: 2\r\n\r\nok"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

#: What comes, and what is said of it.
BROKEN = {
    "a blank before the colon": (OK + b"X-Foo : bar\r\n" + END, "invalid header token in the line 'X-Foo : bar'"),
    "a blank before the colon, among other lines": (
        OK + b"Date: Mon, 02 Mar 2026 00:00:00 GMT\r\nX-Foo : bar\r\n" + END,
        "invalid header token in the line 'X-Foo : bar'",
    ),
    "the same length twice": (
        OK + b"Content-Length: 2\r\n" + END,
        "duplicate Content-Length in the line 'Content-Length: 2'",
    ),
    "two lengths": (
        OK + b"Content-Length: 3\r\n" + END,
        "duplicate Content-Length in the line 'Content-Length: 2'",
    ),
    "a length that is no number": (
        OK + b"Content-Length: many\r\n\r\n",
        "invalid character in Content-Length in the line 'Content-Length: many'",
    ),
    "a length below zero": (
        OK + b"Content-Length: -1\r\n\r\n",
        "invalid character in Content-Length in the line 'Content-Length: -1'",
    ),
    "a length of what is chunked": (
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding can't be present with Content-Length in the line 'Transfer-Encoding: chunked'",
    ),
    "a line without a colon": (
        OK + b"PHP Warning: Undefined index\r\n" + END,
        "invalid header token in the line 'PHP Warning: Undefined index'",
    ),
    "a field without a name": (OK + b": v\r\n" + END, "invalid header token in the line ': v'"),
    "a carriage return alone": (
        OK + b"X-Foo: a\rb\r\n" + END,
        "missing expected LF after header value in the line 'X-Foo: a b'",
    ),
    "something before the answer": (
        b"Notice: Undefined index\r\n" + OK + END,
        "bad status line: Expected HTTP/, RTSP/ or ICE/ in the line 'Notice: Undefined index'",
    ),
    "a status that is no number": (
        b"HTTP/1.1 abc OK\r\n\r\n",
        "bad status line: Invalid status code in the line 'HTTP/1.1 abc OK'",
    ),
    "a status of four digits": (
        b"HTTP/1.1 2000 OK\r\n\r\n",
        "bad status line: Invalid response status in the line 'HTTP/1.1 2000 OK'",
    ),
    "an unknown version": (
        b"HTTP/3.7 200 OK\r\n\r\n",
        "bad status line: Invalid HTTP version in the line 'HTTP/3.7 200 OK'",
    ),
    "another protocol": (
        b"SSH-2.0-OpenSSH_9.2\r\n",
        "bad status line: Expected HTTP/, RTSP/ or ICE/ in the line 'SSH-2.0-OpenSSH_9.2'",
    ),
    "a chunk without a size": (CHUNKED + b"zz\r\n", "invalid character in chunk size in the line 'zz'"),
    "a chunk that is longer than its size": (
        CHUNKED + b"2\r\nokXX0\r\n",
        "expected LF after chunk data in the line 'okXX0'",
    ),
    "a line that is too long": (
        OK + b"X-Policy: " + b"y" * 100_000 + b"\r\n\r\n",
        "got more than 32768 bytes when reading a line with 'yyyyyyyyyyyyyyyyyyyy…'",
    ),
    "too many lines": (
        OK + b"".join(b"X-%d: v\r\n" % number for number in range(2000)) + b"\r\n",
        "too many headers received",
    ),
    "a long line": (
        OK + b"X Foo: " + b"long " * 100 + b"\r\n" + END,
        f"invalid header token in the line 'X Foo: {('long ' * 23)[:113]}…'",
    ),
    "control characters": (
        OK + b"X Foo: \x1b[31mred\x07\r\n" + END,
        "invalid header token in the line 'X Foo: [31mred'",
    ),
}


async def what_is_said_of(reply: bytes, query: str = "", redacted: tuple[str, ...] = ()) -> str:
    async def talk(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(reply or head)
        await writer.drain()

    async with raw_server(talk) as port, open_sender() as post:
        with pytest.raises(Ambiguous) as caught:
            await post.send(f"http://{HOST}:{port}/o{query}", BODY, HEADERS, redacted=redacted)
    return caught.value.reason


@pytest.mark.parametrize(("reply", "says"), BROKEN.values(), ids=BROKEN)
async def test_the_line_at_fault_is_named(reply, says):
    assert await what_is_said_of(reply) == f"the answer is not HTTP: {says}"


@pytest.mark.parametrize(
    "line",
    [
        b"Set-Cookie : MoodleSession=hunter2",
        b"X-Auth-Token : hunter2",
        b"Location : https://lms.example/?session=hunter2",
        b"X-Foo : the secret hunter2!",
        b"X-Foo : hunter2%21",
        b"X-Foo : hunter2!",
    ],
)
async def test_a_line_that_holds_a_secret_is_named_without_it(line):
    reason = await what_is_said_of(OK + line + b"\r\n" + END, redacted=("hunter2!",))
    assert line.partition(b":")[0].strip().decode() in reason
    assert "hunter2" not in reason


async def test_a_long_cookie_is_not_shown():
    reason = await what_is_said_of(OK + b"Set-Cookie: session=hunter2" + b"y" * 100_000 + b"\r\n\r\n")
    assert reason == "the answer is not HTTP: got more than 32768 bytes when reading a line with 'session…'"


async def test_a_server_that_sends_back_what_it_got_does_not_show_the_address():
    reason = await what_is_said_of(b"", query="?token=hunter2&b=%C3%A9t%C3%A9-2026")
    assert "in the line 'POST […] HTTP/1.1'" in reason


async def test_an_answer_that_was_cut_off_is_still_said_to_be_so():
    assert await what_is_said_of(CHUNKED + b"20\r\nok") == (
        "the connection was lost while waiting for the answer: closed in the middle of the answer"
    )

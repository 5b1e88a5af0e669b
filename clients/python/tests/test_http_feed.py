"""HttpFeed and its asynchronous sibling, against an intake, and against servers that misbehave."""

import asyncio
import os
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
from meanings import meaning, taken

from passbackd_client import (
    AsyncHttpFeed,
    Block,
    CourseStructure,
    EventsRefusedError,
    FeedError,
    HttpFeed,
    NotAllowedError,
    ScoreChanged,
    TooLargeError,
    TryLaterError,
    UserRetired,
)
from tests.clients.http_servers import Script, served
from tests.daemon.check.certificates import served_with, valid_for

EVENTS = [
    CourseStructure(course_id="c", version=1, blocks=[Block(usage_id="c"), Block(usage_id="p 😀\n\u2028", parent="c")]),
    ScoreChanged(user_id="42", course_id="c", usage_id="p", points_earned=0.1, points_possible=2),
    UserRetired(user_id="43"),
]
TAKEN = 202, '{"accepted": 1, "ids": ["1-0"]}'


class Unchecked(ScoreChanged):
    """An event of a program that is newer or older than passbackd."""

    __slots__ = ()

    def json_object(self):
        return {**super().json_object(), "user_id": ""}


def test_one_event_or_many_are_on_the_stream_as_they_were_made(intake, stream):
    with HttpFeed(intake.url + "/", intake.token) as feed:
        first, *more = [*feed.send(EVENTS[0]), *feed.send(iter(EVENTS[1:])), *feed.send([])]
    assert len({first, *more}) == 3
    assert [taken(fields) for fields in stream()] == [meaning(event) for event in EVENTS]


async def test_asynchronous_tasks_send_at_once(intake, stream):
    async with AsyncHttpFeed(intake.url, intake.token) as feed:
        ids = await asyncio.gather(*(feed.send(EVENTS[1]) for _ in range(30)), feed.send(EVENTS))
        assert await feed.send([]) == []
    assert len({entry_id for some in ids for entry_id in some}) == len(stream()) == 33


def test_of_refused_events_none_is_taken_and_each_is_named(intake, stream):
    wrong = Unchecked(user_id="42", course_id="c", usage_id="p", points_earned=1, points_possible=2)
    with HttpFeed(intake.url, intake.token) as feed, pytest.raises(EventsRefusedError) as caught:
        feed.send([EVENTS[2], wrong])
    assert [(error.line, error.field) for error in caught.value.errors] == [(2, "user_id")]
    assert "user_id is empty" in caught.value.errors[0].reason
    assert stream() == []


def test_a_wrong_token_and_a_request_that_is_too_large_are_not_tried_again(intake, stream):
    with HttpFeed(intake.url, "another-token") as feed, pytest.raises(NotAllowedError, match="token is not accepted"):
        feed.send(EVENTS)
    many = [UserRetired(user_id="u" * 255)] * 40_000
    with HttpFeed(intake.url, intake.token) as feed, pytest.raises(TooLargeError, match="more than the 8388608"):
        feed.send(many)
    assert stream() == []


def test_what_is_sent_is_json_lines_with_the_token_over_one_connection():
    script = Script(TAKEN)
    with served(script) as url, HttpFeed(url + "/under/", "t0ken") as feed:
        feed.send(EVENTS)
        feed.send(EVENTS[1])
    (request, body), (_, single) = script.requests
    assert (request.method, request.path) == ("POST", "/under/events")
    assert request.headers["Authorization"] == "Bearer t0ken"
    assert request.headers["Content-Type"] == "application/x-ndjson"
    assert len(body.split(b"\n")) == 3
    assert b'"points_earned":0.1,' in single
    assert len(script.connections) == 1


@pytest.mark.parametrize("later", [(429, "full", {"Retry-After": "0"}), (503, "Redis is away"), (502, "<html>")])
async def test_what_is_not_taken_now_is_sent_again(later):
    script = Script(later, later, TAKEN, later, TAKEN)
    with served(script) as url:
        with HttpFeed(url, "t") as feed:
            assert feed.send(EVENTS) == ["1-0"]
        async with AsyncHttpFeed(url, "t") as feed:
            assert await feed.send(EVENTS) == ["1-0"]
    assert len({body for _, body in script.requests}) == 1
    assert len(script.requests) == 5


def test_a_longer_pause_than_there_is_time_is_handed_on():
    script = Script((503, "Redis is away", {"Retry-After": "120"}))
    with served(script) as url, HttpFeed(url, "t") as feed, pytest.raises(TryLaterError, match="away") as caught:
        feed.send(EVENTS)
    assert caught.value.after == 120
    assert len(script.requests) == 1


def test_neither_a_redirect_is_followed_nor_another_server_believed():
    script = Script((307, "", {"Location": "https://elsewhere.example/"}), (200, "a page"))
    with served(script) as url, HttpFeed(url, "t") as feed:
        for status in 307, 200:
            with pytest.raises(FeedError, match=f"is the URL right. HTTP {status}"):
                feed.send(EVENTS)


@contextmanager
def bare_server(serve):
    """*serve* gets each connection in turn."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    serve(connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def answer(connection, head="202 Accepted", body=b'{"ids": ["1-0"]}'):
    received = b""
    while not received.endswith(b"}"):
        received += connection.recv(65536)
    connection.sendall(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def test_a_connection_that_the_server_has_closed_meanwhile_is_replaced_at_once():
    with bare_server(answer) as url, HttpFeed(url, "t", give_up_after=0) as feed:
        for _ in range(3):
            assert feed.send(EVENTS) == ["1-0"]


def test_a_server_that_answers_nothing_is_given_up():
    with bare_server(lambda connection: connection.recv(1)) as url, pytest.raises(TryLaterError, match="no answer"):
        HttpFeed(url, "t", give_up_after=0).send(EVENTS)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        silent_url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TryLaterError, match="timed out"):
            HttpFeed(silent_url, "t", timeout=0.2, give_up_after=0).send(EVENTS)
    with pytest.raises(TryLaterError, match="refused"):
        HttpFeed(silent_url, "t", give_up_after=0.2).send(EVENTS)


def test_threads_share_a_feed_and_a_forked_process_takes_no_connection_along():
    script = Script(TAKEN)
    with served(script) as url, HttpFeed(url, "t") as feed:
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(feed.send, [EVENTS[1]] * 40)) == [["1-0"]] * 40
        assert len(script.connections) <= 8
        known = set(script.connections)
        # As after a fork: the number of the process is another one.
        feed._pid = os.getpid() + 1
        feed.send(EVENTS)
        assert len(script.connections - known) == 1


def test_a_server_whose_certificate_is_not_trusted_gets_nothing(tmp_path):
    certificate, script = valid_for(2, tmp_path), Script(TAKEN)
    with served(script, served_with(certificate)) as url:
        with HttpFeed(url, "t", give_up_after=600) as feed, pytest.raises(FeedError, match="not trusted: self"):
            feed.send(EVENTS)
        assert script.requests == []
        with HttpFeed(url, "t", tls=ssl.create_default_context(cafile=certificate)) as feed:
            assert feed.send(EVENTS) == feed.send(EVENTS) == ["1-0"]
    assert len(script.connections) == 1


@pytest.mark.parametrize("url", ["passbackd.example", "ftp://passbackd.example", "https://", "http://h/?a=1"])
def test_a_url_that_is_none_is_refused(url):
    with pytest.raises(ValueError, match="not a whole http or https address"):
        HttpFeed(url, "t")


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "é"])
def test_a_token_that_is_none_is_refused(token):
    with pytest.raises(ValueError, match="the token is empty, or holds"):
        HttpFeed("http://h", token)

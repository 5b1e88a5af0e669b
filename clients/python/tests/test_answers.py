"""What an answer of the intake means, and how long the client goes on. Pure."""

import json
from datetime import UTC, datetime

import pytest

from passbackd_client import (
    EventsRefusedError,
    FeedError,
    NotAllowedError,
    RefusedEvent,
    TooLargeError,
    TryLaterError,
)
from passbackd_client.answers import read_answer
from passbackd_client.patience import Patience

NOW = datetime(2026, 3, 2, 8, 0, 0, tzinfo=UTC)


def read(status, body=b"", retry_after=None):
    return read_answer(status, body, retry_after, now=NOW)


def test_what_was_taken_has_ids():
    assert read(202, b'{"accepted": 2, "ids": ["1-0", "1-1"]}') == ["1-0", "1-1"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"ids": 3}', b'{"ids": [3]}', b"[" * 100_000])
def test_a_202_of_something_else_is_no_success(body):
    with pytest.raises(FeedError, match="is the URL right"):
        read(202, body)


def test_refused_events_are_named():
    body = b'{"errors": [{"line": 2, "field": "user_id", "reason": "user_id is empty"}, {"reason": "no JSON"}]}'
    with pytest.raises(EventsRefusedError, match=r"^event 2: user_id is empty; no JSON$") as caught:
        read(422, body)
    assert caught.value.errors == (RefusedEvent(2, "user_id", "user_id is empty"), RefusedEvent(None, None, "no JSON"))


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, NotAllowedError), (403, NotAllowedError), (413, TooLargeError), (404, FeedError), (302, FeedError),
     (400, FeedError), (422, FeedError), (429, TryLaterError), (500, TryLaterError), (503, TryLaterError)],
)  # fmt: skip
def test_an_answer_is_named_by_what_to_do_next(status, kind):
    with pytest.raises(FeedError, match=f"HTTP {status}: what it said") as caught:
        read(status, b"what it said")
    assert type(caught.value) is kind


def test_what_a_token_may_not_send_is_named():
    errors = [{"line": 2, "field": "type", "reason": "this token is for launch only"}]
    with pytest.raises(NotAllowedError, match="does not allow this: event 2: this token is for launch only") as caught:
        read(403, json.dumps({"errors": errors}).encode())
    assert [(one.line, one.field) for one in caught.value.errors] == [(2, "type")]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("7", 7), (" 7 ", 7), ("9" * 400, 999_999_999), ("Mon, 02 Mar 2026 08:00:30 GMT", 30),
     ("Mon, 02 Mar 2026 08:00:30", 30), ("Mon, 02 Mar 2026 07:00:00 GMT", 0), ("soon", None),
     ("-1", None), ("\xb2", None)],
)  # fmt: skip
def test_the_pause_that_is_asked_for_is_read(header, seconds):
    with pytest.raises(TryLaterError) as caught:
        read(503, retry_after=header)
    assert caught.value.after == seconds


def test_pauses_grow_and_end_with_the_time_that_is_given():
    patience = Patience(10.0, first=0.1, longest=5.0)
    pauses = [patience.pause(tries, 0.0, after=None, jitter=1.0) for tries in range(1, 9)]
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])
    assert patience.pause(1, 0.0, after=None, jitter=0.0) == pytest.approx(0.05)
    assert patience.pause(10_000, 4.9, after=None, jitter=1.0) == 5.0
    assert patience.pause(1, 9.95, after=None, jitter=1.0) is None


def test_a_pause_that_is_asked_for_is_kept_or_not_waited_for():
    assert Patience(10.0).pause(1, 0.0, after=7.0, jitter=0.0) == 7.0
    assert Patience(10.0).pause(1, 0.0, after=11.0, jitter=0.0) is None
    assert Patience(0).pause(1, 0.0, after=None, jitter=0.0) is None

"""Which messages are taken from a queue, whatever was put there."""

import json

import pytest
from dramatiq import Message

from daemon.queue.messages import MAX_DELAY, MAX_MESSAGE_BYTES, RefusedMessageError, check_message
from tests.daemon.queue.malformed import MALFORMED, NOW_MS, message


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_what_cannot_be_worked_on_is_refused(data):
    with pytest.raises(RefusedMessageError):
        check_message(data, "outcomes.0", now_ms=NOW_MS)


@pytest.mark.parametrize(
    "options", [{}, {"eta": None}, {"eta": NOW_MS}, {"eta": NOW_MS + MAX_DELAY}, {"eta": 1.5}, {"more": [1]}], ids=repr
)
def test_what_dramatiq_sends_is_taken(options):
    check_message(message(options={"redis_message_id": "x", **options}), "outcomes.0", now_ms=NOW_MS)


def test_the_longest_message_that_passbackd_sends_is_far_from_the_limit():
    longest = Message("outcomes.63.DQ", "send_composite_outcome", ([2**63 - 1] * 64,), {}, {"eta": NOW_MS}).encode()
    assert len(longest) < MAX_MESSAGE_BYTES / 4
    assert json.loads(longest)

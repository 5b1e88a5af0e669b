"""Messages that no release of passbackd sends, as anybody may put them onto a queue."""

import json
from typing import Any

NOW_MS = 1_800_000_000_000


def message(**changes: Any) -> bytes:
    """A message on the queue ``outcomes.0``, with these fields instead of its own."""
    fields = {
        "queue_name": "outcomes.0",
        "actor_name": "send_leaf_outcome",
        "args": [[1]],
        "kwargs": {},
        "options": {"redis_message_id": "x"},
        "message_id": "m",
        "message_timestamp": NOW_MS,
    }
    return json.dumps({**fields, **changes}).encode()


def without(name: str) -> bytes:
    fields = json.loads(message())
    del fields[name]
    return json.dumps(fields).encode()


#: By what is wrong: the consumer refuses them.
MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"hello",
    "half a message": message()[:40],
    "bytes that are no text": b"\xff\xfe\x00",
    "NUL": b"\x00",
    "null": b"null",
    "a number": b"7",
    "a list": b"[]",
    "a text": b'"x"',
    "an object without anything": b"{}",
    "an endless nesting": b"[" * 10_000,
    "too long": message(args=[[1] * 100_000]),
    "too long a name": message(message_id="x" * 20_000),
    "another queue": message(queue_name="outcomes.1"),
    "a queue that is not there": message(queue_name="nowhere"),
    "a queue that is a list": message(queue_name=["outcomes.0"]),
    "no queue": without("queue_name"),
    "an actor that is null": message(actor_name=None),
    "an actor that is a list": message(actor_name=["send_leaf_outcome"]),
    "an actor that is an object": message(actor_name={}),
    "no actor": without("actor_name"),
    "arguments that are null": message(args=None),
    "arguments that are a number": message(args=7),
    "named arguments that are a list": message(kwargs=[1]),
    "named arguments that are null": message(kwargs=None),
    "options that are null": message(options=None),
    "options that are a list": message(options=[]),
    "no id in Redis": message(options={}),
    "an id in Redis that is null": message(options={"redis_message_id": None}),
    "an id in Redis that is a list": message(options={"redis_message_id": []}),
    "an id that is a list": message(message_id=[]),
    "an id that is null": message(message_id=None),
    "a field too many": message(surprise=1),
    "a time in the year 3000": message(options={"redis_message_id": "x", "eta": 32_503_680_000_000}),
    "a time that is no number": message(options={"redis_message_id": "x", "eta": "now"}),
    "a time that is not one": message(options={"redis_message_id": "x", "eta": float("nan")}),
    "an endless time": message(options={"redis_message_id": "x", "eta": float("inf")}),
    "a time that is a list": message(options={"redis_message_id": "x", "eta": []}),
}

#: By what is wrong: arguments that the actor refuses before it takes anything.
WRONG_ARGUMENTS: dict[str, dict[str, Any]] = {
    "no argument": {"args": []},
    "a text in place of arguments": {"args": "12"},
    "two arguments": {"args": [[1], [2]]},
    "a named argument": {"kwargs": {"surprise": 1}},
    "no list": {"args": [1]},
    "null": {"args": [None]},
    "an object": {"args": [{}]},
    "a text": {"args": ["1"]},
    "texts": {"args": [["1"]]},
    "fractions": {"args": [[1.5]]},
    "truths": {"args": [[True]]},
    "lists": {"args": [[[1]]]},
    "nulls": {"args": [[None]]},
    "zero": {"args": [[0]]},
    "below zero": {"args": [[-1]]},
    "more than 64 bits": {"args": [[2**63]]},
    "far more than 64 bits": {"args": [[10**300]]},
    "too many": {"args": [list(range(1, 66))]},
    "thousands": {"args": [list(range(1, 2_500))]},
    "thousands of the same": {"args": [[1] * 3_000]},
    "an unknown actor": {"actor_name": "rm"},
}

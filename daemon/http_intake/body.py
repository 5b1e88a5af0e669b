"""The events in the body of a request: one JSON object, an array of them, or JSON lines. Pure."""

import io
from collections.abc import Iterator

from daemon.ingest.events import BadEvent
from daemon.ingest.lines import event_fields, read_document

#: Bytes of a body.
MAX_BODY = 8 * 1024 * 1024
#: Commas in a body, and its lines: what is read takes some hundred bytes of memory for each value, and time for each.
MAX_VALUES = 500_000
#: Events of a request: each takes a kilobyte of memory until the answer.
REQUEST_EVENTS = 20_000

JSON_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")


def read_events(body: bytes, content_type: str) -> Iterator[tuple[int, dict[str, str] | BadEvent]]:
    """
    The events as the fields of stream entries, or what is wrong with one, each with its line.

    The line counts from 1: that of the body if these are JSON lines, else the place in the array.
    """
    if max(body.count(b","), body.count(b"\n")) > MAX_VALUES:
        yield 1, BadEvent(f"holds more than {MAX_VALUES} values or lines: send it in several requests")
    elif content_type in JSON_LINES:
        lines = ((number, line) for number, line in enumerate(io.BytesIO(body), 1) if line.strip())
        for place, (number, line) in enumerate(lines):
            if place == REQUEST_EVENTS:
                yield number, _too_many()
                return
            yield number, _read(line)
    else:
        yield from _read_json(body)


def _too_many() -> BadEvent:
    return BadEvent(f"is one more than the {REQUEST_EVENTS} events of a request: send them in several")


def _read(line: bytes) -> dict[str, str] | BadEvent:
    try:
        return event_fields(read_document(line))
    except BadEvent as error:
        return error


def _read_json(body: bytes) -> Iterator[tuple[int, dict[str, str] | BadEvent]]:
    try:
        document = read_document(body)
    except BadEvent as error:
        yield 1, error
        return
    events = document if isinstance(document, list) else [document]
    if len(events) > REQUEST_EVENTS:
        yield REQUEST_EVENTS + 1, _too_many()
        return
    for number, one in enumerate(events, 1):
        try:
            yield number, event_fields(one)
        except BadEvent as error:
            yield number, error

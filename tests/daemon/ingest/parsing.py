"""Entries for the parser, and the reasons for which it refuses them."""

import json

import pytest

from daemon.ingest.events import BadEvent
from daemon.ingest.parse import read_event

#: 2026-01-01T00:00:00Z, as an entry id and as the microseconds that replace an absent ``modified``.
ENTRY = "1767225600000-3"
ENTRY_US = 1767225600_000_000

BLOCKS = [
    {"usage_id": "root", "parent": None},
    {"usage_id": "unit", "parent": "root"},
    {"usage_id": "p", "parent": "unit", "points_possible": 2},
]
STRUCTURE = {"type": "course.structure", "course_id": "c", "version": "7", "blocks": json.dumps(BLOCKS)}


def raw(fields):
    return {
        (name if isinstance(name, bytes) else name.encode()): (value if isinstance(value, bytes) else value.encode())
        for name, value in fields.items()
    }


def read(fields, entry_id=ENTRY):
    return read_event(entry_id, raw(fields))


def reason(fields, entry_id=ENTRY):
    with pytest.raises(BadEvent) as caught:
        read(fields, entry_id)
    return str(caught.value)

"""Events that cannot be applied: each in quarantine with its reason, none delays the others (see also ``ingest``)."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

from tests.blackbox.world import COURSE, KEY, launch, score, structure

ROOT = {"usage_id": "root", "parent": None}

COMPLETE = {
    "score.changed": score("mallory", "problem-1", 1),
    "course.structure": structure("course-2", blocks=[ROOT]),
    "launch": launch("mallory", "problem-1", "mallory-1", "http://127.0.0.1:9/outcomes"),
    "assignment.disabled": {
        "type": "assignment.disabled", "oauth_consumer_key": KEY, "lis_result_sourcedid": "mallory-1",
    },
    "user.retired": {"type": "user.retired", "user_id": "mallory"},
}  # fmt: skip

#: Changes to a complete event that spoil it, with the pattern of the reason.
SPOILT = [
    ("score.changed", {"points_earned": "five"}, "^points_earned is not a number"),
    ("score.changed", {"points_possible": "NaN"}, "^points_possible is not a finite number"),
    ("score.changed", {"points_earned": "1e999"}, "^points_earned is beyond"),
    ("score.changed", {"points_possible": -1}, "^points_possible is negative"),
    ("score.changed", {"user_id": "a\0b"}, "^user_id holds a NUL"),
    ("score.changed", {"course_id": b"\xff\xfe"}, "^course_id is not valid UTF-8"),
    ("score.changed", {"usage_id": "x" * 256}, "^usage_id is longer than 255"),
    ("score.changed", {"modified": "2026-01-02T03:04:05"}, "^modified has no time zone"),
    ("score.changed", {"junk": "x" * (9 * 1024 * 1024)}, "^the entry is larger than"),
    (
        "launch",
        {"lis_outcome_service_url": "ftp://campus"},
        "^lis_outcome_service_url cannot be used: it is not a whole http or https address",
    ),
    ("launch", {"oauth_consumer_key": "unknown"}, "^unknown consumer 'unknown'"),
    ("assignment.disabled", {"lis_result_sourcedid": "x"}, "^no launch of this consumer"),
    ("course.structure", {"version": 2**70}, "^version does not fit 64 bits"),
    ("course.structure", {"blocks": "["}, "^blocks is not JSON"),
    ("course.structure", {"blocks": "[]"}, "^blocks: there must be exactly one block without a parent, not 0"),
    ("course.structure", {"course_id": COURSE}, "^version 1 of this course's structure came before"),
]


def bad_events():
    """Type as it is counted, fields, and the pattern of the reason."""
    ahead = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    for kind, event in COMPLETE.items():
        yield kind, {**event, "modified": ahead}, "^modified lies more than an hour ahead"
        for name in event:
            rest = {field: value for field, value in event.items() if field != name}
            yield (kind if name != "type" else "unknown"), rest, f"^{name} is absent"
    for kind, changes, reason in SPOILT:
        yield kind, {**COMPLETE[kind], **changes}, reason
    yield "unknown", {"type": "score.chnaged", "user_id": "mallory"}, "^unknown type 'score.chnaged'"
    yield "unknown", {"type": b"\xff"}, "^type is not valid UTF-8"


def test_each_bad_event_is_in_quarantine_and_its_neighbours_are_at_the_campus(pair, campus):
    pair.set("outcomes", max_per_campus=16)
    daemon = pair.begin()
    pair.add(structure())
    bad = list(bad_events())
    reasons = {}
    for number, (_, event, reason) in enumerate(bad):
        before, after = f"before-{number}", f"after-{number}"
        added = pair.add(
            launch(before, "problem-1", before, campus.url()),
            launch(after, "problem-1", after, campus.url()),
            score(before, "problem-1", 2.5),
            event,
            score(after, "problem-1", 5),
        )
        reasons[added[3]] = reason
    daemon.wait_settled()

    expected = {("/outcomes", f"before-{number}"): "0.25" for number in range(len(bad))}
    expected |= {("/outcomes", f"after-{number}"): "0.5" for number in range(len(bad))}
    assert campus.gradebook == expected

    rows = {row["entry_id"]: row for row in pair.rows("SELECT entry_id, type, reason, content FROM quarantined_event")}
    assert rows.keys() == reasons.keys()
    found = [(reason, rows[entry]["reason"]) for entry, reason in reasons.items()]
    assert [(pattern, reason) for pattern, reason in found if not re.search(pattern, reason)] == []
    assert max(len(row["content"]) for row in rows.values()) == 4096
    kinds = Counter(kind for kind, _, _ in bad)
    assert Counter(row["type"] for row in rows.values()) == kinds
    for kind, number in kinds.items():
        assert daemon.metric("passback_events_total", type=kind, result="quarantined") == number
    assert (daemon.status() or {})["quarantined"] == len(bad)
    logged = {one["entry"]: one["reason"] for one in daemon.events() if one["event"] == "an event goes to quarantine"}
    assert logged.keys() == reasons.keys()
    assert sum(reason.startswith("unknown type [...]; known: ") for reason in logged.values()) == 1
    assert "mallory" not in daemon.log(), "the log names no learner"
    daemon.stop()

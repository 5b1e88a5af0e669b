"""Events that cannot be applied: each in quarantine with its reason, none in the way of the others."""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

from tests.blackbox.world import COURSE, KEY, launch, score, structure

ROOT = {"usage_id": "root", "parent": None}
LEAF = {"usage_id": "leaf", "parent": "root", "points_possible": 1}

COMPLETE = {
    "score.changed": score("mallory", "problem-1", 1),
    "course.structure": structure("course-2", blocks=[ROOT]),
    "launch": launch("mallory", "problem-1", "mallory-1", "http://127.0.0.1:9/outcomes"),
    "assignment.disabled": {
        "type": "assignment.disabled", "oauth_consumer_key": KEY, "lis_result_sourcedid": "mallory-1",
    },
    "user.retired": {"type": "user.retired", "user_id": "mallory"},
}  # fmt: skip


def with_blocks(blocks):
    return structure("course-2", blocks=blocks)


def scored(**changes):
    return {**COMPLETE["score.changed"], **changes}


def incomplete():
    """Every event without each of its fields, and with each of them empty."""
    for kind, event in COMPLETE.items():
        for name in event:
            rest = {field: value for field, value in event.items() if field != name}
            yield (kind if name != "type" else "unknown"), rest, f"^{name} is absent"
            # An empty sourcedid is no fault of a launch: it is an ungraded one.
            if (kind, name) != ("launch", "lis_result_sourcedid"):
                yield (kind if name != "type" else "unknown"), {**rest, name: ""}, f"^{name} is empty"


def wrong():
    """Events with one thing wrong in them: type as it is counted, fields, pattern of the reason."""
    for name in ("points_earned", "points_possible"):
        for text in ("five", "0x10", "1,5", "1_000", "\uff11", " 1", "--1", "1e", "\n"):
            yield "score.changed", scored(**{name: text}), f"^{name} is not a number"
        for text in ("NaN", "nan", "Infinity", "-Infinity", "+inf"):
            yield "score.changed", scored(**{name: text}), f"^{name} is not a finite number"
        for text in ("1e999", "9" * 400):
            yield "score.changed", scored(**{name: text}), f"^{name} is beyond"
    yield "score.changed", scored(points_possible=-1), "^points_possible is negative"
    for name in ("user_id", "course_id", "usage_id"):
        yield "score.changed", scored(**{name: "a\0b"}), f"^{name} holds a NUL"
        yield "score.changed", scored(**{name: b"\xff\xfe"}), f"^{name} is not valid UTF-8"
        yield "score.changed", scored(**{name: "x" * 256}), f"^{name} is longer than 255"
    yield "launch", {**COMPLETE["launch"], "lis_result_sourcedid": "a\0b"}, "^lis_result_sourcedid holds a NUL"
    yield "launch", {**COMPLETE["launch"], "context_title": b"\xc3"}, "^context_title is not valid UTF-8"
    yield (
        "launch",
        {**COMPLETE["launch"], "lis_outcome_service_url": "ftp://campus"},
        "^lis_outcome_service_url: .* neither https nor http",
    )
    yield "launch", {**COMPLETE["launch"], "lis_outcome_service_url": "http://a:b/"}, "^lis_outcome_service_url: "
    yield "launch", {**COMPLETE["launch"], "oauth_consumer_key": "stranger"}, "^unknown consumer 'stranger'"
    disabled = COMPLETE["assignment.disabled"]
    yield "assignment.disabled", {**disabled, "oauth_consumer_key": "stranger"}, "^unknown consumer 'stranger'"
    yield "assignment.disabled", {**disabled, "lis_result_sourcedid": "x"}, "^no launch of this consumer"
    yield "unknown", {"type": "score.chnaged", "user_id": "mallory"}, "^unknown type 'score.chnaged'"
    yield "unknown", {"type": b"\xff"}, "^type is not valid UTF-8"
    yield "unknown", {"": ""}, "^type is absent"
    yield "unknown", {"junk": "x" * (9 * 1024 * 1024)}, "^the entry is larger than"
    yield "score.changed", scored(junk="x" * (9 * 1024 * 1024)), "^the entry is larger than"


def misshapen():
    """Course structures that make no tree."""
    for text in ("[", "{'usage_id': 1}", "[" * 100_000, "[NaN]", '[{"usage_id": "a", "points_possible": Infinity}]'):
        yield text, "^blocks is not JSON"
    for text in ("{}", "null", '"blocks"', "1"):
        yield text, "^blocks is not a JSON array"
    for blocks in (["a"], [None], [[]]):
        yield blocks, "^blocks: a block is not an object"
    for block in (
        {},
        {"usage_id": None},
        {"usage_id": 1},
        {"usage_id": ""},
        {"usage_id": "a\0"},
        {"usage_id": "\ud800"},
    ):
        yield [block], "^blocks: a block's usage_id is not a string"
    yield [ROOT, {"usage_id": "a", "parent": 1}], "^blocks: the parent of 'a' is neither"
    for points in (-1, "1", True, 1e300, [1]):
        yield [ROOT, {**LEAF, "points_possible": points}], "^blocks: points_possible of 'leaf' is not a number from 0"
    yield "[" + json.dumps({**LEAF, "parent": None})[:-1] + ', "points_possible": 1e999}]', "points_possible of 'leaf'"
    yield [], "^blocks: there must be exactly one block without a parent, not 0"
    yield [ROOT, {"usage_id": "other"}], "^blocks: there must be exactly one block without a parent, not 2"
    yield [ROOT, {**LEAF, "parent": "nowhere"}], "^blocks: parent 'nowhere' is not among the blocks"
    yield [ROOT, LEAF, LEAF], "^blocks: block 'leaf' comes twice"
    circle = [{"usage_id": "a", "parent": "b"}, {"usage_id": "b", "parent": "a"}]
    yield [ROOT, *circle], "^blocks: the parents make a cycle"
    yield [ROOT, {"usage_id": "a", "parent": "a"}], "^blocks: the parents make a cycle"


def mistimed():
    """Times and versions that cannot be."""
    ahead = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    for kind, event in COMPLETE.items():
        yield kind, {**event, "modified": ahead}, "^modified lies more than an hour ahead"
    yield "score.changed", scored(modified="2026-01-02T03:04:05"), "^modified has no time zone"
    yield "score.changed", scored(modified="yesterday"), "^modified is not an ISO 8601 time"
    yield "score.changed", scored(modified="0001-01-01T00:00:00+23:59"), "^modified is out of range"
    for version in (2**70, -(2**63) - 1, "9" * 5000):
        event = {**structure("course-2", blocks=[ROOT]), "version": version}
        yield "course.structure", event, "^version does not fit 64 bits"
    for version in ("1.0", "one", "1e3"):
        event = {**structure("course-2", blocks=[ROOT]), "version": version}
        yield "course.structure", event, "^version is not an integer"
    yield "course.structure", structure(version=1, blocks=[ROOT]), "^version 1 of this course's structure came before"


def table():
    bad = [*incomplete(), *wrong(), *mistimed()]
    bad += [("course.structure", with_blocks(blocks), reason) for blocks, reason in misshapen()]
    return bad


def test_each_bad_event_is_in_quarantine_and_its_neighbours_are_at_the_campus(pair, campus):
    pair.set("outcomes", max_per_campus=16)
    daemon = pair.begin()
    long = "ü" * 2500
    assert len(long.encode()) == 5000
    pair.add(structure(), launch("long", "problem-1", long, campus.url()))
    bad = table()
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
    pair.add(score("long", "problem-1", 7.5))
    daemon.wait_settled()

    expected = {("/outcomes", f"before-{number}"): "0.25" for number in range(len(bad))}
    expected |= {("/outcomes", f"after-{number}"): "0.5" for number in range(len(bad))}
    expected["/outcomes", long] = "0.75"
    assert campus.gradebook == expected

    rows = {row["entry_id"]: row for row in pair.rows("SELECT entry_id, type, reason, content FROM quarantined_event")}
    assert rows.keys() == reasons.keys()
    unlike = {
        rows[entry_id]["reason"]: reason
        for entry_id, reason in reasons.items()
        if not re.search(reason, rows[entry_id]["reason"])
    }
    assert unlike == {}
    assert max(len(row["content"]) for row in rows.values()) == 4096
    kinds = Counter(kind for kind, _, _ in bad)
    assert Counter(row["type"] for row in rows.values()) == kinds
    for kind, number in kinds.items():
        assert daemon.metric("passback_events_total", type=kind, result="quarantined") == number
    assert daemon.metric("passback_quarantined_events") <= len(bad)
    assert (daemon.status() or {})["quarantined"] == len(bad)
    assert "mallory" not in daemon.log(), "the log names no learner"
    daemon.stop()


def test_a_bad_score_shows_all_that_its_producer_said(pair):
    daemon = pair.run().wait_ready()
    pair.add(scored(points_earned="five"))
    daemon.wait_read()
    (row,) = pair.rows("SELECT reason, content FROM quarantined_event")
    for part in ("mallory", COURSE, "problem-1", "five", "10"):
        assert part in row["reason"]
        assert part.encode() in bytes(row["content"])
    daemon.stop()

"""Reading entries: every type, and every way in which an entry can be bad, with the reason that quarantine shows."""

import json

import pytest

from daemon.ingest.events import (
    AssignmentDisabled,
    BadEvent,
    CourseStructured,
    Launched,
    ScoreChanged,
    ScoreCleared,
    UserRetired,
)
from daemon.ingest.parse import MAX_BYTES, event_type, read_event
from models.event_types import EVENT_TYPES
from models.launch import Registration
from tests.daemon.ingest.reading import CLEARED, DISABLED, LAUNCH, RETIRED, SCORE

#: 2026-01-01T00:00:00Z, as an entry id and as the microseconds that replace an absent ``modified``.
ENTRY = "1767225600000-3"
ENTRY_US = 1767225600_000_000
NOW = ENTRY_US // 1000
BEYOND = f"{2**64 - 1}-{2**64 - 1}"

ROOT = {"usage_id": "root", "parent": None}
BLOCKS = [ROOT, {"usage_id": "unit", "parent": "root"}, {"usage_id": "p", "parent": "unit", "points_possible": 2}]
STRUCTURE = {"type": "course.structure", "course_id": "c", "version": "7", "blocks": json.dumps(BLOCKS)}
EVENTS = {
    "score": SCORE,
    "cleared": CLEARED,
    "structure": STRUCTURE,
    "launch": LAUNCH,
    "disabled": DISABLED,
    "retired": RETIRED,
}
REQUIRED = [(kind, name) for kind, fields in EVENTS.items() for name in fields if name != "type"]
POINTS = ["points_earned", "points_possible"]


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def read(fields, entry_id=ENTRY):
    return read_event(entry_id, {as_bytes(name): as_bytes(value) for name, value in fields.items()}, now=NOW)


def reason(fields, entry_id=ENTRY):
    with pytest.raises(BadEvent) as caught:
        read(fields, entry_id)
    return str(caught.value)


def modified_us(event):
    return getattr(event, "registration", event).modified_us


def without(fields, name):
    return {key: value for key, value in fields.items() if key != name}


# --- Good events ---


def test_each_type_is_read_with_the_time_of_its_entry():
    registration = Registration("key", "u", "c", "p", "s", "https://campus.example/o", ENTRY_US)
    assert read(SCORE) == ScoreChanged("u", "c", "p", 1.0, 2.0, ENTRY_US)
    assert read(CLEARED) == ScoreCleared("u", "c", "p", ENTRY_US)
    assert read(LAUNCH) == Launched(registration)
    assert read(DISABLED) == AssignmentDisabled("key", "s", ENTRY_US)
    assert read(RETIRED) == UserRetired("u", ENTRY_US)


@pytest.mark.parametrize("entry_id", [ENTRY, "0-1"])
def test_a_structure_has_no_time_unless_it_says_one(entry_id):
    event = read(STRUCTURE, entry_id)
    assert isinstance(event, CourseStructured)
    assert (event.course_id, event.version, event.modified_us) == ("c", 7, None)
    assert event.tree.blocks() == [("p", "unit", 2.0), ("root", None, None), ("unit", "root", None)]


def test_a_launch_is_read_with_all_its_optional_fields():
    optional = {
        "resource_link_id": "l",
        "lti_user_id": "campus-user",
        "tool_consumer_instance_guid": "guid",
        "context_title": "Course",
        "resource_link_title": "Übung",
    }
    launch = read(LAUNCH | optional).registration
    assert (launch.resource_link_id, launch.lti_user_id, launch.instance_guid) == ("l", "campus-user", "guid")
    assert (launch.context_title, launch.resource_link_title) == ("Course", "Übung")
    assert read(LAUNCH | dict.fromkeys(optional, "")) == read(LAUNCH)


def test_a_launch_with_an_empty_sourcedid_is_an_ungraded_one_and_needs_no_outcome_service():
    fields = LAUNCH | {"lis_result_sourcedid": ""}
    assert read(fields) == read(without(fields, "lis_outcome_service_url")) == Launched(None)


@pytest.mark.parametrize("sourcedid", ["s" * 5_000, " s ", '{"a":"<&>"}', "ü😀"])
def test_a_sourcedid_is_kept_verbatim_however_long(sourcedid):
    assert read(LAUNCH | {"lis_result_sourcedid": sourcedid}).registration.lis_result_sourcedid == sourcedid
    assert read(DISABLED | {"lis_result_sourcedid": sourcedid}).lis_result_sourcedid == sourcedid


@pytest.mark.parametrize("kind", EVENTS)
def test_unknown_fields_and_an_empty_modified_are_ignored(kind):
    event = read(EVENTS[kind])
    with_more = read(EVENTS[kind] | {"colour": "red", b"\xff": b"\xff\x00", "modified": ""})
    if kind == "structure":
        event, with_more = event.tree.blocks(), with_more.tree.blocks()
    assert event == with_more


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("+1", 1), ("1.", 1), (".5", 0.5), ("1e3", 1000), ("1E-2", 0.01), ("1e-400", 0), ("1e12", 1e12)],
)
def test_points_may_be_written_like_this(text, value):
    assert read(SCORE | {"points_earned": text}).points_earned == value
    assert read(SCORE | {"points_possible": text}).points_possible == value
    assert read(SCORE | {"points_earned": f"-{text.lstrip('+')}"}).points_earned == -value


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("-1", -1), ("9223372036854775807", 2**63 - 1)])
def test_versions_have_64_bits(text, value):
    assert read(STRUCTURE | {"version": text}).version == value


@pytest.mark.parametrize(
    ("modified", "microseconds"),
    [
        ("2026-01-01T01:00:00+01:00", ENTRY_US),
        ("2025-12-31T23:59:59.123456Z", ENTRY_US - 876_544),
        ("2026-01-01 00:00:00.000001+00:00", ENTRY_US + 1),
        ("2026-01-01T01:00:00Z", ENTRY_US + 3_600_000_000),
        ("1969-12-31T23:59:59Z", -1_000_000),
    ],
)
@pytest.mark.parametrize("kind", EVENTS)
def test_modified_is_read_to_the_microsecond_up_to_an_hour_ahead(kind, modified, microseconds):
    assert modified_us(read(EVENTS[kind] | {"modified": modified})) == microseconds


# --- Bad events ---


@pytest.mark.parametrize(("kind", "name"), REQUIRED)
def test_a_required_field_that_is_absent_empty_or_no_text_is_named(kind, name):
    assert reason(without(EVENTS[kind], name)).startswith(f"{name} is absent")
    assert reason(EVENTS[kind] | {name: "a\x00b"}).startswith(f"{name} holds a NUL character")
    assert reason(EVENTS[kind] | {name: b"\xffa"}).startswith(f"{name} is not valid UTF-8")
    if (kind, name) != ("launch", "lis_result_sourcedid"):
        assert reason(EVENTS[kind] | {name: ""}).startswith(f"{name} is empty")


@pytest.mark.parametrize(("kind", "name"), [one for one in REQUIRED if one[1] in ("user_id", "course_id", "usage_id")])
def test_an_id_has_at_most_255_characters(kind, name):
    read(EVENTS[kind] | {name: "ü" * 255})
    assert reason(EVENTS[kind] | {name: "ü" * 256}).startswith(f"{name} is longer than 255 characters")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "type is absent"),
        ({"type": ""}, "type is empty"),
        ({"type": b"\xff"}, "type is not valid UTF-8"),
        ({"type": "score_changed"}, "unknown type 'score_changed'; known: score.changed, score.cleared, course"),
        ({"type": "SCORE.CHANGED"}, "unknown type 'SCORE.CHANGED'"),
        ({"type": "x" * 100_000}, f"unknown type '{'x' * 64}'; known"),
        (SCORE | {"colour": "x" * (9 * 1024 * 1024)}, f"the entry is larger than {MAX_BYTES} bytes"),
        (STRUCTURE | {"version": str(2**63)}, "version does not fit 64 bits"),
        (STRUCTURE | {"version": str(-(2**63) - 1)}, "version does not fit 64 bits"),
        (STRUCTURE | {"version": "9" * 4_000}, "version does not fit 64 bits"),
        *(
            (STRUCTURE | {"version": text}, f"version is not an integer: {text!r}")
            for text in ("1.0", " 1", "1_0", "٣")
        ),
        (
            SCORE | {"points_possible": "-0.1"},
            "points_possible is negative: '-0.1' (user_id='u', course_id='c', usage_id='p', ",
        ),
        (
            without(SCORE, "points_earned") | {"user_id": b"\xff"},
            "user_id is not valid UTF-8 (user_id=<unreadable>, course_id='c', usage_id='p', points_earned=<absent>, ",
        ),
    ],
)
def test_what_is_wrong_is_named_and_a_score_with_all_its_values(fields, said):
    assert reason(fields).startswith(said)


NOT_NUMBERS = ["1_000", "0x1", " 1", "1 ", "1,5", "one", "1e", "e5", ".", "--1", "1.2.3", "٣", "1\n", "True", "1/2"]


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_points_that_are_no_number_are_named(name, text):
    assert reason(SCORE | {name: text}).startswith(f"{name} is not a number: {text!r}")


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.parametrize("text", ["NaN", "nan", "-nan", "Infinity", "inf", "-inf", "+INF"])
def test_nan_and_infinities_are_quarantined_and_never_sent(name, text):
    assert reason(SCORE | {name: text}).startswith(f"{name} is not a finite number: {text!r}")


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.parametrize("text", ["1e999", "-1e999", "1000000000001", "9" * 5_000])
def test_points_whose_sums_would_not_stay_finite_are_named(name, text):
    assert reason(SCORE | {name: text}).startswith(f"{name} is beyond 1e+12: {text[:64]!r}")


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-01-01T00:00:00", "modified has no time zone"),
        ("2026-01-01", "modified has no time zone"),
        ("9999-12-31T24:00:00Z", "modified is out of range"),
        ("yesterday", "modified is not an ISO 8601 time"),
        ("1767225600", "modified is not an ISO 8601 time"),
        ("2026-02-30T00:00:00Z", "modified is not an ISO 8601 time"),
        ("2026-01-01T01:00:00.000001Z", "modified lies more than an hour ahead of the entry"),
        ("9999-12-31T23:59:59Z", "modified lies more than an hour ahead of the entry"),
        ("0001-01-01T00:00:00+14:00", "modified is out of range"),
        (b"\xff", "modified is not valid UTF-8"),
        ("\x00", "modified holds a NUL character"),
    ],
)
def test_a_bad_modified_is_named(kind, text, said):
    assert reason(EVENTS[kind] | {"modified": text}).startswith(said)


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("entry_id", [BEYOND, f"{NOW + 3_600_001}-0"])
def test_an_entry_id_more_than_an_hour_ahead_of_the_database_is_refused_whatever_modified_says(kind, entry_id):
    said = "the entry's id lies more than an hour ahead of the database's clock"
    assert reason(EVENTS[kind], entry_id).startswith(said)
    assert reason(EVENTS[kind] | {"modified": "2026-01-01T00:00:00Z"}, entry_id).startswith(said)
    assert "PassbackdStreamAhead" in reason(EVENTS[kind], entry_id)
    assert entry_id not in reason(EVENTS[kind], entry_id), "events that share a reason are shown as one group"


@pytest.mark.parametrize("kind", ["score", "launch", "disabled", "retired"])
def test_an_entry_id_up_to_an_hour_ahead_of_the_database_or_long_ago_is_a_time(kind):
    assert modified_us(read(EVENTS[kind], f"{NOW + 3_600_000}-0")) == ENTRY_US + 3_600_000_000
    assert modified_us(read(EVENTS[kind], "0-1")) == 0


@pytest.mark.parametrize(
    ("kind", "name", "most"),
    [
        ("launch", "lis_outcome_service_url", 2048),
        ("launch", "lis_result_sourcedid", 8192),
        ("disabled", "lis_result_sourcedid", 8192),
        *(
            ("launch", name, 1024)
            for name in (
                *("resource_link_id", "lti_user_id", "context_title", "resource_link_title"),
                *("tool_consumer_instance_guid", "oauth_consumer_key"),
            )
        ),
    ],
)
def test_no_text_of_a_launch_is_longer_than_its_bound(kind, name, most):
    for letter in ("x", "\U0001f600"):
        start = "https://lms.example/" if name.endswith("url") else ""
        longest = start + letter * (most - len(start))
        assert read(EVENTS[kind] | {name: longest})
        assert reason(EVENTS[kind] | {name: longest + letter}) == f"{name} is longer than {most} characters"


# --- The type that metrics count ---


def test_an_unknown_type_is_counted_as_unknown():
    for name in EVENT_TYPES:
        assert event_type({b"type": name.encode()}) == name
    for fields in ({}, {b"type": b""}, {b"type": b"\xff"}, {b"type": b"score.changed "}):
        assert event_type(fields) == "unknown"

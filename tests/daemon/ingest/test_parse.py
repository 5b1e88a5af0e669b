"""Reading entries: every type, and every way in which an entry can be bad, with the reason that quarantine shows."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.ingest.events import (
    TYPES,
    AssignmentDisabled,
    BadEvent,
    CourseStructured,
    Launched,
    ScoreChanged,
    UserRetired,
)
from daemon.ingest.parse import MAX_BYTES, event_type, read_event
from models.registration import Registration

#: 2026-01-01T00:00:00Z, as an entry id and as the microseconds that stand in for an absent ``modified``.
ENTRY = "1767225600000-3"
ENTRY_US = 1767225600_000_000

SCORE = {
    "type": "score.changed",
    "user_id": "u",
    "course_id": "c",
    "usage_id": "p",
    "points_earned": "1.5",
    "points_possible": "2",
}
BLOCKS = [
    {"usage_id": "root", "parent": None},
    {"usage_id": "unit", "parent": "root"},
    {"usage_id": "p", "parent": "unit", "points_possible": 2},
]
STRUCTURE = {"type": "course.structure", "course_id": "c", "version": "7", "blocks": json.dumps(BLOCKS)}
LAUNCH = {
    "type": "launch",
    "oauth_consumer_key": "key",
    "user_id": "u",
    "course_id": "c",
    "usage_id": "unit",
    "lis_result_sourcedid": "s",
    "lis_outcome_service_url": "https://campus.example/o?a=1",
}
DISABLED = {"type": "assignment.disabled", "oauth_consumer_key": "key", "lis_result_sourcedid": "s"}
RETIRED = {"type": "user.retired", "user_id": "u"}
EVENTS = {"score": SCORE, "structure": STRUCTURE, "launch": LAUNCH, "disabled": DISABLED, "retired": RETIRED}


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


# --- Good events ---


def test_a_score_is_read_with_the_time_of_its_entry():
    assert read(SCORE) == ScoreChanged("u", "c", "p", 1.5, 2.0, ENTRY_US)


def test_a_structure_is_read_without_a_time_where_it_says_none():
    event = read(STRUCTURE)
    assert isinstance(event, CourseStructured)
    assert (event.course_id, event.version, event.modified_us) == ("c", 7, None)
    assert event.tree.blocks() == [("p", "unit", 2.0), ("root", None, None), ("unit", "root", None)]


def test_a_launch_is_read():
    assert read(LAUNCH) == Launched(
        Registration("key", "u", "c", "unit", "s", "https://campus.example/o?a=1", ENTRY_US)
    )


def test_a_launch_is_read_with_everything_that_it_may_say():
    more = {
        "resource_link_id": "l",
        "lti_user_id": "campus-user",
        "tool_consumer_instance_guid": "guid",
        "context_title": "Course",
        "resource_link_title": "Übung",
        "modified": "2025-12-31T23:59:59Z",
    }
    launch = read(LAUNCH | more).registration
    assert launch.resource_link_id == "l"
    assert launch.lti_user_id == "campus-user"
    assert launch.instance_guid == "guid"
    assert (launch.context_title, launch.resource_link_title) == ("Course", "Übung")
    assert launch.modified_us == ENTRY_US - 1_000_000


@pytest.mark.parametrize(
    "name",
    ["resource_link_id", "lti_user_id", "tool_consumer_instance_guid", "context_title", "resource_link_title"],
)
def test_an_empty_optional_field_of_a_launch_is_an_absent_one(name):
    assert read(LAUNCH | {name: ""}) == read(LAUNCH)


def test_a_launch_with_an_empty_sourcedid_is_an_ungraded_one():
    assert read(LAUNCH | {"lis_result_sourcedid": ""}) == Launched(None)


def test_an_ungraded_launch_needs_no_outcome_service():
    fields = LAUNCH | {"lis_result_sourcedid": ""}
    del fields["lis_outcome_service_url"]
    assert read(fields) == Launched(None)


@pytest.mark.parametrize("sourcedid", ["s" * 5_000, " s ", '{"a":"<&>"}', "ü😀"])
def test_a_sourcedid_is_kept_verbatim_however_long(sourcedid):
    assert read(LAUNCH | {"lis_result_sourcedid": sourcedid}).registration.lis_result_sourcedid == sourcedid
    assert read(DISABLED | {"lis_result_sourcedid": sourcedid}).lis_result_sourcedid == sourcedid


def test_a_disabling_is_read():
    assert read(DISABLED) == AssignmentDisabled("key", "s", ENTRY_US)


def test_a_retirement_is_read():
    assert read(RETIRED) == UserRetired("u", ENTRY_US)


@pytest.mark.parametrize("kind", EVENTS)
def test_unknown_fields_are_ignored(kind):
    event, with_more = read(EVENTS[kind]), read(EVENTS[kind] | {"colour": "red", b"\xff": b"\xff\x00"})
    if kind == "structure":
        event, with_more = event.tree.blocks(), with_more.tree.blocks()
    assert event == with_more


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0),
        ("+1", 1.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1E-2", 0.01),
        ("1e-400", 0.0),
        ("1e12", 1e12),
    ],
)
def test_points_may_be_written_like_this(text, value):
    assert read(SCORE | {"points_earned": text}).points_earned == value
    assert read(SCORE | {"points_possible": text}).points_possible == value


def test_points_earned_may_be_negative():
    assert read(SCORE | {"points_earned": "-0.5"}).points_earned == -0.5


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("-1", -1), ("9223372036854775807", 2**63 - 1)])
def test_versions_have_64_bits(text, value):
    assert read(STRUCTURE | {"version": text}).version == value


@pytest.mark.parametrize(
    ("modified", "microseconds"),
    [
        ("2026-01-01T00:00:00Z", ENTRY_US),
        ("2026-01-01T01:00:00+01:00", ENTRY_US),
        ("2025-12-31T23:59:59.123456Z", ENTRY_US - 876_544),
        ("2026-01-01 00:00:00.000001+00:00", ENTRY_US + 1),
        ("2026-01-01T01:00:00Z", ENTRY_US + 3_600_000_000),
        ("1969-12-31T23:59:59Z", -1_000_000),
    ],
)
@pytest.mark.parametrize("kind", EVENTS)
def test_modified_is_read_to_the_microsecond_up_to_an_hour_ahead(kind, modified, microseconds):
    event = read(EVENTS[kind] | {"modified": modified})
    if kind == "launch":
        event = event.registration
    assert event.modified_us == microseconds


@pytest.mark.parametrize("kind", EVENTS)
def test_an_empty_modified_is_an_absent_one(kind):
    event = read(EVENTS[kind] | {"modified": ""})
    modified_us = event.registration.modified_us if kind == "launch" else event.modified_us
    assert modified_us == (None if kind == "structure" else ENTRY_US)


# --- Bad events ---


REQUIRED = [
    *[("score", name) for name in ("user_id", "course_id", "usage_id", "points_earned", "points_possible")],
    *[("structure", name) for name in ("course_id", "version", "blocks")],
    *[
        ("launch", name)
        for name in (
            "oauth_consumer_key",
            "user_id",
            "course_id",
            "usage_id",
            "lis_result_sourcedid",
            "lis_outcome_service_url",
        )
    ],
    ("disabled", "oauth_consumer_key"),
    ("disabled", "lis_result_sourcedid"),
    ("retired", "user_id"),
]


@pytest.mark.parametrize(("kind", "name"), REQUIRED)
def test_an_absent_field_is_named(kind, name):
    fields = {key: value for key, value in EVENTS[kind].items() if key != name}
    assert reason(fields).startswith(f"{name} is absent")


@pytest.mark.parametrize(("kind", "name"), [pair for pair in REQUIRED if pair != ("launch", "lis_result_sourcedid")])
def test_an_empty_field_is_named(kind, name):
    assert reason(EVENTS[kind] | {name: ""}).startswith(f"{name} is empty")


@pytest.mark.parametrize(("kind", "name"), REQUIRED)
def test_a_nul_character_is_named(kind, name):
    assert reason(EVENTS[kind] | {name: "a\x00b"}).startswith(f"{name} holds a NUL character")


@pytest.mark.parametrize(("kind", "name"), REQUIRED)
def test_invalid_utf_8_is_named(kind, name):
    assert reason(EVENTS[kind] | {name: b"\xffa"}).startswith(f"{name} is not valid UTF-8")


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, name in REQUIRED if name in ("user_id", "course_id", "usage_id")]
)
def test_an_id_that_the_database_cannot_index_is_named(kind, name):
    read(EVENTS[kind] | {name: "ü" * 255})
    assert reason(EVENTS[kind] | {name: "ü" * 256}).startswith(f"{name} is longer than 255 characters")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "type is absent"),
        ({"type": ""}, "type is empty"),
        ({"type": b"\xff"}, "type is not valid UTF-8"),
        ({"type": "score_changed"}, "unknown type 'score_changed'; known: score.changed, course.structure, launch"),
        ({"type": "SCORE.CHANGED"}, "unknown type 'SCORE.CHANGED'"),
        ({"type": "x" * 100_000}, f"unknown type '{'x' * 64}'; known"),
    ],
)
def test_an_unknown_type_is_named(fields, said):
    assert reason(fields).startswith(said)


NOT_NUMBERS = ["1_000", "0x1", " 1", "1 ", "1,5", "one", "1e", "e5", ".", "--1", "1.2.3", "٣", "1\n", "True", "1/2"]


@pytest.mark.parametrize("name", ["points_earned", "points_possible"])
@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_what_is_no_number_is_named(name, text):
    assert reason(SCORE | {name: text}).startswith(f"{name} is not a number: {text!r}")


@pytest.mark.parametrize("name", ["points_earned", "points_possible"])
@pytest.mark.parametrize("text", ["NaN", "nan", "-nan", "Infinity", "inf", "-inf", "+INF"])
def test_nan_and_infinities_are_quarantined_and_never_sent(name, text):
    assert reason(SCORE | {name: text}).startswith(f"{name} is not a finite number: {text!r}")


@pytest.mark.parametrize("name", ["points_earned", "points_possible"])
@pytest.mark.parametrize("text", ["1e999", "-1e999", "1000000000001", "9" * 5_000])
def test_points_whose_sums_would_not_stay_finite_are_named(name, text):
    assert reason(SCORE | {name: text}).startswith(f"{name} is beyond 1e+12: {text[:64]!r}")


def test_negative_points_possible_are_named():
    assert reason(SCORE | {"points_possible": "-0.1"}).startswith("points_possible is negative: '-0.1'")


@pytest.mark.parametrize("name", ["user_id", "course_id", "usage_id", "points_earned", "points_possible"])
def test_a_score_that_lacks_a_value_is_reported_with_all_five_values(name):
    fields = {key: value for key, value in SCORE.items() if key != name}
    said = reason(fields)
    for key in ("user_id", "course_id", "usage_id", "points_earned", "points_possible"):
        assert f"{key}={'<absent>' if key == name else repr(SCORE[key])}" in said


def test_a_score_with_an_unreadable_value_is_reported_with_all_the_others():
    said = reason(SCORE | {"user_id": b"\xff", "points_possible": "-1"})
    assert "user_id=<unreadable>, course_id='c', usage_id='p', points_earned='1.5', points_possible='-1'" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1.0", "is not an integer: '1.0'"),
        (" 1", "is not an integer: ' 1'"),
        ("1_0", "is not an integer"),
        ("٣", "is not an integer"),
        ("one", "is not an integer"),
        (str(2**63), "does not fit 64 bits"),
        (str(2**70), "does not fit 64 bits"),
        ("-" + str(2**63 + 1), "does not fit 64 bits"),
        ("9" * 5_000, "does not fit 64 bits"),
    ],
)
def test_a_bad_version_is_named(text, said):
    assert reason(STRUCTURE | {"version": text}).startswith(f"version {said}")


def test_an_entry_larger_than_any_structure_is_refused():
    assert reason(SCORE | {"colour": "x" * (9 * 1024 * 1024)}) == f"the entry is larger than {MAX_BYTES} bytes"


def test_blocks_may_take_8_mib_and_no_more():
    most = 8 * 1024 * 1024
    text = json.dumps(BLOCKS)
    assert read(STRUCTURE | {"blocks": text + " " * (most - len(text))}).version == 7
    assert reason(STRUCTURE | {"blocks": text + " " * (most - len(text) + 1)}) == f"blocks is larger than {most} bytes"


def test_an_entry_of_9_mib_of_blocks_is_refused():
    assert reason(STRUCTURE | {"blocks": "[" + " " * (9 * 1024 * 1024) + "]"}).startswith("the entry is larger than")


ROOT = {"usage_id": "root", "parent": None}


def block(**changes):
    return {"usage_id": "p", "parent": "root"} | changes


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ("[", "blocks is not JSON"),
        ("'root'", "blocks is not JSON"),
        ('[{"usage_id": "root", "points_possible": NaN}]', "blocks is not JSON"),
        ('[{"usage_id": "root", "points_possible": -Infinity}]', "blocks is not JSON"),
        ("[" * 100_000 + "]" * 100_000, "blocks is not JSON"),
        ('[{"usage_id": "root", "points_possible": ' + "9" * 5_000 + "}]", "blocks is not JSON"),
        ("{}", "blocks is not a JSON array"),
        ("null", "blocks is not a JSON array"),
        ('"root"', "blocks is not a JSON array"),
        (["root"], "blocks: a block is not an object"),
        ([None], "blocks: a block is not an object"),
        ([{"parent": None}], "blocks: a block's usage_id is not a string of 1 to 255 characters"),
        ([ROOT, block(usage_id="")], "blocks: a block's usage_id is not a string"),
        ([ROOT, block(usage_id=7)], "blocks: a block's usage_id is not a string"),
        ([ROOT, block(usage_id="x" * 256)], "blocks: a block's usage_id is not a string"),
        ([ROOT, block(usage_id="a\x00")], "blocks: a block's usage_id is not a string"),
        ([ROOT, block(usage_id="\ud800")], "blocks: a block's usage_id is not a string"),
        ([ROOT, block(parent="")], "blocks: the parent of 'p' is neither null nor a string"),
        ([ROOT, block(parent=7)], "blocks: the parent of 'p' is neither null nor a string"),
        ([ROOT, block(parent=["root"])], "blocks: the parent of 'p' is neither null nor a string"),
        ([ROOT, block(points_possible=-1)], "blocks: points_possible of 'p' is not a number from 0 to 1e+12"),
        ([ROOT, block(points_possible=True)], "blocks: points_possible of 'p' is not a number"),
        ([ROOT, block(points_possible="2")], "blocks: points_possible of 'p' is not a number"),
        ([ROOT, block(points_possible=2e12)], "blocks: points_possible of 'p' is not a number"),
        ([ROOT, block(points_possible=10**400)], "blocks: points_possible of 'p' is not a number"),
        ('[{"usage_id": "p", "points_possible": 1e999}]', "blocks: points_possible of 'p' is not a number"),
        ([], "blocks: there must be exactly one block without a parent, not 0"),
        ([ROOT, block(parent=None)], "blocks: there must be exactly one block without a parent, not 2"),
        ([ROOT, {"usage_id": "p"}], "blocks: there must be exactly one block without a parent, not 2"),
        ([ROOT, block(parent="nowhere")], "blocks: parent 'nowhere' is not among the blocks"),
        ([ROOT, block(), block()], "blocks: block 'p' comes twice"),
        ([ROOT, block(parent="p")], "blocks: the parents make a cycle"),
        ([ROOT, block(parent="q"), block(usage_id="q", parent="p")], "blocks: the parents make a cycle"),
    ],
)
def test_malformed_blocks_are_named(blocks, said):
    text = blocks if isinstance(blocks, str) else json.dumps(blocks)
    assert reason(STRUCTURE | {"blocks": text}).startswith(said)


def test_a_tree_may_be_deep_enough_to_defeat_recursion():
    blocks = [ROOT, *({"usage_id": str(n), "parent": str(n - 1) if n else "root"} for n in range(3_000))]
    assert len(list(read(STRUCTURE | {"blocks": json.dumps(blocks)}).tree.below("root"))) == 3_001


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-01-01T00:00:00", "modified has no time zone"),
        ("2026-01-01", "modified has no time zone"),
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


BEYOND = f"{2**64 - 1}-{2**64 - 1}"


@pytest.mark.parametrize("kind", ["score", "launch", "disabled", "retired"])
def test_an_entry_id_beyond_the_times_that_can_be_stored_needs_a_modified(kind):
    assert reason(EVENTS[kind], BEYOND).startswith(f"the entry's id {BEYOND} is no time, and modified is absent")
    event = read(EVENTS[kind] | {"modified": "2026-01-01T00:00:00Z"}, BEYOND)
    assert getattr(event, "registration", event).modified_us == ENTRY_US


def test_a_structure_needs_no_time():
    assert read(STRUCTURE, BEYOND).modified_us is None


@pytest.mark.parametrize("kind", EVENTS)
def test_an_entry_id_whose_time_is_zero_is_good(kind):
    read(EVENTS[kind], "0-1")


# --- The type that metrics count ---


@pytest.mark.parametrize("name", TYPES)
def test_a_known_type_is_counted_by_its_name(name):
    assert event_type({b"type": name.encode()}) == name


@pytest.mark.parametrize("fields", [{}, {b"type": b""}, {b"type": b"\xff"}, {b"type": b"score.changed "}])
def test_any_other_type_is_counted_as_unknown(fields):
    assert event_type(fields) == "unknown"


# --- Anything at all ---

NAMES = sorted({name for fields in EVENTS.values() for name in fields} | {"modified", "resource_link_id"})
ODD = st.one_of(
    st.binary(max_size=12),
    st.text(max_size=12).map(lambda text: text.encode(errors="replace")),
    st.from_regex(r"[+-]?\d{0,25}(\.\d*)?([eE]\d{1,4})?", fullmatch=True).map(str.encode),
    st.datetimes().map(lambda moment: moment.isoformat().encode() + b"+00:00"),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["usage_id", "parent", "points_possible"]), inner)
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
)
ENTRY_IDS = st.builds("{}-{}".format, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(
    entry_id=ENTRY_IDS,
    base=st.sampled_from([{}, *EVENTS.values()]),
    changes=st.dictionaries(st.sampled_from(NAMES), ODD, max_size=3),
    more=st.dictionaries(st.binary(max_size=4), st.binary(max_size=4), max_size=2),
)
def test_whatever_an_entry_holds_it_is_an_event_or_a_bad_one(entry_id, base, changes, more):
    fields = {**raw(base), **raw(changes), **more}
    with contextlib.suppress(BadEvent):
        event = read_event(entry_id, fields)
        assert isinstance(event, ScoreChanged | CourseStructured | Launched | AssignmentDisabled | UserRetired)
    assert event_type(fields) in (*TYPES, "unknown")

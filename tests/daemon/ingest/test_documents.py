"""The schema of events and intake's own reading agree, on generated documents."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from daemon.ingest.blocks import MAX_BLOCKS_BYTES
from daemon.ingest.documents import EVENTS
from daemon.ingest.events import BadEvent
from daemon.ingest.lines import check_event, event_fields, read_document
from models.event_types import EVENT_TYPES
from tests.daemon.ingest import reading
from tests.daemon.ingest.documents import SCHEMA, made, mutants

#: Of a leap year.
LEAP_DAY = int(datetime(2028, 2, 29, 10, tzinfo=UTC).timestamp())
VALIDATOR = Draft202012Validator(SCHEMA)
ALL_FIELDS = {name for event in EVENTS for name in event.model_fields}
#: The year 2100, so that no generated moment lies ahead of it.
NOW = 4_102_444_800_000

quickly = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)


def why_refused(document):
    """What intake has against it, after its way through JSON; None if it would take it."""
    try:
        text = json.dumps(document, separators=(",", ":"))
        check_event(event_fields(read_document(text.encode())), now=NOW)
    except BadEvent as error:
        return error
    return None


def test_the_schema_is_one_of_draft_2020_12_and_has_every_type():
    Draft202012Validator.check_schema(SCHEMA)
    assert {event.model_json_schema()["properties"]["type"]["const"] for event in EVENTS} == set(EVENT_TYPES)


@each_event
def test_what_the_schema_accepts_intake_accepts(event):
    @quickly
    @given(made(event))
    def check(document):
        assert VALIDATOR.is_valid(document)
        assert why_refused(document) is None

    check()


@each_event
def test_what_lacks_a_field_or_holds_a_wrong_one_both_refuse_and_intake_says_which(event):
    @quickly
    @given(mutants(made(event), SCHEMA["$defs"][event.__name__]))
    def check(document):
        # An empty sourcedid, or none with a line item, makes it another event.
        assume(not VALIDATOR.is_valid(document))
        error = why_refused(document)
        assert error is not None
        assert error.field in ALL_FIELDS

    check()


@pytest.mark.parametrize(
    "fields",
    [
        reading.SCORE,
        reading.CLEARED,
        reading.LAUNCH,
        reading.LAUNCH | {"lis_result_sourcedid": ""},
        reading.LAUNCH_13,
        reading.LAUNCH_13 | {"lineitem": "", "lineitems": "https://campus.example/items", "resource_link_id": "link"},
        reading.LAUNCH_13 | {"lineitem": ""},
        reading.STRUCTURE,
        reading.STRUCTURE | {"user_id": "u"},
        reading.STRUCTURE | {"user_id": "u", "blocks": "[]"},
        reading.DISABLED,
        reading.RETIRED,
    ],
)
def test_an_entry_of_the_stream_is_a_document_with_text_for_numbers(fields):
    document = {**fields, "blocks": json.loads(fields["blocks"])} if "blocks" in fields else fields
    VALIDATOR.validate(document)
    assert why_refused(document) is None


@quickly
@given(st.integers(0, NOW // 1000 - 1) | st.just(LEAP_DAY))
def test_every_moment_as_rfc_3339_has_it_is_one_for_the_schema(seconds):
    moment = datetime.fromtimestamp(seconds + 0.5, UTC)
    for text in (moment.isoformat(), moment.isoformat(timespec="seconds").replace("+00:00", "Z")):
        assert VALIDATOR.is_valid(reading.SCORE | {"modified": text})


@pytest.mark.parametrize("port", [1, 80, 8443, 18443, 59999, 64999])
def test_a_port_is_one_for_both(port):
    document = reading.LAUNCH | {"lis_outcome_service_url": f"https://campus.example:{port}/o?a=b"}
    assert VALIDATOR.is_valid(document)
    assert why_refused(document) is None


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"user_id": True}, "user_id", "user_id is true: write text, in quotes"),
        ({"user_id": 1.5}, "user_id", "user_id is 1.5: write text, in quotes"),
        ({"user_id": ["42"]}, "user_id", 'user_id is ["42"]: write text, in quotes'),
        ({"points_earned": [1]}, "points_earned", "is no text or number: only blocks"),
        ({"points_possible": -1}, "points_possible", "points_possible is negative"),
        ({"user_id": None}, "user_id", "user_id is absent"),
        ({"modified": 5}, "modified", "modified is not an ISO 8601 time"),
        ({"type": 5}, "type", "with a type"),
        ({"type": "score"}, "type", "unknown type"),
    ],
)
def test_the_field_that_is_wrong_is_named(changed, field, said):
    error = why_refused(reading.SCORE | changed)
    assert error is not None
    assert error.field == field
    assert said in str(error)


def test_a_whole_number_may_be_an_id_and_have_a_point():
    line = b'{"type": "user.retired", "user_id": 42.0}'
    assert event_fields(read_document(line)) == {"type": "user.retired", "user_id": "42"}


def test_what_is_unknown_is_passed_on():
    line = b'{"type": "user.retired", "user_id": "42", "debug": true, "more": 1.50, "none": null}'
    assert event_fields(read_document(line)) == {
        "type": "user.retired",
        "user_id": "42",
        "debug": "true",
        "more": "1.50",
    }


@pytest.mark.parametrize("depth", [1, 300, 600, 900, 100_000])
@pytest.mark.parametrize("name", ["blocks", "more", "points_earned"])
def test_what_is_nested_is_refused_however_deep_it_is(name, depth):
    line = b'{"type": "score.changed", "%s": %s%s}' % (name.encode(), b"[" * depth, b"]" * depth)
    with pytest.raises(BadEvent):
        check_event(event_fields(read_document(line)), now=NOW)


def test_a_name_that_comes_twice_among_many_is_found_at_once():
    names = ",".join(f'"a{number}":1' for number in range(200_000))
    with pytest.raises(BadEvent, match="has 'z' twice"):
        read_document(f'{{{names},"z":1,"z":1}}'.encode())


def test_blocks_that_are_as_large_as_they_may_be_when_written_without_blanks_are_taken():
    blocks = [{"usage_id": "c", "parent": None}]
    size = len(json.dumps(blocks, separators=(",", ":")))
    while size < MAX_BLOCKS_BYTES - 200:
        block = {"usage_id": f"p{len(blocks)}", "parent": "c", "points_possible": 1}
        size += len(json.dumps(block, separators=(",", ":"))) + 1
        blocks.append(block)
    assert why_refused({**reading.STRUCTURE, "blocks": blocks}) is None

"""passbackd's own intake takes every event that can be made, over both ways and in the same meaning, and no other."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from made_events import FIELDS, handed_in, make
from meanings import meaning, taken

import passbackd_client as client
from daemon.ingest.events import BadEvent, Launched
from daemon.ingest.lines import event_fields, read_document


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(handed_in())
@example((client.CourseStructure, {"course_id": "c", "version": 1, "blocks": [], "user_id": "u"}))
@example((client.LaunchLti13, {"issuer": "i", "client_id": "c", "lti_user_id": "l", "user_id": "u", "course_id": "c",
                               "usage_id": "p", "lineitem": "https://lms.example/1", "scopes": []}))  # fmt: skip
def test_what_can_be_made_is_taken_in_its_meaning_from_the_stream_and_as_json(one):
    made, given_in = one
    try:
        event = make(made, given_in)
    except client.InvalidEventError as refused:
        error = refused
    else:
        assert_kept(event, given_in)
        assert taken(event.stream_fields()) == meaning(event)
        line = json.dumps(event.json_object(), ensure_ascii=False).encode()
        assert taken(event_fields(read_document(line))) == meaning(event)
        return
    assert error.field in {*FIELDS[made], "modified", "usage_id", "parent", "points_possible"}
    assert str(error) == error.reason
    assert error.field in error.reason


def assert_kept(event, given_in):
    """What was handed in is what is kept; an empty text may be absent, and the blanks around an address go."""
    for name, value in given_in.items():
        kept = getattr(event, name)
        if name == "blocks":
            assert [block.json_object() for block in kept] == [{"parent": None, **block} for block in value]
        elif name == "scopes" and value is not None:
            assert kept == tuple(dict.fromkeys(value))
        else:
            assert kept == value or (kept or "") == value.strip()


#: Over LTI 1.3 intake reads no address that it does not need, and the client reads all.
COMPARED = (client.ScoreChanged, client.ScoreCleared, client.CourseStructure, client.UserRetired,
            client.LaunchLti11, client.AssignmentDisabledLti11)  # fmt: skip


def written_by_hand(made, given_in):
    """The entry of someone who checks nothing."""
    fields = {"type": made.type}
    for name, value in given_in.items():
        if isinstance(value, datetime):
            fields[name] = value.isoformat()
        elif name == "blocks":
            fields[name] = json.dumps(value)
        elif value is not None:
            fields[name] = value if isinstance(value, str) else repr(value)
    return fields


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(handed_in(COMPARED))
def test_what_intake_would_take_can_be_made(one):
    made, given_in = one
    try:
        found = taken(written_by_hand(made, given_in))
    except (BadEvent, UnicodeEncodeError):
        return
    if found == Launched(None):
        # Of a launch for which the LMS wants no grade, nothing else is read.
        return
    with suppress(client.InvalidEventError):
        make(made, given_in)
        return
    # Text in the place of a number, and a number in that of a text, are the caller's slip all the same.
    with pytest.raises(client.InvalidEventError, match=r" is not (text|a number|an integer|a datetime): "):
        make(made, given_in)


def test_a_time_of_its_own_makes_an_event_harmless_to_repeat():
    before = datetime.now(UTC)
    event = client.ScoreChanged(user_id="u", course_id="c", usage_id="p", points_earned=1, points_possible=2)
    assert before <= event.modified <= datetime.now(UTC)
    assert "modified" in event.stream_fields()
    structure = client.CourseStructure(course_id="c", version=1, blocks=[client.Block(usage_id="c")])
    assert "modified" not in structure.stream_fields() | client.UserRetired(user_id="u").stream_fields()


@pytest.mark.parametrize("made", FIELDS, ids=lambda made: made.__name__)
def test_an_event_is_frozen_and_equal_to_its_like(made):
    assert made.__dataclass_params__.frozen
    assert made.__dataclass_params__.eq

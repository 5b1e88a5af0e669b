"""Lines of ``feed``: what becomes of each, and what is said of one that is no event."""

import json

import pytest

from actors.egress import Egress
from daemon.ingest.events import BadEvent
from daemon.ingest.lines import check_event, event_fields, read_document
from daemon.ingest.parse import MAX_BYTES
from tests.daemon.ingest.reading import LAUNCH, LAUNCH_13, NOW, SCORE


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (rb'{"type": "user.retired", "user_id": "\ud83d"}', r"'user_id' holds half of a character"),
        (rb'{"type": "user.retired", "user_id": "\ude00\ud83d"}', r"'user_id' holds half of a character"),
        (rb'{"type": "user.retired", "\ud83d": "42"}', r"'\\ud83d' holds half of a character"),
        (rb'{"type": "course.structure", "blocks": [{"usage_id": "\ud83d"}]}', r"'blocks' holds half of a character"),
        (b'{"type": "user.retired", "user_id": "\xff"}', r"is not UTF-8, at byte 38"),
        (b'{"type": "user.retired", "user_id": "\xed\xa0\xbd"}', r"'user_id' holds half of a character"),
        (rb'{"type": "user.retired", "user_id": "a\u0000"}', r"'user_id' holds a NUL character"),
        (rb'{"type": "course.structure", "blocks": [{"usage_id": "\u0000"}]}', r"'blocks' holds a NUL character"),
        (
            rb'{"type": "course.structure", "blocks": [{"usage_id": "\\\u0000"}]}',
            r"'blocks' holds a NUL character",
        ),
        (
            rb'{"type": "course.structure", "blocks": "[{\"usage_id\": \"\\u0000\"}]"}',
            r"'blocks' holds a NUL character",
        ),
        (
            b'{"type": "course.structure", "blocks": [{"points_possible": %s}]}' % (b"9" * 5_000),
            "^holds a number of 5000 digits$",
        ),
        (b'{"type": "user.retired", "user_id": "1", "user_id": "2"}', r"has 'user_id' twice"),
        (b'{"type": "course.structure", "blocks": [{"usage_id": "1", "usage_id": "2"}]}', r"has 'usage_id' twice"),
        (b'{"type": "x", "\x1b": "1", "\x1b": "1"}', "is not JSON"),
        (rb'{"type": "x", "\u001b[31m": "1", "\u001b[31m": "1"}', r"has '\\x1b\[31m' twice"),
        (b" " * MAX_BYTES + b"{}", f"is longer than {MAX_BYTES} bytes"),
        (b"[" * 200_000, "is not JSON"),
    ],
)
def test_a_line_that_is_no_event_is_refused_in_plain_ascii(line, said):
    with pytest.raises(BadEvent, match=said) as refused:
        event_fields(read_document(line))
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_a_whole_emoji_and_a_byte_order_mark_are_taken(start):
    line = start + rb'{"type": "user.retired", "user_id": "\ud83d\ude00", "n": 1.50, "none": null}'
    assert event_fields(read_document(line)) == {"type": "user.retired", "user_id": "\U0001f600", "n": "1.50"}


def test_blocks_become_json_again():
    blocks = [{"usage_id": "\U0001f600", "parent": None, "points_possible": 1.5}]
    fields = event_fields(read_document(json.dumps({"type": "course.structure", "blocks": blocks}).encode()))
    assert json.loads(fields["blocks"]) == blocks


def test_a_backslash_before_u0000_is_no_nul():
    title = "chapter \\u0000 and a \\\\u0000"
    line = json.dumps({"type": "launch", "context_title": title, "blocks": [{"usage_id": title}]}).encode()
    fields = event_fields(read_document(line))
    assert (fields["context_title"], json.loads(fields["blocks"])) == (title, [{"usage_id": title}])


def test_a_number_of_any_length_goes_onto_the_stream_as_it_is():
    line = b'{"type": "score.changed", "points_earned": %s, "late": true, "points_possible": NaN}' % (b"9" * 5_000)
    assert event_fields(read_document(line)) == {
        "type": "score.changed",
        "points_earned": "9" * 5_000,
        "late": "true",
        "points_possible": "NaN",
    }


OWN_RULES = {"key": Egress(setting="egress.campuses.key", allow_hosts=["lms.example"])}


@pytest.mark.parametrize(
    ("event", "egress", "field"),
    [
        (LAUNCH, Egress(), None),
        (LAUNCH | {"lis_outcome_service_url": "https://10.0.0.1/o"}, None, None),
        (LAUNCH | {"lis_outcome_service_url": "https://10.0.0.1/o"}, Egress(), "lis_outcome_service_url"),
        (LAUNCH, Egress(campuses=OWN_RULES), "lis_outcome_service_url"),
        (LAUNCH | {"oauth_consumer_key": "other"}, Egress(campuses=OWN_RULES), None),
        (LAUNCH_13 | {"lineitem": "http://campus.example/i"}, Egress(), "lineitem"),
        (LAUNCH_13 | {"lineitem": "", "lineitems": "http://campus.example/i"}, Egress(), "lineitems"),
        # Whose rules these are, the database says.
        (LAUNCH_13 | {"lineitem": "http://campus.example/i"}, Egress(campuses=OWN_RULES), None),
        (LAUNCH | {"lis_result_sourcedid": ""}, Egress(campuses=OWN_RULES), None),
        (SCORE, Egress(), None),
    ],
)
def test_a_launch_is_refused_from_where_no_grade_may_go(event, egress, field):
    if field is None:
        check_event(event, now=NOW, egress=egress)
        return
    with pytest.raises(BadEvent, match=f"^{field}: ") as found:
        check_event(event, now=NOW, egress=egress)
    assert found.value.field == field

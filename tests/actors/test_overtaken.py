"""What becomes of a score whose timestamp the campus refused."""

from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from actors.comparison import shows, was_sent
from actors.ended_request import new_offset
from actors.errors import Overtaken
from actors.instrumentation import AttemptRecord, record_attempt
from actors.metrics import Metrics
from actors.overtaken import overtaken
from actors.protocols.interface import CLEARED, Held
from actors.response import Response
from models.delivery import OVERRULED
from models.finish import Finished
from tests.actors.resolving import ADDRESS, NOW, make_request

SECOND = NOW // 1000
PLATFORM = replace(ADDRESS, issuer="https://platform.example")
REFUSED = Overtaken("HTTP 409: too old", http_status=409)


def answer(ahead: int = 0) -> Response:
    return Response(
        409, {"Date": format_datetime(datetime.fromtimestamp(SECOND + ahead, UTC), usegmt=True)}, b"[]", 0.1
    )


def end(held=None, *, error=REFUSED, offset=None, once_sent=("0.5",), in_doubt=(), text="0.5", jitter=0.5, **claim):
    values = {"address": PLATFORM, "stamp": SECOND, "changed_at": NOW, **claim}
    request = replace(make_request(**values), score=text)
    known = {"offset": offset, "held": held, "once_sent": once_sent, "in_doubt": in_doubt}
    return overtaken(request, answer(), error, **known, jitter=jitter)


def test_a_campus_that_holds_the_score_has_accepted_it():
    found = end(Held("0.5"))
    assert (found.outcome, found.score, found.delivery.result) == ("accepted", "0.5", "accepted")


def test_a_campus_that_holds_nothing_has_accepted_that_the_score_was_cleared():
    found = end(Held(""), text=CLEARED)
    assert (found.outcome, found.score) == ("accepted", None)


def test_a_score_that_was_never_sent_is_a_later_grade_that_is_kept():
    found = end(Held("0.8"))
    assert (found.outcome, found.delivery.result, found.delivery.code_major) == ("overruled", "overtaken", OVERRULED)
    assert "0.8" in found.delivery.description


@pytest.mark.parametrize(("held", "result"), [(None, "overtaken"), ("0.8", "overtaken"), ("0.5", "accepted")])
def test_what_was_refused_as_older_is_counted_as_overtaken_and_what_the_campus_holds_as_accepted(held, result):
    metrics = Metrics("test")
    found = end(None if held is None else Held(held))
    record_attempt(AttemptRecord(found, Finished(), NOW), metrics)
    counted = {
        sample.labels["result"]: sample.value
        for family in metrics.outcomes.collect()
        for sample in family.samples
        if sample.name.endswith("_total") and sample.value
    }
    assert counted == {result: 1}


def test_a_score_that_may_be_that_of_a_lost_attempt_is_replaced():
    assert end(Held("0.8"), in_doubt=["0.3", None]).outcome == "overtaken"
    assert end(Held("0.5"), in_doubt=[None]).outcome == "accepted"
    assert end(Held("0.8"), in_doubt=["0.3"]).outcome == "overruled"


@pytest.mark.parametrize(("held", "sent"), [("0.7", "0.666667"), ("1", "0.96"), ("1", "0.7"), ("0", "0.4")])
def test_what_an_older_score_is_rounded_to_is_replaced_while_one_is_in_doubt_and_else_a_persons_grade(held, sent):
    known = {"once_sent": [sent, "0.5"], "text": "0.5"}
    assert end(Held(held), in_doubt=[sent], **known).outcome == "overtaken"
    assert end(Held(held), **known).outcome == "overruled"


def test_what_the_score_is_rounded_to_counts_as_it_unless_it_may_be_an_older_score_without_a_record():
    known = {"text": "0.869", "once_sent": ["0.869"]}
    assert end(Held("0.87"), **known).outcome == "accepted"
    assert end(Held("0.87"), ordered_version=2, **known).outcome == "overtaken"
    assert end(Held("0.87"), in_doubt=["0.869", None], **known).outcome == "overtaken"
    assert end(Held("0.869"), ordered_version=2, **known).outcome == "accepted"


def test_a_score_that_was_never_sent_is_replaced_while_a_resend_is_ordered():
    found = end(Held("0.8"), ordered_version=2)
    assert (found.outcome, found.stamp_from) == ("overtaken", SECOND + 2)


@pytest.mark.parametrize("held", [Held("0.3"), Held(""), Held("unreadable"), None])
def test_an_older_score_none_and_what_cannot_be_read_are_overwritten_with_a_later_timestamp(held):
    found = end(held, once_sent=["0.3", "0.5"])
    assert (found.outcome, found.stamp_from, found.not_before, found.given_back) == ("overtaken", SECOND + 2, 0, True)


@pytest.mark.parametrize(("times", "power"), [(0, 1), (1, 2), (2, 3), (11, 12), (30, 12)])
def test_each_refusal_lifts_the_timestamp_by_twice_as_much_and_from_the_second_on_waits(times, power):
    found = end(None, overtaken=times)
    assert found.stamp_from == SECOND + 2**power
    assert (found.not_before > NOW) is (0 < times < 11), "one that is parked has its time to come back"


def test_after_twelve_refusals_in_a_row_it_is_parked_and_comes_back_with_a_timestamp_that_has_grown_on():
    assert end(None, overtaken=10).parked_scope is None
    assert sum(2**number for number in range(1, 12)) > 3600, "a clock by another zone is not overcome"
    for times, returned, waits in ((11, 0, 0), (11, 2, 600_000), (12, 3, 3_600_000)):
        found = end(None, overtaken=times, address_refusals=returned)
        assert (found.outcome, found.parked_scope, found.returns_at) == ("overtaken", "learner", NOW + waits)
        assert found.not_before == 0, "a new score waits for the old one's"
        assert found.stamp_from == SECOND + 4096
        assert f"{times + 1} attempts were refused in a row, the last one with: HTTP 409" in found.parked_reason
        assert (found.delivery.result, found.given_back) == ("overtaken", True)
    assert [end(None, overtaken=11, address_refusals=times).returns_at is None for times in (7, 8)] == [False, True]
    assert end(Held("0.5"), overtaken=11).outcome == "accepted"


def test_the_timestamp_is_lifted_above_every_time_that_the_campus_names():
    named = replace(REFUSED, held_since=NOW + 60_001)
    assert end(None, error=named).stamp_from == SECOND + 61 + 2
    assert end(Held("0.3", since=NOW + 90_000), error=named, once_sent=["0.3"]).stamp_from == SECOND + 90 + 2
    assert end(None, stamp=SECOND + 500).stamp_from == SECOND + 500 + 2
    assert end(None, address=replace(PLATFORM, clock_offset=45)).stamp_from == SECOND + 45 + 2


@pytest.mark.parametrize("ahead", [24 * 3600 + 1, 253402300799 - SECOND])
def test_a_time_at_which_nothing_can_have_been_scored_lifts_no_timestamp(ahead):
    far = (SECOND + ahead) * 1000
    named = Overtaken("HTTP 409: the course ends then", held_since=far, http_status=409)
    assert end(Held("0.3", since=far), error=named).stamp_from == end(Held("0.3")).stamp_from


def test_a_clock_that_is_newly_known_to_be_ahead_is_tried_first_and_at_once():
    found = end(Held("0.8"), offset=45)
    assert (found.outcome, found.stamp_from, found.not_before) == ("overtaken", SECOND + 45, 0)
    assert found.signal.clock_offset == 45


def test_a_clock_explains_one_refusal_and_no_second_one():
    assert end(None, offset=45, overtaken=1).stamp_from == SECOND + 45 + 4


def test_a_change_that_seems_to_lie_ahead_since_our_clock_was_set_back_has_no_timestamp_in_the_campuss_future():
    assert end(None, offset=45, changed_at=NOW + 3_600_000).stamp_from == SECOND + 45


SECONDS = st.integers(-100_000, 100_000)


@given(
    stamp=SECONDS,
    changed=st.one_of(st.none(), SECONDS),
    known=SECONDS,
    offset=st.one_of(st.none(), SECONDS),
    number=st.integers(0, 30),
    named=st.one_of(st.none(), st.integers(-100_000_000, 100_000_000)),
    since=st.one_of(st.none(), st.integers(-100_000_000, 100_000_000)),
)
@seed(1)
@settings(database=None, deadline=None)
def test_a_refused_timestamp_grows_by_whole_seconds_beyond_every_known_time_or_to_the_campuss_own_at_most(
    stamp, changed, known, offset, number, named, since
):
    error = Overtaken("HTTP 409", http_status=409, held_since=None if named is None else NOW + named)
    held = None if since is None else Held("0.3", since=NOW + since)
    found = end(
        held,
        error=error,
        offset=offset,
        once_sent=["0.3"],
        stamp=SECOND + stamp,
        changed_at=None if changed is None else NOW + 1000 * changed,
        address=replace(PLATFORM, clock_offset=known),
        overtaken=number,
    ).stamp_from
    assert isinstance(found, int)
    assert found > SECOND + stamp
    if offset is not None and changed is not None and not number and min(changed, 0) + offset > stamp:
        assert found == SECOND + min(changed, 0) + offset
    else:
        here = SECOND + (known if offset is None else offset)
        named_times = [NOW + one for one in (named, since) if one is not None]
        assert found * 1000 > max([here * 1000, *named_times])


def test_a_clock_that_is_behind_explains_nothing():
    assert end(None, offset=-45).stamp_from == SECOND + 2


@pytest.mark.parametrize(
    ("known", "ahead", "offset"),
    [(0, 1, None), (0, -1, None), (0, 2, 2), (0, -45, -45), (45, 45, None), (45, 46, None), (45, 0, 0), (45, 43, 43)],
)
def test_an_offset_is_new_where_it_differs_by_two_seconds_or_more(known, ahead, offset):
    request = make_request(address=replace(PLATFORM, clock_offset=known))
    assert new_offset(request, answer(ahead)) == offset


def test_the_clock_of_a_consumer_of_lti_11_is_nothing_to_reckon_with():
    assert new_offset(make_request(), answer(45)) is None


@pytest.mark.parametrize(
    ("held", "score", "once_sent", "holds"),
    [
        ("0.5", "0.5", ["0.5"], True),
        ("0.50", "0.5", [], True),
        ("0.33", "0.333333", ["0.333333"], True),
        ("0.33", "0.333333", ["0.33", "0.333333"], False),
        ("0", "0.4", ["0", "0.4"], False),
        ("1", "0.9", ["0.9"], False),
        ("1e9", "0.9", [], False),
        ("many", "0.9", [], False),
    ],
)
def test_a_campus_holds_a_score_if_it_shows_that_one_and_no_other(held, score, once_sent, holds):
    assert shows(held, score, once_sent) is holds


@pytest.mark.parametrize(
    ("held", "once_sent", "sent"),
    [
        ("0.5", ["0.5"], True),
        ("0.67", ["0.666667"], True),
        ("0.8", ["0.5", ""], False),
        ("many", [], True),
        # A person's 0 and 1 are no rounded scores.
        ("0", ["0.004"], False),
        ("1", ["0.7"], False),
        ("0.7", ["0.666667"], False),
        ("1", ["0.7", "1"], True),
    ],
)
def test_a_score_was_sent_if_it_may_be_a_rounded_one_of_those_on_record(held, once_sent, sent):
    assert was_sent(held, once_sent) is sent
    assert was_sent(held, once_sent, coarse=True) is (held != "0.8")

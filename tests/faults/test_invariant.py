"""What the fault suite concludes from: each wrong that it looks for is found, and nothing else."""

import pytest

from daemon.demo.lms.request import RequestRecord
from tests.fakes.lms import Applied
from tests.faults import invariant
from tests.faults.platforms import Post

HISTORIES = {"ada": ["0.1", "0.5", "0.3"]}
REST = {
    "sourcedid": "ada", "version_number": 3, "sent_version": 3, "claimed_until": None, "parked_at": None,
    "parked_reason": None, "waiting_since": None,
}  # fmt: skip


def applied(*scores):
    return [Applied("/outcomes", "ada", score, float(at), at) for at, score in enumerate(scores)]


def requests(*scores):
    return [
        RequestRecord(at, "/outcomes", {}, b"", ("", 0), began=float(at), sourcedid="ada", score=score)
        for at, score in enumerate(scores)
    ]


def deliveries(*scores_and_results):
    return [{"sourcedid": "ada", "score": score, "result": result} for score, result in scores_and_results]


@pytest.mark.parametrize(
    ("gradebook", "faults"), [({"ada": "0.3"}, 0), ({"ada": "0.5"}, 1), ({}, 1), ({"ada": "1"}, 1)]
)
def test_the_campus_must_hold_the_newest_grade(gradebook, faults):
    assert len(invariant.newest_is_held(gradebook, HISTORIES)) == faults


@pytest.mark.parametrize("scores", [("0.1", "0.5", "0.3"), ("0.1", "0.1", "0.3", "0.3"), ("0.3",), ()])
def test_grades_that_only_get_newer_overtake_none(scores):
    assert invariant.overtaken(applied(*scores), HISTORIES) == []


def test_an_older_grade_over_a_newer_one_is_found_and_when_it_was_fixed():
    (one,) = invariant.overtaken(applied("0.1", "0.5", "0.1", "0.3"), HISTORIES)
    assert (one.older, one.newer, one.at, one.fixed) == ("0.1", "0.5", 2.0, 3.0)
    assert invariant.older_is_overwritten([one], within=1.0, resumed=None) == []
    assert "1.0 s later" in invariant.older_is_overwritten([one], within=0.5, resumed=None)[0]
    assert invariant.older_is_overwritten([one], within=0.5, resumed=2.6) == []
    (never,) = invariant.overtaken(applied("0.5", "0.1"), HISTORIES)
    assert "never fixed" in invariant.older_is_overwritten([never], within=100.0, resumed=None)[0]


def test_a_grade_that_no_learner_had_is_found():
    assert invariant.grades_are_real(applied("0.1"), HISTORIES) == []
    assert "0.4" in invariant.grades_are_real(applied("0.4"), HISTORIES)[0]


def test_a_version_that_is_sent_again_and_again_is_found():
    twenty = ("0.1",) * invariant.MAX_POSTS
    assert invariant.no_loop(requests(*twenty, "0.5")) == []
    assert "0.1 was sent 21 times" in invariant.no_loop(requests(*twenty, "0.1"))[0]


@pytest.mark.parametrize(
    ("stamps", "faults"),
    [
        ([("0.1", 1), ("0.5", 2), ("0.3", 3)], []),
        ([("0.1", 1), ("0.5", 2), ("0.1", 1), ("0.3", 2)], []),
        ([("0.1", 3), ("0.5", 2)], ["0.5 for ada is newer than 0.1"]),
        ([("0.1", 1), ("0.1", 9), ("0.3", 4)], ["0.3 for ada is newer than 0.1"]),
    ],
)
def test_a_newer_score_with_an_earlier_timestamp_is_found(stamps, faults):
    posts = [Post("ada", text, 0.0, stamp, "stored") for text, stamp in stamps]
    found = invariant.stamps_grow(posts, HISTORIES)
    assert [one.partition(",")[0] for one in found] == faults


@pytest.mark.parametrize(
    ("seen", "recorded", "since", "fault"),
    [
        (("0.1", "0.1"), [("0.1", "ambiguous"), ("0.1", "accepted")], 0.0, None),
        (("0.1", "0.1"), [("0.1", "accepted"), (None, "unknown")], 0.0, None),
        (("0.1", "0.1"), [("0.1", "accepted")], 1.0, None),
        (("0.1", "0.1"), [("0.1", "accepted")], 0.0, "no delivery record"),
        (("0.1", "0.1"), [("0.1", "accepted"), ("0.5", "retried")], 0.0, "no delivery record"),
        (("0.1",), [("0.1", "accepted"), ("0.5", "accepted"), ("0.3", "retried")], 0.0, "{'0.5': 1} was accepted"),
        ((), [(None, "accepted")], 0.0, "but no score"),
    ],
)
def test_every_request_must_have_its_record_and_every_acceptance_its_request(seen, recorded, since, fault):
    found = invariant.deliveries_are_complete(requests(*seen), deliveries(*recorded), since=since)
    assert found == [] if fault is None else fault in found[0]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"version_number": 4}, "dirty"),
        ({"claimed_until": 1}, "claimed"),
        ({"parked_at": 1, "parked_reason": "gone"}, "parked"),
        ({"waiting_since": 1}, "waiting"),
    ],
)
def test_a_row_that_is_not_at_rest_is_found(changed, words):
    assert invariant.nothing_is_left([REST], 0) == []
    assert words in invariant.nothing_is_left([{**REST, **changed}], 0)[0]
    assert "quarantine" in invariant.nothing_is_left([REST], 2)[0]


def test_errors_and_tracebacks_are_found_unless_they_are_expected():
    quiet, loud = {"level": "info", "event": "ready"}, {"level": "warning", "event": "it broke", "exception": "Trace"}
    assert invariant.log_is_quiet("", [quiet], []) == []
    assert invariant.log_is_quiet("", [quiet, loud], ["it br"]) == []
    assert "it broke" in invariant.log_is_quiet("", [quiet, loud], [])[0]
    assert "no events" in invariant.log_is_quiet('{}\nTraceback\n{"half', [quiet], [])[0]

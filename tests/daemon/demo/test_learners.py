import itertools
from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from daemon.demo.course import COURSE_ID, Points, earned_in, example_course
from daemon.demo.learners import Attempt, Kind, launch_event, score_event, write_script

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)

#: Seconds; below any composite delay that the demo may be given.
CALM = 2.0


@pytest.fixture(params=[1, 2, 2026], ids="seed {}".format)
def script(request):
    return write_script(example_course(), learners=60, seed=request.param)


def test_the_same_seed_makes_the_same_script():
    assert write_script(example_course(), learners=9, seed=5) == write_script(example_course(), learners=9, seed=5)


def test_every_learner_has_leaves_a_unit_and_a_chapter(script):
    kinds = {}
    for assignment in script.assignments:
        kinds.setdefault(assignment.user_id, Counter())[assignment.block.usage_id.split("type@")[1].split("+")[0]] += 1
    assert len(kinds) == 60
    assert all(kind["vertical"] == kind["chapter"] == 1 and kind["problem"] >= 2 for kind in kinds.values())


def test_every_assignment_has_a_sourcedid_of_its_own(script):
    assert len({assignment.sourcedid for assignment in script.assignments}) == len(script.assignments)


def test_every_assignment_is_launched_once_and_before_its_learner_answers_anything(script):
    launched = Counter()
    for delivery in script.deliveries:
        if isinstance(delivery.what, Attempt):
            assert launched[delivery.what.user_id] == sum(
                a.user_id == delivery.what.user_id for a in script.assignments
            )
        else:
            launched[delivery.what.user_id] += 1
    assert launched.total() == len(script.assignments)


def test_every_composite_sees_five_changes_or_more(script):
    changes = script.changes_under()
    assert min(changes[a.sourcedid] for a in script.assignments if a.composite) >= 5


def test_a_change_of_score_is_always_a_change(script):
    last = {}
    for attempt in script.attempts(Kind.CHANGE):
        place = attempt.user_id, attempt.usage_id
        assert last.get(place) != attempt.earned
        last[place] = attempt.earned


def test_a_learner_comes_back_at_most_once(script):
    times = {}
    for delivery in script.deliveries:
        if delivery.kind is Kind.CHANGE:
            times.setdefault(delivery.what.user_id, []).append(delivery.at)
    breaks = [sum(later - sooner > CALM for sooner, later in itertools.pairwise(at)) for at in times.values()]
    assert set(breaks) == {0, 1}


def test_a_late_score_comes_after_a_newer_one_of_the_same_problem(script):
    newest = {}
    late = 0
    for delivery in script.deliveries:
        if delivery.kind not in (Kind.CHANGE, Kind.LATE):
            continue
        attempt = delivery.what
        place = attempt.user_id, attempt.usage_id
        assert (newest.get(place, 0) > attempt.scored) == (delivery.kind is Kind.LATE)
        newest[place] = max(newest.get(place, 0), attempt.scored)
        late += delivery.kind is Kind.LATE
    assert late >= 50


def test_a_duplicate_repeats_what_was_delivered_before(script):
    seen = []
    for delivery in script.deliveries:
        if delivery.kind is Kind.DUPLICATE:
            assert delivery.what in seen
        seen.append(delivery.what)
    assert len(script.attempts(Kind.DUPLICATE)) >= 50


def test_deliveries_are_in_order_of_time_and_soon_over(script):
    times = [delivery.at for delivery in script.deliveries]
    assert times == sorted(times)
    assert times[-1] < 20


def test_the_newest_answer_to_each_problem_is_what_was_earned(script):
    assignment = next(a for a in script.assignments if a.composite)
    newest = {}
    for attempt in script.attempts(Kind.CHANGE):
        if attempt.user_id == assignment.user_id:
            newest[attempt.usage_id] = Points(Fraction(attempt.earned), Fraction(attempt.possible))
    assert script.earned()[assignment.sourcedid] == earned_in(assignment.block, newest).share


def test_whoever_tried_nothing_gets_no_grade_at_all(script):
    tried = {(attempt.user_id, attempt.usage_id) for attempt in script.attempts(Kind.CHANGE)}
    untried = [
        a.sourcedid
        for a in script.assignments
        if not any((a.user_id, problem.usage_id) in tried for problem in a.block.problems())
    ]
    earned = script.earned()
    assert untried
    assert {sourcedid for sourcedid, score in earned.items() if score is None} == set(untried)


def test_a_launch_event_names_consumer_learner_block_and_service(script):
    assignment = script.assignments[0]
    event = launch_event(assignment, consumer_key="demo", service_url="http://campus/outcomes")
    assert event["type"] == "launch"
    assert event["oauth_consumer_key"] == "demo"
    assert event["user_id"] == assignment.user_id
    assert event["course_id"] == COURSE_ID
    assert event["usage_id"] == assignment.block.usage_id
    assert event["lis_result_sourcedid"] == assignment.sourcedid
    assert event["lis_outcome_service_url"] == "http://campus/outcomes"


def test_a_score_event_says_when_it_was_scored():
    event = score_event(Attempt("1001", "problem", 1.25, 1.875, 2.5), began=BEGAN)
    assert event == {
        "type": "score.changed",
        "user_id": "1001",
        "course_id": COURSE_ID,
        "usage_id": "problem",
        "points_earned": "1.875",
        "points_possible": "2.5",
        "modified": "2026-03-01T12:00:01.250+00:00",
    }

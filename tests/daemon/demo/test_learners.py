from collections import Counter
from fractions import Fraction

import pytest

from daemon.demo.course import example_course
from daemon.demo.learners import CAMPUSES, Attempt, write_script

COURSE = example_course()


@pytest.fixture(params=[1, 2, 2026], ids="seed {}".format)
def script(request):
    return write_script(COURSE, learners=60, seed=request.param)


def test_the_same_seed_makes_the_same_script():
    assert write_script(COURSE, learners=9, seed=5) == write_script(COURSE, learners=9, seed=5)


def test_every_learner_has_two_composites_and_two_leaves_or_more_with_sourcedids_of_their_own(script):
    kinds = {}
    for assignment in script.assignments:
        kinds.setdefault(assignment.user_id, Counter())[assignment.composite] += 1
    assert len(kinds) == script.learners == 60
    assert all(kind[True] == 2 and kind[False] >= 2 for kind in kinds.values())
    assert len({assignment.sourcedid for assignment in script.assignments}) == len(script.assignments)


def test_every_assignment_is_launched_before_its_learner_answers_anything(script):
    launched, answered = [], set()
    for step in script.steps:
        if isinstance(step.what, Attempt):
            answered.add(step.what.user_id)
        elif step.kind == "launch":
            assert step.what.user_id not in answered
            launched.append(step.what)
    assert sorted(one.sourcedid for one in launched) == sorted(one.sourcedid for one in script.assignments)


def test_learners_are_at_all_campuses_and_halfway_those_of_the_one_that_moves_launch_all_again(script):
    learners = Counter(campus for campus, _ in {(one.campus, one.user_id) for one in script.assignments})
    assert learners == dict.fromkeys(CAMPUSES, 20)
    moved = [step.what for step in script.steps if step.kind == "move"]
    assert sorted(one.sourcedid for one in moved) == sorted(
        one.sourcedid for one in script.assignments if one.campus.moves
    )
    for user_id in {one.user_id for one in moved}:
        kinds = [step.kind for step in script.steps if step.what.user_id == user_id]
        assert "change" in kinds[: kinds.index("move")]
        assert "change" in kinds[len(kinds) - kinds[::-1].index("move") :]


def test_a_late_score_comes_after_a_newer_one_of_the_same_problem_and_no_other_does(script):
    newest = {}
    for step in script.steps:
        if step.kind in ("change", "late"):
            place = step.what.user_id, step.what.usage_id
            assert (newest.get(place, 0) > step.what.scored_at) == (step.kind == "late")
            newest[place] = max(newest.get(place, 0), step.what.scored_at)
    assert len(script.attempts("late")) == 60


def test_a_duplicate_repeats_what_was_on_the_stream_before(script):
    seen = []
    for step in script.steps:
        assert step.kind != "duplicate" or step.what in seen
        seen.append(step.what)
    assert len(script.attempts("duplicate")) == 120


def test_the_newest_answers_are_what_the_campus_should_hold(script):
    expected = script.expected(COURSE)
    for one in script.assignments:
        own = [attempt for attempt in script.attempts("change", "late") if attempt.user_id == one.user_id]
        newest = {attempt.usage_id: Fraction(attempt.earned) for attempt in sorted(own, key=lambda a: a.scored_at)}
        assert expected[one.sourcedid] == COURSE.share(one.usage_id, newest)
    assert None in expected.values(), "no learner opened a problem without answering it"

"""Scores are applied in the order in which they were scored; arrival breaks ties."""

import pytest

from models.score import Score, apply_score, read_scores

pytestmark = pytest.mark.usefixtures("empty_database")

NOON = 1_767_268_800_000_000


async def apply(earned, *, at, possible=2.0, user="learner", course="course", problem="problem"):
    return await apply_score(user, course, problem, points=(earned, possible), modified_us=at)


async def stored():
    score = await Score.get(usage_id="problem")
    return score.points_earned, score.modified_us


async def test_the_first_score_is_applied_and_is_news():
    assert await apply(1.5, at=NOON) == (True, True)
    assert await stored() == (1.5, NOON)


async def test_a_newer_score_replaces_an_older_one():
    await apply(1.5, at=NOON)
    assert await apply(0.5, at=NOON + 1) == (True, True)
    assert await stored() == (0.5, NOON + 1)


async def test_of_two_scores_of_the_same_microsecond_the_one_that_arrived_later_stays():
    await apply(1.5, at=NOON)
    assert await apply(0.5, at=NOON) == (True, True)
    assert await stored() == (0.5, NOON)


async def test_an_older_score_that_arrives_later_changes_nothing():
    await apply(1.5, at=NOON)
    assert await apply(0.5, at=NOON - 1) == (False, False)
    assert await stored() == (1.5, NOON)


async def test_an_equal_score_is_no_news_but_its_time_counts():
    await apply(1.5, at=NOON)
    assert await apply(1.5, at=NOON + 10) == (True, False)
    assert await stored() == (1.5, NOON + 10)
    assert await apply(0.5, at=NOON + 5) == (False, False)
    assert await stored() == (1.5, NOON + 10)


async def test_other_points_possible_are_news():
    await apply(1.5, at=NOON)
    assert await apply(1.5, possible=3.0, at=NOON) == (True, True)


@pytest.mark.parametrize("earned", [0.1 + 0.2, 1e-300, 123_456_789.123_456_7, -0.0, 1e12])
async def test_points_come_back_as_they_went_in(earned):
    await apply(earned, at=NOON)
    assert await read_scores("learner", "course", ["problem"]) == {"problem": (earned, 2.0)}
    assert await apply(earned, at=NOON) == (True, False)


@pytest.mark.parametrize("at", [-62_135_596_800_000_000, 0, 2**63 - 1])
async def test_any_time_of_64_bits_can_be_stored(at):
    assert await apply(1.5, at=at) == (True, True)
    assert await stored() == (1.5, at)


async def test_scores_are_read_of_one_learner_and_course():
    await apply(1.0, at=NOON)
    await apply(2.0, at=NOON, problem="other problem")
    await apply(3.0, at=NOON, user="other learner")
    await apply(4.0, at=NOON, course="other course")
    assert await read_scores("learner", "course") == {"problem": (1.0, 2.0), "other problem": (2.0, 2.0)}
    assert await read_scores("learner", "course", ["problem"]) == {"problem": (1.0, 2.0)}
    assert await read_scores("learner", "course", ["problem", "none"]) == {"problem": (1.0, 2.0)}
    assert await read_scores("learner", "course", ["none"]) == {}
    assert await read_scores("learner", "course", []) == {}

"""Scores are applied in the order in which they were scored; arrival breaks ties."""

import pytest

from models.score import Score, read_scores
from tests.models.scores import apply_score

pytestmark = pytest.mark.usefixtures("empty_database")

NOON = 1_767_268_800_000_000


async def apply(earned, *, at, possible=2.0, user="learner", course="course", problem="problem"):
    return await apply_score(user, course, problem, points=(earned, possible), modified_us=at)


async def stored():
    score = await Score.get(usage_id="problem")
    return score.points_earned, score.modified_us


@pytest.mark.parametrize(
    ("earned", "later", "effect", "expected"),
    [
        pytest.param(0.5, 1, (True, True), (0.5, NOON + 1), id="a newer score replaces an older one"),
        pytest.param(0.5, 0, (True, True), (0.5, NOON), id="of the same microsecond the later arrival stays"),
        pytest.param(0.5, -1, (False, False), (1.5, NOON), id="an older score that arrives later changes nothing"),
        pytest.param(1.5, 10, (True, False), (1.5, NOON + 10), id="an equal score is no change but its time counts"),
    ],
)
async def test_the_newest_score_is_stored(earned, later, effect, expected):
    assert await apply(1.5, at=NOON) == (True, True)
    assert await stored() == (1.5, NOON)
    assert await apply(earned, at=NOON + later) == effect
    assert await stored() == expected


async def test_other_points_possible_are_a_change():
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

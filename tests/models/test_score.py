"""Scores are applied in the order in which they were scored; arrival breaks ties."""

import pytest

from models.score import Effect, Score, ScoreChange, apply_scores, read_dated_of, read_scores
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


# --- Taken back ---


async def clear(*, at):
    (effect,) = await apply_scores([ScoreChange("learner", "course", "problem", 0.0, 0.0, at, cleared=True)])
    return effect


async def test_a_score_that_was_taken_back_is_known_as_such_until_a_newer_one_comes():
    await apply(1.5, at=NOON)
    assert await clear(at=NOON + 5) == Effect(applied=True, changed=True)
    for usage_ids in (["problem"], None):
        assert await read_scores("learner", "course", usage_ids) == {"problem": None}
    assert (await read_dated_of([("learner", "course")]))["learner", "course"]["problem"].cleared
    assert await clear(at=NOON + 6) == Effect(applied=True, changed=False)
    assert await apply(0.0, possible=0.0, at=NOON + 5) == Effect(applied=False, changed=False)
    assert await apply(0.0, possible=0.0, at=NOON + 7) == Effect(applied=True, changed=True)
    assert await read_scores("learner", "course") == {"problem": (0.0, 0.0)}
    assert not (await read_dated_of([("learner", "course")]))["learner", "course"]["problem"].cleared


async def test_a_score_that_is_newer_than_its_taking_back_stays():
    await apply(1.5, at=NOON)
    assert await clear(at=NOON - 1) == Effect(applied=False, changed=False)
    assert await read_scores("learner", "course") == {"problem": (1.5, 2.0)}


async def test_an_unknown_score_that_was_taken_back_does_not_come_late():
    assert await clear(at=NOON) == Effect(applied=True, changed=True)
    assert await apply(1.5, at=NOON - 1) == Effect(applied=False, changed=False)
    assert await read_scores("learner", "course") == {"problem": None}


async def test_of_one_batch_the_last_of_the_same_moment_counts():
    where = ("learner", "course", "problem")
    changes = [ScoreChange(*where, 1.0, 2.0, NOON), ScoreChange(*where, 0.0, 0.0, NOON, cleared=True)]
    assert await apply_scores(changes) == [Effect(applied=True, changed=True)] * 2
    assert await read_scores("learner", "course") == {"problem": None}

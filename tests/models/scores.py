"""Scores for the tests, stored as intake stores them."""

from models.score import Effect, Points, ScoreChange, apply_scores


async def apply_score(user_id: str, course_id: str, usage_id: str, *, points: Points, modified_us: int) -> Effect:
    """Store one score, as :func:`models.score.apply_scores` does."""
    (effect,) = await apply_scores([ScoreChange(user_id, course_id, usage_id, *points, modified_us)])
    return effect

"""A learner's newest score on a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from models.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Score(Model):
    """Weighted points, as the tool said them last."""

    id = fields.BigIntField(primary_key=True)
    user_id = fields.CharField(max_length=255)
    course_key = fields.CharField(max_length=255)
    usage_key = fields.CharField(max_length=255)
    points_earned = fields.FloatField()
    points_possible = fields.FloatField()
    # When it was scored, microseconds since 1970: the order of two changes.
    modified_us = fields.BigIntField()

    class Meta:
        table = "score"
        table_description = "Newest scores"
        unique_together = (("user_id", "course_key", "usage_key"),)


# A score is applied when it is at least as new as the stored one: arrival breaks ties. `modified_us` advances even when
# the points are equal, or a later arrival from between the two would count as news.
_UPSERT = Statement("""
    INSERT INTO score (user_id, course_key, usage_key, points_earned, points_possible, modified_us)
    VALUES (:user_id, :course_key, :usage_key, :earned, :possible, :modified_us)
    ON CONFLICT (user_id, course_key, usage_key) DO UPDATE SET
        points_earned = excluded.points_earned,
        points_possible = excluded.points_possible,
        modified_us = excluded.modified_us
    WHERE score.modified_us <= excluded.modified_us
    RETURNING id""")

_READ = Statement("""
    SELECT points_earned, points_possible FROM score
    WHERE user_id = :user_id AND course_key = :course_key AND usage_key = :usage_key""")

_READ_COURSE = Statement("""
    SELECT usage_key, points_earned, points_possible FROM score
    WHERE user_id = :user_id AND course_key = :course_key""")

_READ_MANY = Statement(
    """
    SELECT score.user_id AS user_id, score.course_key AS course_key, score.usage_key AS usage_key, points_earned,
        points_possible, modified_us
    FROM {given} CROSS JOIN score
    WHERE score.user_id = given.user_id AND score.course_key = given.course_key
        AND score.usage_key = given.usage_key""",
    given="user_id VARCHAR, course_key VARCHAR, usage_key VARCHAR",
)

#: Points earned and possible of one problem.
Points = tuple[float, float]
#: A learner, a course and a problem.
ScoreKey = tuple[str, str, str]
#: A learner, a course and problems in it.
Wanted = tuple[str, str, tuple[str, ...]]


async def apply_score(
    user_id: str, course_key: str, usage_key: str, *, points: Points, modified_us: int
) -> tuple[bool, bool]:
    """
    Store a score unless a newer one is known.

    Returns:
        Whether it was applied, and whether the points differ from what was stored.
    """
    key = {"user_id": user_id, "course_key": course_key, "usage_key": usage_key}
    before = await _READ.row(**key)
    applied = await _UPSERT.rows(**key, earned=points[0], possible=points[1], modified_us=modified_us)
    changed = before is None or (before["points_earned"], before["points_possible"]) != points
    return bool(applied), bool(applied) and changed


async def read_wanted(wanted: Sequence[Wanted]) -> dict[Wanted, dict[str, Points]]:
    """What :func:`read_scores` gives, for several learners in one statement."""
    keys = {(user_id, course_key, usage_key) for user_id, course_key, usage_keys in wanted for usage_key in usage_keys}
    known = await read_many(keys)
    return {
        (user_id, course_key, usage_keys): {
            usage_key: points[:2]
            for usage_key in usage_keys
            if (points := known.get((user_id, course_key, usage_key))) is not None
        }
        for user_id, course_key, usage_keys in wanted
    }


async def read_many(keys: Iterable[ScoreKey]) -> dict[ScoreKey, tuple[float, float, int]]:
    """Points earned, points possible and when they were scored (microseconds since 1970), where they are known."""
    given = [{"user_id": key[0], "course_key": key[1], "usage_key": key[2]} for key in keys]
    return {
        (row["user_id"], row["course_key"], row["usage_key"]): (
            row["points_earned"],
            row["points_possible"],
            row["modified_us"],
        )
        for row in await _READ_MANY.rows(given=given)
    }


async def read_scores(user_id: str, course_key: str, usage_keys: Sequence[str] | None = None) -> dict[str, Points]:
    """A learner's scores in a course by usage key; of *usage_keys* alone where they are given."""
    if usage_keys is not None and len(usage_keys) == 1:
        row = await _READ.row(user_id=user_id, course_key=course_key, usage_key=usage_keys[0])
        return {} if row is None else {usage_keys[0]: (row["points_earned"], row["points_possible"])}
    rows = await _READ_COURSE.rows(user_id=user_id, course_key=course_key)
    wanted = None if usage_keys is None else set(usage_keys)
    return {
        row["usage_key"]: (row["points_earned"], row["points_possible"])
        for row in rows
        if wanted is None or row["usage_key"] in wanted
    }

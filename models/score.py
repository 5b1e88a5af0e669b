"""A learner's newest score on a problem."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from tortoise import fields
from tortoise.models import Model

from models.course_tree import Tree
from models.db.sql import Statement
from models.moment import MAX_PLACE, Moment


class Score(Model):
    """Weighted points, as the tool published them last."""

    id = fields.BigIntField(primary_key=True)
    user_id = fields.CharField(max_length=255)
    course_id = fields.CharField(max_length=255)
    usage_id = fields.CharField(max_length=255)
    points_earned = fields.FloatField()
    points_possible = fields.FloatField()
    # When it was scored, microseconds since 1970, and the place of its entry: the order of two changes.
    modified_us = fields.BigIntField()
    place = fields.CharField(max_length=MAX_PLACE, db_default="")
    # Whether the tool took it back: it counts as not attempted.
    cleared = fields.BooleanField(db_default=False)
    # Since when it has had these points, as far as is known; NULL: since it was scored.
    since_us = fields.BigIntField(null=True)

    class Meta:
        table = "score"
        table_description = "Newest scores"
        unique_together = (("user_id", "course_id", "usage_id"),)


_STORE = Statement("""
    INSERT INTO score (user_id, course_id, usage_id, points_earned, points_possible, modified_us, place, cleared,
        since_us)
    VALUES (:user_id, :course_id, :usage_id, :points_earned, :points_possible, :modified_us, :place, :cleared,
        :since_us)
    ON CONFLICT (user_id, course_id, usage_id) DO UPDATE SET
        points_earned = excluded.points_earned,
        points_possible = excluded.points_possible,
        modified_us = excluded.modified_us,
        place = excluded.place,
        cleared = excluded.cleared,
        since_us = excluded.since_us""")

_READ_MANY = Statement(
    """
    SELECT score.user_id AS user_id, score.course_id AS course_id, score.usage_id AS usage_id, points_earned,
        points_possible, modified_us, place, cleared, since_us
    FROM {given} CROSS JOIN score
    WHERE score.user_id = given.user_id AND score.course_id = given.course_id
        AND score.usage_id = given.usage_id""",
    given="user_id VARCHAR, course_id VARCHAR, usage_id VARCHAR",
)

_READ_COURSES = Statement(
    """
    SELECT score.user_id AS user_id, score.course_id AS course_id, usage_id, points_earned, points_possible, cleared
    FROM {given} CROSS JOIN score WHERE score.user_id = given.user_id AND score.course_id = given.course_id""",
    given="user_id VARCHAR, course_id VARCHAR",
)

_READ_DATED_OF = Statement(
    """
    SELECT score.user_id AS user_id, score.course_id AS course_id, usage_id, points_earned, points_possible,
        modified_us, cleared, since_us
    FROM {given} CROSS JOIN score WHERE score.user_id = given.user_id AND score.course_id = given.course_id""",
    given="user_id VARCHAR, course_id VARCHAR",
)

#: Points earned and possible of one problem.
Points = tuple[float, float]
#: A learner's points by usage id; None where the tool took the score back, which counts as not attempted.
Scores = dict[str, Points | None]
#: A learner, a course and a problem.
ScoreKey = tuple[str, str, str]
#: Blocks whose scores are read by name; of more, all that the learner has in the course are read.
MAX_BY_NAME = 200

#: A learner, a course, and problems in it; None for all of them.
Wanted = tuple[str, str, tuple[str, ...] | None]


class ScoreChange(NamedTuple):
    """
    A score as an event gives it, and as it is stored. *modified_us* and *place* are its moment.

    *cleared*: the tool took it back, and its points, zeros, count for nothing. *since_us*: since when it has had these
    points, microseconds since 1970; None: since *modified_us*.
    """

    user_id: str
    course_id: str
    usage_id: str
    points_earned: float
    points_possible: float
    modified_us: int
    place: str = ""
    cleared: bool = False
    since_us: int | None = None

    @property
    def key(self) -> ScoreKey:
        return self.user_id, self.course_id, self.usage_id

    @property
    def points(self) -> Points | None:
        return None if self.cleared else (self.points_earned, self.points_possible)

    @property
    def moment(self) -> Moment:
        return Moment(self.modified_us, self.place)

    @property
    def had_since_us(self) -> int:
        return self.modified_us if self.since_us is None else self.since_us


class DatedScore(NamedTuple):
    """A learner's newest score on a problem, for support. Times and *since_us* as in :class:`ScoreChange`."""

    usage_id: str
    points_earned: float
    points_possible: float
    modified_us: int
    cleared: bool = False
    since_us: int | None = None

    @property
    def had_since_us(self) -> int:
        return self.modified_us if self.since_us is None else self.since_us

    @property
    def points(self) -> Points | None:
        return None if self.cleared else (self.points_earned, self.points_possible)


class Effect(NamedTuple):
    """Whether a change was applied, and whether the points differ from those before it."""

    applied: bool
    changed: bool


async def apply_scores(changes: Iterable[ScoreChange]) -> list[Effect]:
    """
    Store scores, one after the other; within the transaction that makes intake serial.

    A change is applied when its moment is not before that of the stored score, also of one that was taken back. The
    moment advances even when the points are equal, or a later arrival from between the two would count as newer;
    ``since_us`` then says since when it has had them. If such an arrival has other points, it has not had them before.

    Returns:
        What each change did.
    """
    changes = list(changes)
    stored = await _read_many({change.key for change in changes})
    effects, newest = [], dict[ScoreKey, ScoreChange]()
    for change in changes:
        before = newest.get(change.key) or stored.get(change.key)
        applied = before is None or before.moment <= change.moment
        effects.append(Effect(applied, applied and (before is None or before.points != change.points)))
        if before is None:
            newest[change.key] = change
        elif applied:
            same = before.points == change.points
            newest[change.key] = change._replace(since_us=before.had_since_us if same else None)
        elif before.points != change.points and before.had_since_us <= change.modified_us:
            newest[change.key] = before._replace(since_us=None)
    if newest:
        await _STORE.each([change._asdict() for _, change in sorted(newest.items())])
    return effects


def wanted_below(user_id: str, course_id: str, usage_id: str, tree: Tree | None) -> Wanted:
    """The scores of which a block's grade may be made. *tree*: the course's; None where none is known."""
    named: tuple[str, ...] | None = None
    if tree is not None and usage_id in tree:
        below = tuple(islice(tree.below(usage_id), MAX_BY_NAME + 1))
        named = below if len(below) <= MAX_BY_NAME else None
    return user_id, course_id, named


async def read_wanted(wanted: Sequence[Wanted]) -> dict[Wanted, Scores]:
    """Scores, for several learners at once."""
    keys = {(user_id, course_id, usage_id) for user_id, course_id, usage_ids in wanted for usage_id in usage_ids or ()}
    stored = await _read_many(keys) if keys else {}
    whole = {(user_id, course_id) for user_id, course_id, usage_ids in wanted if usage_ids is None}
    courses = await _read_courses(whole) if whole else {}
    found: dict[Wanted, Scores] = {}
    for user_id, course_id, usage_ids in wanted:
        if usage_ids is None:
            found[user_id, course_id, None] = courses.get((user_id, course_id), {})
        else:
            scores = [stored[key] for usage_id in usage_ids if (key := (user_id, course_id, usage_id)) in stored]
            found[user_id, course_id, usage_ids] = {score.usage_id: score.points for score in scores}
    return found


async def _read_courses(learners: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Scores]:
    given = [{"user_id": user_id, "course_id": course_id} for user_id, course_id in learners]
    found: dict[tuple[str, str], Scores] = {}
    for row in await _READ_COURSES.rows(given=given):
        of_learner = found.setdefault((row["user_id"], row["course_id"]), {})
        of_learner[row["usage_id"]] = None if row["cleared"] else (row["points_earned"], row["points_possible"])
    return found


async def _read_many(keys: Iterable[ScoreKey]) -> dict[ScoreKey, ScoreChange]:
    given = [{"user_id": key[0], "course_id": key[1], "usage_id": key[2]} for key in keys]
    scores = [ScoreChange(**row) for row in await _READ_MANY.rows(given=given)]
    return {score.key: score for score in scores}


async def read_scores(user_id: str, course_id: str, usage_ids: Sequence[str] | None = None) -> Scores:
    """A learner's scores in a course; of *usage_ids* alone where they are given."""
    wanted = (user_id, course_id, None if usage_ids is None else tuple(usage_ids))
    return (await read_wanted([wanted]))[wanted]


async def read_dated_of(learners: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, DatedScore]]:
    """Of learners, each with a course, the scores there by usage id, with their times; without those who have none."""
    given = [{"user_id": user_id, "course_id": course_id} for user_id, course_id in learners]
    found: dict[tuple[str, str], dict[str, DatedScore]] = {}
    for row in await _READ_DATED_OF.rows(given=given) if given else []:
        whose = row.pop("user_id"), row.pop("course_id")
        found.setdefault(whose, {})[row["usage_id"]] = DatedScore(**row)
    return found

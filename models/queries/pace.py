"""How many attempts ended lately. Reads only; times are milliseconds since 1970."""

from dataclasses import dataclass
from itertools import pairwise

from models.db.sql import Statement


@dataclass(frozen=True, slots=True)
class Pace:
    """*numbers*: attempts in each step of *step* milliseconds from *since* to *until*, the oldest first."""

    since: int
    until: int
    numbers: tuple[int, ...]

    @property
    def step(self) -> int:
        return (self.until - self.since) // len(self.numbers)


# Ids ascend with the times but for what daemons write in the same moment, so that their difference is the number, give
# or take a few. To count a day of attempts would take seconds.
_FIRST = Statement(
    """
    SELECT place, (SELECT id FROM delivery WHERE at >= begins ORDER BY at LIMIT 1) AS first FROM {given}
    ORDER BY place""",
    given="place INT, begins BIGINT",
)
_LAST = Statement("SELECT COALESCE(MAX(id), 0) AS last FROM delivery")


async def read_pace(now: int, span: int, steps: int) -> Pace:
    """
    About how many attempts ended in each of *steps* equal parts of the last *span* milliseconds.

    A record that is deleted early, as with a retired learner, still counts.
    """
    since = now - span
    given = [{"place": place, "begins": since + place * span // steps} for place in range(steps)]
    rows, last = await _FIRST.rows(given=given), await _LAST.row()
    end = 1 + (0 if last is None else int(last["last"]))
    firsts = [end if row["first"] is None else int(row["first"]) for row in rows]
    return Pace(since, now, tuple(max(0, later - earlier) for earlier, later in pairwise([*firsts, end])))

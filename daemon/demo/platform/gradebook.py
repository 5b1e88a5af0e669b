"""What a platform holds: columns, grades with their times, and what it showed. Pure; times in microseconds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from daemon.demo.platform.rules import TimeDecision, TimeRule
from daemon.demo.platform.scores import SentScore

#: What a score that is taken changes: result and grade; both, to none; the result alone.
ScoreEffect = Literal["grade", "clear", "result"]


@dataclass(slots=True)
class GradebookColumn:
    """A line item. Its *path* has no query; *rule* replaces the gradebook's."""

    path: str
    context: str
    label: str = ""
    maximum: Decimal = Decimal(100)
    resource_id: str | None = None
    resource_link_id: str | None = None
    tag: str | None = None
    rule: TimeRule | None = None
    #: Why every score for it is refused, if it is: a key of :attr:`PlatformKind.refusals`.
    refusal: str | None = None
    #: How many submissions a learner may make; None: any number.
    attempts: int | None = None


@dataclass(slots=True)
class GradeCell:
    """One learner's grade in one column; *result* and *grade* are shares of the maximum."""

    #: What a tool reads.
    result: Decimal | None = None
    #: What people see.
    grade: Decimal | None = None
    #: The time that later scores are compared with.
    since: int | None = None
    by_hand: bool = False
    #: Submissions made by scores.
    submissions: int = 0


@dataclass(frozen=True, slots=True)
class ShownGrade:
    """From *at* on people saw this grade. *number*: of the request that changed it; None: a person did."""

    path: str
    user_id: str
    grade: Decimal | None
    at: int
    number: int | None


@dataclass(slots=True)
class Gradebook:
    """
    Columns by path and cells by (path, user id).

    *digits*: after the point, of the points that are kept; None: all.
    """

    rule: TimeRule = field(default_factory=TimeRule)
    digits: int | None = None
    columns: dict[str, GradebookColumn] = field(default_factory=dict)
    cells: dict[tuple[str, str], GradeCell] = field(default_factory=dict)
    #: Every change of what people see, in order.
    history: list[ShownGrade] = field(default_factory=list)
    #: Are handed every change of what people see.
    watchers: list[Callable[[ShownGrade], None]] = field(default_factory=list)

    def put(
        self, column: GradebookColumn, sent: SentScore, effect: ScoreEffect, *, now: int, number: int
    ) -> TimeDecision:
        """Take a score, or leave everything as it is."""
        rule = column.rule or self.rule
        cell = self.cells.get((column.path, sent.user_id), GradeCell())
        score = None if effect == "clear" else self._rounded(column, sent.share)
        decision = rule.decide(cell.result, cell.since, score, sent.timestamp, by_hand=cell.by_hand)
        if decision != "stored":
            return decision
        self.cells[column.path, sent.user_id] = cell
        same = score == cell.result
        cell.since = rule.time_to_keep(since=cell.since, timestamp=sent.timestamp, now=now, same_score=same)
        cell.submissions += bool(sent.new_submission)
        cell.result, cell.by_hand = score, False
        if effect != "result":
            self._show(column.path, sent.user_id, score, now, number)
        return decision

    def set_by_hand(self, path: str, user_id: str, grade: Decimal | str | None, *, now: int) -> None:
        """Have a person change a grade; None clears it."""
        self.put_unstamped(path, user_id, grade, now=now)
        self.cells[path, user_id].by_hand = True

    def put_unstamped(
        self, path: str, user_id: str, grade: Decimal | str | None, *, now: int, number: int | None = None
    ) -> None:
        """Take a grade that names no time: a person's, or one over LTI 1.1."""
        column = self.columns[path]
        cell = self.cells.setdefault((path, user_id), GradeCell())
        cell.result = self._rounded(column, None if grade is None else Decimal(grade))
        cell.by_hand = False
        rule = column.rule or self.rule
        if rule.hand_moves_time:
            cell.since = rule.rounded(now)
        self._show(path, user_id, cell.result, now, number)

    def grade(self, path: str, user_id: str) -> Decimal | None:
        """What people see: a share of the maximum, with the digits that came where ``scoreMaximum`` was 1."""
        cell = self.cells.get((path, user_id))
        return cell.grade if cell else None

    def _show(self, path: str, user_id: str, grade: Decimal | None, now: int, number: int | None) -> None:
        self.cells[path, user_id].grade = grade
        shown = ShownGrade(path, user_id, grade, now, number)
        self.history.append(shown)
        for watch in self.watchers:
            watch(shown)

    def _rounded(self, column: GradebookColumn, share: Decimal | None) -> Decimal | None:
        if share is None or self.digits is None:
            return share
        rounded = round(share * column.maximum, self.digits) / column.maximum
        return share if rounded == share else rounded

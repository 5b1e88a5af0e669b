"""Rules about time, without a server."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.demo.platform.gradebook import Gradebook, GradebookColumn
from daemon.demo.platform.rules import MICROS_PER_SECOND, TimeRule
from daemon.demo.platform.scores import SentScore

PATH, USER = "/column", "user-7"
SECOND = MICROS_PER_SECOND


def sent(score, timestamp):
    maximum = None if score is None else Decimal(1)
    return SentScore(USER, None if score is None else Decimal(score), maximum, timestamp, "Completed", "FullyGraded")


def gradebook(rule):
    return Gradebook(rule, columns={PATH: GradebookColumn(PATH, "1")})


def put(book, score, timestamp, now=0):
    return book.put(
        book.columns[PATH], sent(score, timestamp), "clear" if score is None else "grade", now=now, number=0
    )


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3 * SECOND)), max_size=12), st.sampled_from([1, 1000, SECOND])
)
def test_a_strict_platform_shows_the_first_of_the_latest_in_its_own_unit(scores, unit):
    book = gradebook(TimeRule(unit=unit))
    for score, timestamp in scores:
        put(book, f"0.{score}", timestamp)
    latest = max((timestamp // unit for _, timestamp in scores), default=0)
    wanted = next((Decimal(f"0.{score}") for score, timestamp in scores if timestamp // unit == latest), None)
    assert book.grade(PATH, USER) == wanted
    times = [shown.at for shown in book.history]
    assert len(times) <= len(scores)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8))
def test_a_platform_that_keeps_the_best_shows_the_highest(scores):
    book = gradebook(TimeRule(refuses_older=False, refuses_equal=False, keeps_best=True))
    decisions = [put(book, f"0.{score}", 0) for score in scores]
    assert book.grade(PATH, USER) == Decimal(f"0.{max(scores)}")
    assert set(decisions) <= {"stored", "kept"}


@pytest.mark.parametrize(
    ("rule", "since"),
    [
        (TimeRule(), 2_500_000),
        (TimeRule(unit=SECOND), 2 * SECOND),
        (TimeRule(unit=1000), 2_500_000),
        (TimeRule(keeps_arrival=True), 9_400_000),
        (TimeRule(unit=SECOND, keeps_arrival=True), 9 * SECOND),
        (TimeRule(equal_score_moves_time=False), 1_000_000),
    ],
    ids=["as sent", "seconds", "milliseconds", "arrival", "arrival in seconds", "not for an equal score"],
)
def test_what_is_kept_as_the_time_of_a_score(rule, since):
    book = gradebook(rule)
    put(book, "0.5", 1_000_000, now=1_000_000)
    put(book, "0.5", 2_500_000, now=9_400_000)
    assert book.cells[PATH, USER].since == since


@pytest.mark.parametrize(
    ("rule", "decision"),
    [
        (TimeRule(), "older"),
        (TimeRule(hand_moves_time=False), "stored"),
        (TimeRule(hand_is_final=True), "kept"),
    ],
    ids=["moves the time", "moves no time", "is final"],
)
def test_a_change_by_a_person(rule, decision):
    book = gradebook(rule)
    put(book, "0.5", 1 * SECOND)
    book.set_by_hand(PATH, USER, "0.9", now=5 * SECOND)
    assert put(book, "0.75", 3 * SECOND) == decision
    assert [str(shown.grade) for shown in book.history] == ["0.5", "0.9"] + ["0.75"] * (decision == "stored")


def test_a_cleared_grade_keeps_its_time_and_a_column_may_have_its_own_rule():
    book = gradebook(TimeRule())
    put(book, "0.5", 1 * SECOND)
    assert put(book, None, 2 * SECOND) == "stored"
    assert book.grade(PATH, USER) is None
    assert put(book, "0.5", 2 * SECOND) == "equal"
    book.columns[PATH].rule = TimeRule(refuses_equal=False)
    assert put(book, "0.5", 2 * SECOND) == "stored"

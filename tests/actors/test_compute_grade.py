"""The grade of a block and its text on the wire, with the numbers of the behaviour that the project started from."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.compute_grade import Grade, NoGrade, block_grade, wire_score
from models.course_tree import Tree

# a(b(d(h 2/5, i 3/5), e(j 0/1, k text, l 1/3), f(m text)), c(g(n 3/10)))
PARENTS = {"b": "a", "c": "a", "d": "b", "e": "b", "f": "b", "g": "c"}
PARENTS.update({"h": "d", "i": "d", "j": "e", "k": "e", "l": "e", "m": "f", "n": "g"})
POINTS_OF = {"h": 5.0, "i": 5.0, "j": 1.0, "l": 3.0, "n": 10.0}
TREE = Tree([("a", None, None), *((block, parent, POINTS_OF.get(block)) for block, parent in PARENTS.items())])
SCORES = {"h": (2.0, 5.0), "i": (3.0, 5.0), "j": (0.0, 1.0), "l": (1.0, 3.0), "n": (3.0, 10.0)}

# Intake quarantines what lies beyond these.
POINTS = st.floats(-1e12, 1e12)
POSSIBLE = st.floats(0, 1e12)


@pytest.mark.parametrize(
    ("block", "earned", "possible"),
    [("a", 9, 24), ("b", 6, 14), ("c", 3, 10), ("d", 5, 10), ("e", 1, 4), ("g", 3, 10), ("h", 2, 5), ("j", 0, 1)],
)
def test_a_block_is_worth_the_sum_of_the_scored_problems_at_and_below_it(block, earned, possible):
    assert block_grade(block, TREE, SCORES) == Grade(earned, possible)


# There the sums are 0/0 and a 0 is posted; here they are no grade, so that no 0 can be sent for them.
@pytest.mark.parametrize("block", ["f", "m", "k"])
def test_a_block_without_a_scored_problem_is_no_zero_but_no_grade(block):
    assert block_grade(block, TREE, SCORES) is NoGrade.NOTHING_ATTEMPTED


@pytest.mark.parametrize("block", ["a", "b", "c", "d", "e", "f", "h", "m"])
def test_a_learner_who_attempted_nothing_below_the_block_has_no_grade(block):
    assert block_grade(block, TREE, {}) is NoGrade.NOTHING_ATTEMPTED
    assert block_grade(block, TREE, {"elsewhere": (1.0, 1.0)}) is NoGrade.NOTHING_ATTEMPTED


@pytest.mark.parametrize(
    ("scores", "grade"),
    [({"h": (2.0, 5.0)}, Grade(2, 10)), ({"i": (3.0, 5.0)}, Grade(3, 10)), ({"h": (0.0, 5.0)}, Grade(0, 10))],
)
def test_problems_not_attempted_count_in_possible(scores, grade):
    assert block_grade("d", TREE, scores) == grade


def test_an_attempted_problem_counts_its_own_possible_and_not_the_trees():
    assert block_grade("d", TREE, {"h": (2.0, 20.0)}) == Grade(2, 25)


def test_an_attempted_block_that_the_tree_does_not_score_counts_too():
    assert block_grade("e", TREE, {"k": (1.0, 2.0)}) == Grade(1, 6)


@pytest.mark.parametrize("scores", [{"h": None}, {"h": None, "i": None}, {"h": None, "n": (1.0, 2.0)}])
@pytest.mark.parametrize("block", ["h", "d", "b"])
def test_where_all_that_was_attempted_below_the_block_was_taken_back_there_is_no_score_left(block, scores):
    assert block_grade(block, TREE, scores) is NoGrade.CLEARED


def test_a_score_that_was_taken_back_counts_as_not_attempted():
    assert block_grade("d", TREE, {"h": None, "i": (3.0, 4.0)}) == Grade(3, 9)
    assert block_grade("e", TREE, {"k": None, "l": (1.0, 3.0)}) == Grade(1, 4)
    assert block_grade("g", TREE, {"h": None}) is NoGrade.NOTHING_ATTEMPTED


@pytest.mark.parametrize("tree", [None, TREE])
def test_of_a_block_in_no_known_structure_only_its_own_score_is_known_to_be_taken_back(tree):
    assert block_grade("elsewhere", tree, {"elsewhere": None, "h": (2.0, 5.0)}) is NoGrade.CLEARED
    assert block_grade("elsewhere", tree, {"h": None}) is NoGrade.UNKNOWN_BLOCK


@pytest.mark.parametrize("tree", [None, TREE])
def test_a_block_in_no_structure_that_is_known_is_no_zero_but_waits_unless_it_has_a_score_itself(tree):
    assert block_grade("elsewhere", tree, {"h": (2.0, 5.0)}) is NoGrade.UNKNOWN_BLOCK
    assert block_grade("elsewhere", tree, {"elsewhere": (2.0, 5.0)}) == Grade(2, 5)
    assert block_grade("elsewhere", tree, {}) is NoGrade.NOTHING_ATTEMPTED


def test_sums_are_not_rounded():
    tree = Tree([("root", None, None), *((f"p{number}", "root", 0.1) for number in range(10))])
    scores = {f"p{number}": (0.1, 0.1) for number in range(10)}
    assert block_grade("root", tree, scores) == Grade(1.0, 1.0)
    assert block_grade("d", TREE, {"h": (1 / 3, 5.0), "i": (1e-9, 5.0)}) == Grade(1 / 3 + 1e-9, 10)


@pytest.mark.parametrize(
    ("earned", "possible", "text"),
    [
        (2, 2, "1"),
        (1, 2, "0.5"),
        (0, 5, "0"),
        (-0.0, 5, "0"),
        (2, 0, "0"),
        (0, 0, "0"),
        (1, 3, "0.333333"),
        (2, 3, "0.666667"),
        (1, 4, "0.25"),
        (9, 24, "0.375"),
        (6, 14, "0.428571"),
        (1, 16, "0.0625"),
        (9999, 10_000, "0.9999"),
        (1, 1e5, "0.00001"),
        (1e-5, 1, "0.00001"),
        (1e-6, 1, "0.000001"),
        (1e-7, 1, "0"),
        (5e-324, 1e12, "0"),
        (10_000_000 - 1, 10_000_000, "1"),
        (1e12, 1e12, "1"),
    ],
)
def test_what_is_sent_is_earned_over_possible_in_fixed_point_and_zero_when_nothing_is_possible(earned, possible, text):
    assert wire_score(Grade(earned, possible)) == (text, False)


@pytest.mark.parametrize(
    ("earned", "possible", "text"),
    [(6, 5, "1"), (1e12, 5e-324, "1"), (-1, 5, "0"), (-1e-6, 1, "0"), (1.000001, 1, "1")],
)
def test_a_value_above_one_or_below_zero_is_clamped_and_flagged(earned, possible, text):
    assert wire_score(Grade(earned, possible)) == (text, True)


@pytest.mark.parametrize(
    ("earned", "possible", "text"),
    [(0.1 + 0.2, 0.3, "1"), (-1e-9, 5, "0"), (1.000000001, 1, "1"), (1.0000004, 1, "1"), (-0.0, 1, "0")],
)
def test_what_differs_by_less_than_is_written_is_not_clamped(earned, possible, text):
    assert wire_score(Grade(earned, possible)) == (text, False)


@given(POINTS, POSSIBLE)
def test_the_text_is_always_a_plain_decimal_within_zero_to_one(earned, possible):
    text, clamped = wire_score(Grade(earned, possible))
    assert re.fullmatch(r"(0|1|0\.\d{1,6})", text)
    assert clamped == (possible != 0 and not 0 <= float(f"{earned / possible:.6f}") <= 1)


@given(st.dictionaries(st.sampled_from(sorted(TREE.possible)), st.tuples(POINTS, POSSIBLE), min_size=1))
def test_whatever_was_attempted_the_course_has_a_grade_that_can_be_sent(scores):
    grade = block_grade("a", TREE, scores)
    assert isinstance(grade, Grade)
    assert re.fullmatch(r"(0|1|0\.\d{1,6})", wire_score(grade)[0])

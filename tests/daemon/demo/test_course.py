import json
from fractions import Fraction

import pytest

from daemon.demo.course import COURSE_ID, Block, Points, earned_in, example_course, structure_event

TREE = Block(
    "a",
    children=(
        Block(
            "b",
            children=(
                Block("d", children=(Block("h", 5), Block("i", 5))),
                Block("e", children=(Block("j", 1), Block("k"), Block("l", 3))),
                Block("f", children=(Block("m"),)),
            ),
        ),
        Block("c", children=(Block("g", children=(Block("n", 10),)),)),
    ),
)
TRIED = {
    name: Points(Fraction(earned), Fraction(possible))
    for name, earned, possible in [("h", 2, 5), ("i", 3, 5), ("j", 0, 1), ("l", 1, 3), ("n", 3, 10)]
}


@pytest.mark.parametrize(
    ("name", "earned", "possible"),
    [
        ("a", 9, 24),
        ("b", 6, 14),
        ("c", 3, 10),
        ("d", 5, 10),
        ("e", 1, 4),
        ("f", 0, 0),
        ("g", 3, 10),
        ("h", 2, 5),
        ("m", 0, 0),
    ],
)
def test_the_points_of_a_block_are_those_of_the_problems_below_it(name, earned, possible):
    block = next(block for block in TREE.walk() if block.usage_id == name)
    assert earned_in(block, TRIED) == Points(Fraction(earned), Fraction(possible))


def test_a_problem_that_nobody_tried_counts_in_full_as_possible():
    assert earned_in(TREE, {"h": Points(Fraction(2), Fraction(5))}) == Points(Fraction(2), Fraction(24))


def test_an_attempted_problem_counts_what_it_was_possible_to_earn_when_it_was_tried():
    assert earned_in(TREE, {"n": Points(Fraction(3), Fraction(20))}).possible == 34


def test_where_nothing_can_be_earned_the_share_is_zero():
    assert earned_in(Block("m"), {}).share == 0


def test_a_share_is_exact():
    assert Points(Fraction(1), Fraction(3)).share == Fraction(1, 3)


def test_the_structure_event_holds_every_block_under_its_parent():
    event = structure_event("course", TREE, version=7)
    blocks = {block["usage_id"]: block for block in json.loads(event["blocks"])}
    assert (event["type"], event["course_id"], event["version"]) == ("course.structure", "course", "7")
    assert len(blocks) == len(list(TREE.walk()))
    assert blocks["a"]["parent"] is None
    assert blocks["h"] == {"usage_id": "h", "parent": "d", "points_possible": 5}
    assert "points_possible" not in blocks["k"]


def test_the_example_course_has_three_levels_above_its_problems_and_unique_usage_keys():
    course = example_course()
    problem = course.children[0].children[0].children[0].children[1]
    keys = [block.usage_id for block in course.walk()]
    assert problem.points is not None
    assert len(set(keys)) == len(keys)
    assert all(key.startswith("block-v1:ExampleU+PHYS101+2026+type@") for key in keys)
    assert COURSE_ID == "course-v1:ExampleU+PHYS101+2026"


def test_the_example_course_is_the_same_in_every_run():
    assert example_course() == example_course()

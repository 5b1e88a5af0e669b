import json
from fractions import Fraction

import pytest

from daemon.demo.course import COURSE_ID, Course, DemoBlock, example_course, structure_event

COURSE = Course(
    (
        DemoBlock("course", None),
        DemoBlock("chapter", "course"),
        DemoBlock("unit", "chapter"),
        DemoBlock("text", "unit"),
        DemoBlock("easy", "unit", 5),
        DemoBlock("hard", "unit", 2.5),
        DemoBlock("other unit", "chapter"),
        DemoBlock("aside", "other unit", 2.5),
    )
)


@pytest.mark.parametrize(
    ("usage_id", "earned", "share"),
    [
        ("course", {"easy": 5, "hard": 2.5, "aside": 2.5}, 1),
        ("chapter", {"easy": 3, "aside": 2}, Fraction(1, 2)),
        ("unit", {"easy": 5}, Fraction(2, 3)),
        ("unit", {"easy": 0}, 0),
        ("easy", {"easy": 1}, Fraction(1, 5)),
        ("unit", {"aside": 1}, None),
        ("hard", {}, None),
        ("text", {"easy": 1}, None),
    ],
)
def test_a_score_is_earned_over_possible_of_the_problems_below_and_none_where_nothing_was_attempted(
    usage_id, earned, share
):
    assert COURSE.share(usage_id, {name: Fraction(points) for name, points in earned.items()}) == share


def test_the_structure_event_holds_every_block_under_its_parent():
    event = structure_event(COURSE)
    blocks = {block["usage_id"]: block for block in json.loads(event["blocks"])}
    assert (event["type"], event["course_id"]) == ("course.structure", COURSE_ID)
    assert set(blocks) == {block.usage_id for block in COURSE.blocks}
    assert blocks["course"] == {"usage_id": "course", "parent": None}
    assert blocks["hard"] == {"usage_id": "hard", "parent": "unit", "points_possible": 2.5}


def test_the_example_course_is_the_same_in_every_run_and_its_usage_ids_differ():
    course = example_course()
    ids = [block.usage_id for block in course.blocks]
    assert course == example_course()
    assert len(set(ids)) == len(ids)
    assert all(one.startswith("block-v1:ExampleU+PHYS101+2026+type@") for one in ids)

from fractions import Fraction

import pytest

from daemon.demo.course import Course, DemoBlock, example_course

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


def test_the_example_course_is_the_same_in_every_run_and_its_usage_ids_differ():
    course = example_course()
    ids = [block.usage_id for block in course.blocks]
    assert course == example_course()
    assert len(set(ids)) == len(ids)
    assert all(one.startswith("block-v1:ExampleU+PHYS101+2026+type@") for one in ids)

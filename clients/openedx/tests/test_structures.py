"""Trees, as passbackd gets them, out of the platform's collected structures."""

from site_of_tests import COURSE, block, unit_with

from openedx_passbackd.structures import blocks, digest, is_restricted, scored


def test_only_scored_problems_and_what_is_above_them_are_sent() -> None:
    structure = unit_with(("p1", 4.0, 2.0), ("p2", 3.0, None), ("zero", 0.0, 5.0), ("unknown", None, 1.0))  # type: ignore[arg-type]
    unit = block("vertical", "unit")
    structure.add(block("video", "film"), unit, has_score=False)
    structure.add(block("vertical", "empty"), block("sequential", "section"))
    assert blocks(structure, COURSE) == [
        {"usage_id": str(block("course", "course")), "parent": None},
        {"usage_id": str(block("sequential", "section")), "parent": str(block("course", "course"))},
        {"usage_id": str(unit), "parent": str(block("sequential", "section"))},
        {"usage_id": str(block("problem", "p1")), "parent": str(unit), "points_possible": 2.0},
        {"usage_id": str(block("problem", "p2")), "parent": str(unit), "points_possible": 3.0},
        {"usage_id": str(block("problem", "zero")), "parent": str(unit), "points_possible": 0.0},
    ]


def test_what_only_staff_see_is_left_out_with_all_below() -> None:
    structure = unit_with(("p1", 1.0, None))
    section = block("sequential", "section")
    hidden = structure.add(block("vertical", "hidden"), section, visible_to_staff_only=True)
    grades = {"grades": {"max_score": 1.0}}
    structure.add(block("problem", "below"), hidden, has_score=True, transformers=grades)
    merged = {**grades, "visibility": {"merged_visible_to_staff_only": True}}
    structure.add(block("problem", "merged"), block("vertical", "unit"), has_score=True, transformers=merged)
    # Shown elsewhere too: its first parent that learners see is taken.
    structure.add(block("problem", "shared"), hidden, has_score=True, transformers=grades)
    structure.add(block("problem", "shared"), block("vertical", "unit"))
    tree = blocks(structure, COURSE)
    assert set(scored(tree)) == {str(block("problem", "p1")), str(block("problem", "shared"))}
    assert tree[-1]["parent"] == str(block("vertical", "unit"))


class Access:
    """As the platform's: whether the groups that a learner is in, by partition, are among the allowed ones."""

    def __init__(self, **allowed: set[int]) -> None:
        self._allowed = allowed

    def check_group_access(self, user_groups: dict[str, int]) -> bool:
        return all(user_groups.get(partition) in groups for partition, groups in self._allowed.items())


def test_a_course_with_something_for_some_groups_alone_is_recognised() -> None:
    structure = unit_with(("p1", 1.0, None))
    assert not is_restricted(structure)
    unit = block("vertical", "unit")
    structure.add(block("problem", "all"), unit, transformers={"user_partitions": {"merged_group_access": Access()}})
    assert not is_restricted(structure)
    structure.add(
        block("problem", "some"), unit, transformers={"user_partitions": {"merged_group_access": Access(cohort={1})}}
    )
    assert is_restricted(structure)


def test_ids_have_no_branch_and_no_version() -> None:
    plain = unit_with(("p1", 1.0, None))
    branched = COURSE.for_branch("published-branch")
    structure = type(plain)(branched.make_usage_key("course", "course"))
    grades = {"grades": {"max_score": 1.0}}
    structure.add(
        branched.make_usage_key("problem", "p1"), structure.root_block_usage_key, has_score=True, transformers=grades
    )
    assert [b["usage_id"] for b in blocks(structure, COURSE)] == [
        str(block("course", "course")),
        str(block("problem", "p1")),
    ]


def test_a_course_without_problems_is_its_root_alone() -> None:
    tree = blocks(unit_with(), COURSE)
    assert tree == [{"usage_id": str(block("course", "course")), "parent": None}]
    assert digest(tree) != digest(blocks(unit_with(("p1", 1.0, None)), COURSE))

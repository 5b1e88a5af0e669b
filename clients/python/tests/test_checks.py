"""What cannot be made is named by its field and with the reason."""

from datetime import UTC, datetime, timedelta

import pytest

from passbackd_client import (
    AssignmentDisabledLti13,
    Block,
    CourseStructure,
    InvalidEventError,
    LaunchLti11,
    LaunchLti13,
    ScoreChanged,
)

NAIVE = datetime.now(UTC).replace(tzinfo=None)
SCORE = {"user_id": "42", "course_id": "c", "usage_id": "p", "points_earned": 1, "points_possible": 2}
LAUNCH = {
    "oauth_consumer_key": "key",
    "user_id": "42",
    "course_id": "c",
    "usage_id": "p",
    "lis_result_sourcedid": "s",
    "lis_outcome_service_url": "https://lms.example/o",
}
PLATFORM = {"issuer": "https://lms.example", "client_id": "c", "lti_user_id": "sub"}
LAUNCH_13 = {**PLATFORM, "user_id": "42", "course_id": "c", "usage_id": "p"}
STRUCTURE = {"course_id": "c", "version": 1}


def block(usage_id, parent=None, **points):
    return Block(usage_id=usage_id, parent=parent, **points)


@pytest.mark.parametrize(
    ("made", "given", "field", "words"),
    [
        (ScoreChanged, SCORE | {"user_id": 42}, "user_id", "user_id is not text: int"),
        (ScoreChanged, SCORE | {"user_id": ""}, "user_id", "user_id is empty"),
        (ScoreChanged, SCORE | {"usage_id": "é" * 256}, "usage_id", "longer than 255 characters"),
        (ScoreChanged, SCORE | {"usage_id": "a\0"}, "usage_id", "holds a NUL character"),
        (ScoreChanged, SCORE | {"usage_id": "\ud83d"}, "usage_id", "half of a character"),
        (ScoreChanged, SCORE | {"points_earned": float("nan")}, "points_earned", "not a finite number: nan"),
        (ScoreChanged, SCORE | {"points_earned": True}, "points_earned", "not a number: bool"),
        (ScoreChanged, SCORE | {"points_earned": "1"}, "points_earned", "not a number: str"),
        (ScoreChanged, SCORE | {"points_earned": -(10**400)}, "points_earned", "beyond 1e\\+12"),
        (ScoreChanged, SCORE | {"points_possible": -0.5}, "points_possible", "is negative: -0.5"),
        (ScoreChanged, SCORE | {"modified": NAIVE}, "modified", "no time zone: 20"),
        (ScoreChanged, SCORE | {"modified": "2026-03-02"}, "modified", "not a datetime: str"),
        (ScoreChanged, SCORE | {"modified": datetime.now(UTC) + timedelta(hours=2)}, "modified", "an hour ahead"),
        (LaunchLti11, LAUNCH | {"lis_outcome_service_url": ""}, "lis_outcome_service_url", "absent beside a sourcedid"),
        (LaunchLti11, LAUNCH | {"lis_outcome_service_url": "lms/o"}, "lis_outcome_service_url", "not a whole http"),
        (LaunchLti11, LAUNCH | {"lis_outcome_service_url": "https://u:p@h/"}, "lis_outcome_service_url", "a user name"),
        (LaunchLti11, LAUNCH | {"lis_outcome_service_url": "https://h/a b"}, "lis_outcome_service_url", "white space"),
        (LaunchLti11, LAUNCH | {"lis_outcome_service_url": "https://[h/"}, "lis_outcome_service_url", "is malformed"),
        (LaunchLti11, LAUNCH | {"lis_result_sourcedid": "s" * 8193}, "lis_result_sourcedid", "longer than 8192"),
        (LaunchLti13, LAUNCH_13 | {"lineitem": "https://h/" + "i" * 2048}, "lineitem", "longer than 2048 characters"),
        (LaunchLti13, LAUNCH_13 | {"scopes": "score"}, "scopes", "no list of texts: str"),
        (LaunchLti13, LAUNCH_13 | {"scopes": ["score"]}, "scopes", "'score', which is no whole scope"),
        (LaunchLti13, LAUNCH_13 | {"scopes": [f"urn:{at}" for at in range(999)]}, "scopes", "longer than 4096"),
        (AssignmentDisabledLti13, PLATFORM, "lineitem", "lineitem is absent, and so is lineitems with"),
        (AssignmentDisabledLti13, PLATFORM | {"lineitems": "https://h/i"}, "lineitem", "so is lineitems with resource"),
        (CourseStructure, STRUCTURE | {"version": True, "blocks": [block("c")]}, "version", "not an integer: bool"),
        (CourseStructure, STRUCTURE | {"version": 2**63, "blocks": [block("c")]}, "version", "does not fit 64 bits"),
        (CourseStructure, STRUCTURE | {"blocks": []}, "blocks", "blocks is empty: a course has a root"),
        (CourseStructure, STRUCTURE | {"blocks": None}, "blocks", "no list of blocks: NoneType"),
        (CourseStructure, STRUCTURE | {"blocks": [{"usage_id": "c"}]}, "blocks", "what is no Block: dict"),
        (CourseStructure, STRUCTURE | {"blocks": [block("c"), block("c")]}, "blocks", "comes twice"),
        (CourseStructure, STRUCTURE | {"blocks": [block("c"), block("d")]}, "blocks", "exactly one .* not 2"),
        (CourseStructure, STRUCTURE | {"blocks": [block("c"), block("d", "e")]}, "blocks", "'e' is not among"),
        (CourseStructure, STRUCTURE | {"blocks": [block("c"), block("d", "e"), block("e", "d")]}, "blocks", "a cycle"),
        (Block, {"usage_id": "p", "points_possible": -1}, "points_possible", "is negative"),
    ],
)
def test_what_passbackd_would_refuse_cannot_be_made(made, given, field, words):
    with pytest.raises(InvalidEventError, match=words) as caught:
        made(**given)
    assert caught.value.field == field
    assert isinstance(caught.value, ValueError)


def test_the_blocks_of_a_course_are_at_most_8_mib():
    root, name = block("c"), "b" * 240
    blocks = [block(f"{name}{number}", "c", points_possible=1) for number in range(27_000)]
    CourseStructure(course_id="c", version=1, blocks=[root, *blocks])
    more = [block(f"{name}{number}", "c", points_possible=1) for number in range(32_000)]
    with pytest.raises(InvalidEventError, match="blocks is larger than 8388608 bytes"):
        CourseStructure(course_id="c", version=1, blocks=[root, *more])


def test_a_course_may_be_deep():
    names = [str(number) for number in range(30_000)]
    blocks = [block(name, above) for name, above in zip(names, [None, *names], strict=False)]
    assert len(CourseStructure(course_id="c", version=1, blocks=reversed(blocks)).blocks) == 30_000
    with pytest.raises(InvalidEventError, match="a cycle"):
        CourseStructure(course_id="c", version=1, blocks=[*blocks[1:], block("0", "29999"), block("root")])

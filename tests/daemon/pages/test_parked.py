"""The page of parked grades says what the command says, and sends exactly one group again."""

import pytest

from daemon.infra.text import counted, past, printable
from daemon.pages.parked import MAX_SHOWN_REASONS
from daemon.why.advice import PEOPLE, about_parked
from models.action import actions
from models.assignment import GradedAssignment
from models.queries.parked import read_parked
from tests.conftest import shared_url
from tests.daemon.pages.conftest import HOSTILE
from tests.daemon.why.story import NOW, TERMS
from tests.models.rows import make_assignment, make_service, read_rows

__all__ = ["shared_url"]

DEAD = "HTTP 200, failure: SourcedId hash not valid"


def parked(reason="course has ended", scope="course", at=NOW - 90_000, **more):
    return {"parked_at": at, "parked_reason": reason, "parked_scope": scope, **more}


async def nothing():
    await make_assignment()


async def one_group():
    await make_assignment(**parked())
    await make_assignment(**parked(at=NOW - 10**9))


async def several_groups():
    for number in range(3):
        await make_assignment(**parked(at=NOW - 10**8 * (number + 1), course_id=f"course {number}"))
    await make_assignment(**parked(course_id="course 1"))
    await make_assignment(**parked("HTTP 404", "campus"))
    await make_assignment(**parked("not enrolled", "learner"))
    await make_assignment(**parked(disabled_at=5))
    await make_assignment()


async def several_campuses():
    for service in (await make_service(), await make_service("other"), await make_service(url="https://b.example/")):
        await make_assignment(service, **parked())


async def sourcedids_that_are_dead():
    await make_assignment(**parked(DEAD, "learner"))


async def hostile():
    await make_assignment(**parked(HOSTILE, course_id=HOSTILE, user_id=HOSTILE, usage_id=HOSTILE))
    await make_assignment(await make_service(f"a {HOSTILE}"[:60]), **parked(HOSTILE))


TABLES = [nothing, one_group, several_groups, several_campuses, sourcedids_that_are_dead, hostile]


def assert_says(words, groups):
    """Every figure and word of the groups, as JSON, is in the words of the page."""
    for group in groups:
        in_course = f"{group['number']} in course {printable(group['course_id'])}"
        assert " ".join(f"{in_course}, for example assignment {group['example']}".split()) in words
        advice = about_parked(group["reason"], group["scope"], protocol=group["protocol"])
        assert " ".join(f"Who has to act: {PEOPLE[advice.who]}. {advice.words}".split()) in words
        of_reason = [one for one in groups if all(one[name] == group[name] for name in ("consumer_key", "origin",
                     "scope", "reason"))]  # fmt: skip
        head = (
            f"{counted(sum(one['number'] for one in of_reason), 'grade')} at {printable(group['consumer'])} "
            f"({printable(group['origin'])}) since {past(min(one['ms'] for one in of_reason), TERMS.zone)}: "
            f"{printable(group['reason'])}"
        )
        assert " ".join(head.split()) in words


@pytest.mark.parametrize("fill", TABLES, ids=lambda fill: fill.__name__)
async def test_the_page_says_what_the_command_says(anna, command, fill):
    await fill()
    groups, since = await command("parked", "--json"), {one.example: one.since for one in await read_parked()}
    assert (await anna.get("/parked"))[0] == 200
    assert_says(anna.words, [{**group, "ms": since[group["example"]]} for group in groups])
    assert len(anna.page.xpath("//main//li")) == len(groups)
    assert ("Nothing is parked." in anna.words) is (not groups)


@pytest.mark.parametrize(
    ("asked", "options"),
    [
        ({"consumer": "other"}, ["--consumer", "other"]),
        ({"course": "course 1"}, ["--course", "course 1"]),
        ({"scope": "learner"}, ["--scope", "learner"]),
        ({"scope": "course", "course": "course 2", "consumer": "key"}, ["--course", "course 2", "--scope", "course"]),
        ({"course": "of no one"}, ["--course", "of no one"]),
    ],
)
async def test_filters_narrow_the_page_down_as_they_do_the_command(anna, command, asked, options):
    await several_groups()
    await make_assignment(await make_service("other"), **parked(course_id="elsewhere"))
    groups = await command("parked", "--json", *options)
    await anna.get("/parked", params=asked)
    examples = [link.text_content() for link in anna.page.xpath("//main//li/a[starts-with(@href, '/assignments/')]")]
    assert sorted(examples) == sorted(f"assignment {group['example']}" for group in groups)
    for name, value in asked.items():
        fields = anna.page.xpath(
            f"//form//input[@name='{name}']/@value | //select[@name='{name}']/option[@selected]/@value"
        )
        assert fields == [value]


@pytest.mark.parametrize(("number", "whom"), [(1, "this learner"), (2, "each of these learners")])
async def test_what_concerns_single_learners_is_said_of_each(anna, command, number, whom):
    service = await make_service()
    reason = "HTTP 200, failure: user is not enrolled"
    for one in range(number):
        columns = {"parked_at": 1, "parked_scope": "learner", "parked_reason": reason}
        await make_assignment(service, user_id=f"learner-{one}", **columns)
    words = f"This concerns {whom} alone: "
    await anna.get("/parked")
    assert words in anna.words
    await anna.follow(f"{number} in course course")
    assert words in anna.words


async def test_a_key_that_is_not_known_is_an_error(anna):
    await one_group()
    status, _ = await anna.get("/parked", params={"consumer": "kye"})
    assert status == 404
    assert "There is no campus with the key 'kye'." in anna.words
    assert "course has ended" not in anna.words


@pytest.mark.parametrize(
    "query", ["course=%00", "scope=x", "consumer=" + "a" * 3000, "course=" + "a" * 9000, "course=%ED%A0%80"]
)
async def test_junk_in_a_filter_is_answered_with_words(anna, query):
    status, text = await anna.get(f"/parked?{query}")
    assert status in (200, 400, 404)
    assert "failed (" not in text


async def test_no_more_than_the_largest_groups_are_shown(anna):
    for number in range(MAX_SHOWN_REASONS + 2):
        await make_assignment(**parked(f"reason {number}"))
    await anna.get("/parked")
    assert len(anna.page.xpath("//main//li")) == MAX_SHOWN_REASONS
    assert "there are more" in anna.words


# --- Sending a group again ---


async def neighbours():
    """Grades of which each differs in one thing from those of the group of two; the ids of these."""
    group = [await make_assignment(**parked()), await make_assignment(**parked(at=NOW - 7))]
    for other in (
        parked(course_id="other"),
        parked(scope="campus"),
        parked("course has ended."),
        parked("Course has ended"),
        parked(disabled_at=5),
        {"sent_version": 1},
        {},
    ):
        await make_assignment(**other)
    await make_assignment(await make_service("other"), **parked())
    await make_assignment(await make_service(url="https://b.example/"), **parked())
    return group


async def to_the_group(browser, number=2):
    """The page of the group of two."""
    await browser.get("/parked")
    where = "//article[.//a[normalize-space()='2 in course course']]"
    assert number is None or len(browser.page.xpath(where)) == 1
    status, _ = await browser.follow("2 in course course")
    assert status == 200


async def test_exactly_the_group_is_sent_again(anna):
    group = await neighbours()
    before = {row["id"]: row for row in await read_rows()}
    await to_the_group(anna)
    assert "2 grades would be sent again" in anna.words
    assert {row["id"]: row for row in await read_rows()} == before, "looking changes nothing"
    status, _ = await anna.change("/parked/resend")
    assert status == 200
    assert "2 of 2 grades are marked to be sent again, as soon as the campus can take it." in anna.words
    after = {row["id"]: row for row in await read_rows()}
    assert [row_id for row_id in after if after[row_id] != before[row_id]] == group
    for row_id in group:
        assert (after[row_id]["parked_at"], after[row_id]["version_number"]) == (None, 2)
    (action,) = await actions()
    assert (action["account"], action["command"], action["counts"]) == (
        "anna (web)",
        "resend",
        {"matched": 2, "marked": 2},
    )
    assert action["selection"] == {
        "consumer": "key", "origin": "https://campus.example:443", "course": "course", "parked": True,
        "scope": "course", "example": group[0],
    }  # fmt: skip


@pytest.mark.parametrize("scope", ["learner", "course", "campus"])
async def test_what_a_campus_says_is_not_kept_in_the_record(anna, scope):
    await make_assignment(**parked("Ada Lovelace is not enrolled", scope))
    await anna.get("/parked")
    await anna.follow("1 in course course")
    await anna.change("/parked/resend")
    (action,) = await actions()
    assert action["counts"] == {"matched": 1, "marked": 1}
    assert "Ada" not in str(action)


async def test_a_group_with_hostile_words_is_sent_again(anna):
    await hostile()
    _, text = await anna.get("/parked")
    assert "<script>alert" not in text
    assert not {"\x1b", "\u202e", "\u2028"} & set(text)
    link = next(link for link in anna.page.xpath("//li/a/@href") if link.startswith("/parked/group"))
    _, text = await anna.get(link)
    assert "<script>alert" not in text
    assert not {"\x1b", "\u202e", "\u2028"} & set(text)
    await anna.change("/parked/resend")
    assert await GradedAssignment.filter(parked_at=None).count() == 1


async def test_a_group_that_was_sent_meanwhile_is_not_sent_twice(anna):
    await neighbours()
    await to_the_group(anna)
    first = anna.page
    await anna.change("/parked/resend")
    before, anna.page = await read_rows(), first
    status, _ = await anna.change("/parked/resend")
    assert status == 409
    assert await read_rows() == before
    assert len(await actions()) == 1


@pytest.mark.parametrize("column", ["parked_reason", "parked_scope", "course_id"])
async def test_a_group_that_is_another_one_by_now_is_left_alone(anna, column):
    group = await neighbours()
    await to_the_group(anna)
    await GradedAssignment.filter(id__in=group).update(**{column: "campus"})
    before = await read_rows()
    assert (await anna.change("/parked/resend"))[0] == 409
    assert await read_rows() == before
    assert await actions() == []


@pytest.mark.parametrize("fields", [{}, {"example": "x"}, {"example": "1"}, {"example": "-1"}, {"example": "9" * 30},
                                    {"example": "1", "group": ""}, {"example": "1", "group": "0" * 24}])  # fmt: skip
async def test_a_form_that_is_not_whole_changes_nothing(anna, fields):
    await make_assignment(**parked())
    before = await read_rows()
    await anna.get("/")
    status, _ = await anna.post("/parked/resend", **fields)
    assert status in (400, 409)
    assert (await read_rows(), await actions()) == (before, [])
    status, _ = await anna.get("/parked/group", params=fields)
    assert status in (400, 409)


async def test_support_looks_at_a_group_and_has_no_button(anna, ben):
    await neighbours()
    await to_the_group(ben)
    assert ben.actions == []
    before = await read_rows()
    await to_the_group(anna)
    assert anna.actions == ["/parked/resend"]
    fields = {one.get("name"): one.get("value") for one in anna.page.xpath("//main//input[@type='hidden']")}
    del fields["token"]
    assert (await ben.post("/parked/resend", **fields))[0] == 403
    assert await read_rows() == before


async def test_where_no_resend_helps_there_is_no_button(anna):
    await sourcedids_that_are_dead()
    await anna.get("/parked")
    await anna.follow("1 in course course")
    assert anna.actions == []
    assert "only a new launch of the activity by the learner helps" in anna.words

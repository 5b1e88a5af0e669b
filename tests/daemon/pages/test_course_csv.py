"""The file of a course's grades: every row that the page would show, and nothing that a spreadsheet would run."""

import csv
import io

import pytest

from daemon.infra.text import iso
from daemon.pages.course_csv import HEADINGS, csv_text, harmless
from models.db.sql import CHUNK
from tests.daemon.pages.conftest import HOSTILE
from tests.daemon.pages.course import CLEAN, OF_STATE, PARKED, UNIT, learner, learners, one_in_each_state
from tests.models.rows import make_assignment, make_service


async def rows_of(browser, **asked):
    """The file's rows, each a dictionary by heading."""
    status, text = await browser.get("/activities.csv", params=asked)
    assert status == 200
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


async def test_a_row_says_what_the_page_says(ben):
    await one_in_each_state()
    rows = await rows_of(ben, **UNIT)
    await ben.get("/activities", params=UNIT)
    shown = learners(ben)
    assert [row["assignment"] for row in rows] == [row["assignment"] for row in shown]
    for row, seen in zip(rows, shown, strict=True):
        for name in ("learner", "campus", "state", "score", "who has to act", "reason"):
            assert row[name] == seen[name]
        assert row["learner at the campus"] == seen["at the campus"]
        assert row["per cent"] == seen["per cent"].removesuffix(" %")
        assert (row["course"], row["activity"], row["campus key"]) == ("physics", "unit 3", "key")
    assert rows[0]["acknowledged"] == iso(CLEAN["sent_at"])
    assert rows[0]["acknowledged"].endswith("Z")


async def test_the_answer_is_a_file_that_no_one_keeps_a_copy_of(ben):
    await learner(1)
    await ben.get("/activities.csv", params=UNIT)
    headers = ben.answer.headers
    assert headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert headers["Content-Disposition"] == 'attachment; filename="passbackd-grades.csv"'
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert headers["Transfer-Encoding"] == "chunked"


async def test_the_page_leads_to_the_file_of_its_filter(ben):
    await one_in_each_state()
    await ben.get("/activities", params={**UNIT, "state": "parked", "consumer": "key"})
    _, text = await ben.follow("1 grade as a file (CSV)")
    assert [row["state"] for row in csv.DictReader(io.StringIO(text))] == ["parked"]


async def test_of_a_course_that_no_one_has_there_is_no_file(ben):
    await learner(1)
    for unknown in ({"course": "chemistry"}, {**UNIT, "usage": "unit 99"}):
        status, _ = await ben.get("/activities.csv", params=unknown)
        assert (status, "No one has a grade" in ben.words) == (404, True)
    assert await rows_of(ben, **UNIT, state="parked") == [], "no such state in it is no error"


async def test_the_filter_is_that_of_the_page(ben):
    made = {state: await learner(1, **columns) for state, columns in OF_STATE.items()}
    unit_4 = await learner(2, usage_id="unit 4")
    other = await learner(3, await make_service("other"))
    await make_assignment()
    for asked, ids in (
        (UNIT, [*made.values(), other]),
        ({"course": "physics"}, [*made.values(), other, unit_4]),
        ({**UNIT, "state": "parked"}, [made["parked"]]),
        ({**UNIT, "consumer": "other"}, [other]),
    ):
        assert [int(row["assignment"]) for row in await rows_of(ben, **asked)] == ids, asked


@pytest.mark.parametrize("number", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
async def test_every_row_is_there_once_and_the_heading_too(ben, number):
    service = await make_service()
    made = [await learner(one, service, usage_id=f"unit {one % 2}") for one in range(number)]
    rows = await rows_of(ben, course="physics")
    assert [int(row["assignment"]) for row in rows] == made[::2] + made[1::2]


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 400), ("?course=", 400), ("?course=x&state=y", 400), ("?course=x&consumer=kye", 404), ("?course=x", 404)],
)
async def test_what_is_asked_for_wrongly_is_no_file(ben, query, status):
    assert (await ben.get(f"/activities.csv{query}"))[0] == status
    assert ben.answer.content_type == "text/html"


async def test_its_head_can_be_asked_for(ben):
    await learner(1)
    assert await ben.ask("HEAD", "/activities.csv?course=physics") == (200, "")
    assert "attachment" in ben.answer.headers["Content-Disposition"]


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0", "\uff1d1", "\uff201"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_what_a_spreadsheet_would_take_for_a_formula_is_a_text(cell):
    assert harmless(cell).startswith("'")
    ((read,),) = csv.reader(io.StringIO(csv_text([[cell]]).decode(), newline=""), strict=True)
    assert read[0] == "'"


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("x;=cmd|' /C calc'!A0;", "x;'=cmd|' /C calc'!A0;"),
        ("x; =1", "x;' =1"),
        ("x|@SUM(A1)", "x|'@SUM(A1)"),
        ("  =1", "'  =1"),
        (";-1;+2", ";'-1;'+2"),
    ],
)
def test_neither_is_one_behind_what_separates_cells_elsewhere(cell, kept):
    assert harmless(cell) == kept


@pytest.mark.parametrize("cell", ["", "a=1", "learner-1", "1-2", "a,b", 'say "hi"', "é ü 漢字", "'x", "a;b"])
def test_other_texts_are_kept_as_they_are(cell):
    assert harmless(cell) == cell
    (read,) = csv.reader(io.StringIO(csv_text([[cell, 1]]).decode(), newline=""), strict=True)
    assert read == [cell, "1"]


async def test_no_column_runs_what_a_tool_or_a_campus_writes(ben):
    names = ("user_id", "lti_user_id", "course_id", "usage_id", "parked_reason")
    for number, formula in enumerate(FORMULAS):
        # What is asked for has no white space around it.
        course = formula if formula == formula.strip() else f"'course {number}"
        columns = {**PARKED, **dict.fromkeys(names, formula), "course_id": course}
        await learner(number, await make_service(formula), **columns)
        (row,) = await rows_of(ben, course=course)
        for name in ("learner", "learner at the campus", "course", "activity", "campus", "campus key", "reason"):
            assert row[name][0] == "'", (formula, name)


async def test_hostile_words_stay_in_their_cells(ben):
    names = dict.fromkeys(("user_id", "course_id", "usage_id", "parked_reason"), HOSTILE)
    await learner(1, **{**PARKED, **names})
    (row,) = await rows_of(ben, course=HOSTILE)
    assert set(row) == set(HEADINGS)
    assert not {"\x1b", "\u202e", "\r"} & set("".join(row.values()))

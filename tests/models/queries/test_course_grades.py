"""All grades of a course or an activity: how many are in each state, and each of them a page at a time."""

import re

import pytest
from tortoise.transactions import in_transaction

from models.campus import OutcomeService
from models.db.sql import Statement, connection, is_postgres
from models.queries.course_grades import (
    CourseGrade,
    GradeCount,
    GradePlace,
    counts_statement,
    list_statement,
    read_accepted,
    read_counts,
    read_course_grades,
)
from models.queries.filter import AssignmentFilter
from models.queries.resend import next_chunk
from models.states import STATES
from tests.models.plans import explained, plan, rows_read, whole_tables
from tests.models.rows import make_assignment, make_service

NOW = 1_000_000
PHYSICS = AssignmentFilter(course_id="physics")
#: A row in each state.
OF_STATE = {
    "clean": {"sent_version": 1, "sent_score": "0.5", "sent_at": NOW - 5},
    "due": {},
    "waiting": {"due_at": NOW + 1},
    "claimed": {"claimed_until": NOW + 1},
    "parked": {"parked_at": NOW - 1, "parked_reason": "course has ended", "parked_scope": "course"},
    "disabled": {"disabled_at": NOW - 1, "parked_at": NOW - 2},
}
#: Rows of a course among which few are read.
MANY = 4_000

_FILL = Statement("""
    INSERT INTO graded_assignment (user_id, course_id, usage_id, outcome_service_id, campus_id, lis_result_sourcedid,
        sourcedid_digest, registered_us, note, composite, version_number, sent_version, forced_version, due_at,
        not_before, hold_until, attempts)
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :rows)
    SELECT 'learner', CASE WHEN n % 4 = 0 THEN 'chemistry' ELSE 'physics' END,
        CASE WHEN n % 2 = 0 THEN 'unit 4' ELSE 'unit 3' END, :service, :campus, CAST(n AS VARCHAR),
        CAST(n AS VARCHAR), 0, '', FALSE, 1, 1, 0, 0, 0, 0, 0
    FROM numbers RETURNING id""")

pytestmark = pytest.mark.usefixtures("empty_database")


async def in_physics(service=None, **columns):
    return await make_assignment(service, course_id="physics", **columns)


async def listed(wanted=PHYSICS, *, after=None, most=1000):
    return await read_course_grades(wanted, after=after, now=NOW, most=most)


async def ids(wanted=PHYSICS, **more):
    return [grade.id for grade in await listed(wanted, **more)]


async def test_grades_are_counted_by_activity_campus_and_state():
    assert set(OF_STATE) == set(STATES)
    for columns in (*OF_STATE.values(), OF_STATE["parked"]):
        await in_physics(usage_id="unit 3", **columns)
    other = await make_service("other")
    await in_physics(other, usage_id="unit 3")
    # Another address of the same campus, and of the same consumer elsewhere.
    await in_physics(await make_service(url="https://campus.example/again"), usage_id="unit 3")
    await in_physics(await make_service(url="https://b.example/"), usage_id="unit 3")
    await in_physics(usage_id="unit 4")
    await make_assignment(usage_id="unit 3")
    of_unit = [
        GradeCount("unit 3", "key", state, {"due": 3, "parked": 2}.get(state, 1)) for state in sorted(STATES)
    ] + [GradeCount("unit 3", "other", "due", 1)]
    assert await read_counts("physics", "unit 3", now=NOW) == of_unit
    assert await read_counts("physics", None, now=NOW) == [*of_unit, GradeCount("unit 4", "key", "due", 1)]
    assert await read_counts("chemistry", None, now=NOW) == []


async def test_a_grade_is_listed_with_what_the_campus_acknowledged():
    service = await make_service()
    one = await in_physics(service, user_id="ada", lti_user_id="campus-ada", usage_id="unit 3", **OF_STATE["clean"])
    assert await listed() == [
        CourseGrade(
            one, "ada", "campus-ada", "physics", "unit 3", service.campus_id, "campus", "key", "lti-1.1", "clean",
            "0.5", NOW - 5, None, None, None,
        )
    ]  # fmt: skip


async def test_what_was_another_learners_before_is_left_out():
    await in_physics(learner_version=2, version_number=2, **OF_STATE["clean"])
    (grade,) = await listed()
    assert (grade.state, grade.sent_score, grade.sent_at) == ("due", None, None)


async def test_when_a_campus_took_a_grade_last_is_known_by_all_its_addresses():
    here, again = await make_service(), await make_service(url="https://campus.example/again")
    there = await make_service(url="https://b.example/")
    for service in (here, again, there):
        await in_physics(service)
    await OutcomeService.filter(id=here.id).update(accepted_at=NOW - 9)
    await OutcomeService.filter(id=again.id).update(accepted_at=NOW - 3)
    assert await read_accepted(await listed()) == {here.campus_id: NOW - 3}
    assert await read_accepted([]) == {}


async def test_each_selector_narrows_the_list_down():
    made = {state: await in_physics(usage_id="unit 3", **columns) for state, columns in OF_STATE.items()}
    other = await make_service("other")
    elsewhere = await in_physics(other, usage_id="unit 4")
    await make_assignment()
    assert await ids() == [*made.values(), elsewhere]
    for state, one in made.items():
        unit = AssignmentFilter(course_id="physics", usage_id="unit 3", state=state)
        assert await ids(unit) == [one], state
        assert await next_chunk(unit, after=0, now=NOW) == ([one] if state != "disabled" else []), "what is sent again"
    assert await ids(AssignmentFilter(course_id="physics", consumer_id=other.lti_consumer_id)) == [elsewhere]
    assert await ids(AssignmentFilter(course_id="physics", usage_id="unit 5")) == []


@pytest.mark.parametrize("most", [1, 2, 3, 7])
@pytest.mark.parametrize("usage_id", [None, "unit 3"])
async def test_page_by_page_each_grade_is_listed_once_by_activity(usage_id, most):
    # Units in another order than their assignments, and of one learner several.
    units = ["unit 4", "unit 3", "unit 3", "unit 2", "unit 4", "unit 3", "unit 3"]
    made = [(unit, await in_physics(usage_id=unit)) for unit in units]
    wanted = AssignmentFilter(course_id="physics", usage_id=usage_id)
    seen, after = [], None
    while page := await listed(wanted, after=after, most=most):
        assert len(page) <= most
        seen += [(grade.usage_id, grade.id) for grade in page]
        after = page[-1].place
    assert seen == sorted(one for one in made if usage_id in (None, one[0]))


async def test_a_place_whose_grade_has_gone_still_leads_on():
    made = [await in_physics(usage_id="unit 3") for _ in range(2)]
    assert await ids(after=GradePlace(made[0] - 1, "unit 3")) == made
    assert await ids(after=GradePlace(10**15, "unit 2")) == made
    assert await ids(after=GradePlace(made[0], "unit 3")) == made[1:]


async def test_without_a_course_no_index_leads_there():
    with pytest.raises(ValueError, match="which course"):
        await listed(AssignmentFilter(usage_id="unit 3"))


FILTERS = [
    AssignmentFilter(course_id="physics", **more)
    for more in ({}, {"usage_id": "unit 3"}, {"state": "due"}, {"state": "parked"}, {"consumer_id": 1})
]
PLACE = {"after": 0, "after_usage": "", "now": NOW, "most": 101}


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
async def test_the_list_is_read_by_an_index(wanted):
    steps = await plan(list_statement(wanted), **wanted.parameters, **PLACE)
    assert whole_tables(steps) == [], steps
    assert re.search(r"idx_graded_assi_course|graded_assignment_parked", steps), steps


@pytest.mark.parametrize("usage_id", [None, "unit 3"])
async def test_the_counts_are_read_by_an_index(usage_id):
    steps = await plan(counts_statement(usage_id), course_id="physics", usage_id=usage_id, now=NOW)
    assert whole_tables(steps) == [], steps


@pytest.fixture
async def many_in_a_course():
    """As many of two units of the course, and of another course, between one another; the first id."""
    service = await make_service()
    async with in_transaction():
        rows = await _FILL.rows(rows=MANY, service=service.id, campus=service.campus_id)
    if is_postgres():
        await connection().execute_query("ANALYZE graded_assignment")
    return min(row["id"] for row in rows)


@pytest.mark.parametrize("usage_id", [None, "unit 3"])
async def test_a_page_of_a_large_course_reads_little_more_than_it_shows(many_in_a_course, usage_id):
    """The index has the order of the list, so that nothing is sorted, and a list of all takes one pass."""
    wanted = AssignmentFilter(course_id="physics", usage_id=usage_id)
    after = GradePlace(many_in_a_course + MANY // 2, "unit 3")
    statement, place = list_statement(wanted), {**PLACE, "after": after.id, "after_usage": after.usage_id}
    assert len(await listed(wanted, after=after, most=PLACE["most"])) == PLACE["most"]
    if not is_postgres():
        steps = await plan(statement, **wanted.parameters, **place)
        assert "TEMP B-TREE" not in steps, steps
        return
    values = {**wanted.parameters, **place}
    nodes = await explained(statement, [values[name] for name in statement.names])
    scans = [node for node in nodes if node.get("Relation Name") == "graded_assignment"]
    assert sum(map(rows_read, scans)) <= 4 * PLACE["most"], nodes

"""What support reads about grades: reads alone, by indexes alone, and never more than a limit."""

import pytest

from models.assignment import GradedAssignment
from models.campus import Campus
from models.consumer import LtiConsumer, digest
from models.delivery import Delivery
from models.quarantine import MAX_LEARNER, QuarantinedEvent, content_of
from models.queries import grades as lookup
from models.queries.grades import MAX_EVENTS, Query
from models.queries.ledger import ledgers, lines_of_sent
from models.retired_user import RetiredUser, digest_of
from models.stale_event import StaleEvent, note_stale
from models.stream_position import Intake, read_position
from tests.models.plans import plan, whole_tables
from tests.models.rows import make_assignment
from tests.models.scores import apply_score

NOW = 1_000_000
LONG = "x" * 5_000

pytestmark = pytest.mark.usefixtures("empty_database")


async def quarantine(number, *, user_id="learner", content=b"", **columns):
    values = {"epoch": 0, "entry_id": f"{number}-0", "type": "launch", "reason": "because", **columns}
    await QuarantinedEvent.create(at=number, user_id=user_id, content=content, **values)


# --- Assignments ---


@pytest.fixture
async def four():
    """The same learner on two blocks and in another course, and another."""
    here = {"user_id": "a", "course_id": "c", "usage_id": "1"}
    return [
        await make_assignment(**here, lti_user_id="at campus", lis_result_sourcedid="s"),
        await make_assignment(**{**here, "usage_id": "2"}, lti_user_id=LONG + "1"),
        await make_assignment(**{**here, "course_id": "d"}, lti_user_id=LONG + "2"),
        await make_assignment(**{**here, "user_id": "b"}, lti_user_id="at campus"),
    ]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"user_id": "a"}, [0, 1, 2]),
        ({"user_id": "a", "course_id": "c"}, [0, 1]),
        ({"user_id": "a", "usage_id": "1"}, [0, 2]),
        ({"user_id": "a", "course_id": "c", "usage_id": "2"}, [1]),
        ({"user_id": "unknown"}, []),
        ({"lti_user_id": "at campus"}, [0, 3]),
        ({"lti_user_id": "at campus", "user_id": "b"}, [3]),
        ({"lti_user_id": LONG + "2"}, [2]),
        ({"lti_user_id": LONG}, []),
        ({"lti_user_id": ""}, []),
        ({"sourcedid": "s"}, [0]),
        ({"sourcedid": "s", "course_id": "d"}, []),
        ({"sourcedid": LONG}, []),
        ({"user_id": "' OR 1 = 1 --"}, []),
    ],
)
async def test_assignments_are_found_by_all_that_is_asked(four, asked, expected):
    assert [found.id for found in await lookup.find_grades(Query(**asked), now=NOW)] == [
        four[number] for number in expected
    ]


@pytest.mark.parametrize("asked", [{}, {"course_id": "c"}, {"course_id": "c", "usage_id": "1"}])
async def test_a_query_without_learner_and_sourcedid_is_refused(asked):
    with pytest.raises(ValueError, match="whose grades"):
        await lookup.find_grades(Query(**asked), now=NOW)


async def test_of_very_many_those_that_wait_are_read_and_one_more():
    for number in range(lookup.MAX_GRADES + 2):
        await make_assignment(user_id="a", usage_id=f"{number:04}", sent_version=1)
    disabled = await make_assignment(user_id="a", usage_id="8000", sent_version=0, disabled_at=NOW)
    waiting = [await make_assignment(user_id="a", usage_id=usage_id) for usage_id in ("9001", "9000")]
    found = await lookup.find_grades(Query("a"), now=NOW)
    assert len(found) == lookup.MAX_GRADES + 1
    read = found[: lookup.MAX_GRADES]
    assert [one.id for one in read[-2:]] == [waiting[1], waiting[0]]
    assert [one.usage_id for one in read] == sorted(one.usage_id for one in read)
    assert disabled not in [one.id for one in found]


async def test_an_assignment_comes_with_its_state_and_that_of_its_campus():
    await make_assignment(user_id="a", sent_version=1, composite=True, note="moved")

    async def campus():
        (found,) = await lookup.find_grades(Query("a"), now=NOW)
        assert (found.state, found.composite, found.note) == ("clean", True, "moved")
        assert (found.consumer, found.origin) == ("campus", "https://campus.example:443")
        return found.campus_state, found.paused_at, found.tripped_at, found.blocked_until, found.campus_error

    assert await campus() == ("up", None, None, 0, "")
    await Campus.all().update(tripped_at=NOW - 9, blocked_until=NOW + 9, last_error="away")
    assert await campus() == ("down", None, NOW - 9, NOW + 9, "away")
    await LtiConsumer.all().update(paused_at=NOW - 1)
    assert await campus() == ("paused", NOW - 1, NOW - 9, NOW + 9, "away")


# --- Events ---


async def test_events_in_quarantine_have_course_and_block_as_far_as_they_can_be_read():
    content, _ = content_of({b"course_id": b"a=b\nc", b"usage_id": b"\xff", b"junk": b"x" * 9_000})
    await quarantine(1, content=content)
    await quarantine(2, type="unknown")
    await quarantine(3, user_id="another")
    (newest, oldest), _ = await lookup.rejected("learner")
    assert (newest.entry_id, newest.type, newest.course_id, newest.usage_id) == ("2-0", "unknown", None, None)
    assert (oldest.course_id, oldest.usage_id, oldest.reason) == ("a=b\nc", "\ufffd", "because")


async def test_of_many_events_the_newest_are_read():
    for number in range(MAX_EVENTS + 2):
        await quarantine(number)
        await note_stale(
            "launch", user_id="learner", course_id="c", usage_id=str(number), entry_id="", modified_us=0, now=number
        )
    newest = [*reversed(range(2, MAX_EVENTS + 2))]
    events, more = await lookup.rejected("learner")
    assert ([event.at for event in events], more) == (newest, True)
    assert [event.at for event in await lookup.late("learner")] == newest
    assert await lookup.late("another") == []


async def test_quarantine_is_looked_through_for_a_sourcedid_or_a_learner_of_the_campus():
    await quarantine(1, user_id=None, sourcedid_digest=digest("s"))
    await quarantine(2, user_id=None, lti_user_id="at campus", consumer_key="k")
    await quarantine(3, user_id=None, lti_user_id=LONG[:MAX_LEARNER], content=f"lti_user_id={LONG[:999]}".encode())

    async def found(**asked):
        events, more = await lookup.rejected_by_name(Query(**asked))
        assert not more
        return [event.at for event in events]

    assert await found(sourcedid="s") == [1]
    assert await found(lti_user_id="at campus") == await found(lti_user_id="at campus", consumer_key="k") == [2]
    assert await found(sourcedid="s", lti_user_id="at campus") == [2, 1]
    assert await found(lti_user_id="at campus", consumer_key="another") == []
    assert await found(lti_user_id="at") == await found(sourcedid="") == []
    assert await found(lti_user_id=LONG[:999]) == [3]
    assert await found(lti_user_id=LONG[:998]) == [], "another learner's, whose name begins so"


async def test_quarantine_is_looked_through_for_the_launches_of_an_activity():
    await quarantine(1, type="launch", course_id="c", content=b"course_id=c\nusage_id=unit")
    await quarantine(2, type="launch", course_id="c", content=b"course_id=c\nusage_id=other")
    await quarantine(3, type="launch", course_id="another", content=b"course_id=another\nusage_id=unit")
    await quarantine(4, type="score.changed", course_id="c", content=b"course_id=c\nusage_id=unit")

    async def found(usage_id):
        events, more = await lookup.rejected_launches("c", usage_id)
        assert not more
        return [event.at for event in events]

    assert await found("unit") == [1]
    assert await found(None) == [2, 1]
    assert await found("unti") == []


async def test_later_events_of_others_hide_none_in_quarantine_and_no_more_is_searched_than_the_newest():
    mine = {"sourcedid_digest": digest("s"), "course_id": "c"}
    await quarantine(1, user_id=None, content=b"course_id=c\nusage_id=unit", **mine)
    values = {"epoch": 0, "entry_id": "", "at": 2, "type": "launch", "reason": "", "content": b""}
    await QuarantinedEvent.bulk_create(QuarantinedEvent(**values, course_id="d") for _ in range(MAX_EVENTS + 1))
    events, _ = await lookup.rejected_by_name(Query(sourcedid="s"))
    assert [event.at for event in events] == [1]
    assert len((await lookup.rejected_launches("c", "unit"))[0]) == 1
    await QuarantinedEvent.bulk_create(QuarantinedEvent(**values, course_id="c") for _ in range(MAX_EVENTS))
    assert await lookup.rejected_launches("c", "unit") == ([], True)


# --- Learners ---


async def test_a_learner_is_known_by_a_launch_a_score_or_a_late_event():
    assert not await lookup.is_known("a")
    await make_assignment(user_id="a")
    await apply_score("b", "c", "1", points=(1, 2), modified_us=1)
    await note_stale("launch", user_id="c", course_id="c", usage_id="1", entry_id="", modified_us=0, now=NOW)
    assert [await lookup.is_known(learner) for learner in ("a", "b", "c", "d")] == [True, True, True, False]


async def test_a_retirement_is_read_without_writing_anything():
    assert await lookup.retired_us("a") is None
    assert await Intake.all().count() == 0
    position = await read_position()
    await RetiredUser.create(digest=digest_of("a", position), retired_us=7)
    assert await lookup.retired_us("a") == 7
    assert await lookup.retired_us("b") is None


# --- How it is read ---

_ASKED = [
    Query(user_id="a"),
    Query(user_id="a", course_id="c"),
    Query(user_id="a", course_id="c", usage_id="1"),
    Query(user_id="a", course_id="c", usage_id="1", assignment_id=1),
    Query(lti_user_id="x"),
    Query(sourcedid="s"),
    Query(sourcedid="s", course_id="c"),
]


@pytest.mark.parametrize("asked", _ASKED, ids=str)
async def test_assignments_are_found_by_an_index(asked):
    statement, parameters = lookup.find_statement(asked)
    steps = await plan(statement, now=NOW, **parameters)
    assert whole_tables(steps) == [], steps


@pytest.mark.parametrize("column", lookup._BY)
async def test_quarantine_is_searched_by_an_index(column):
    steps = await plan(lookup._BY[column], value="a", most=3)
    assert whole_tables(steps) == [], steps


async def test_nothing_is_written():
    await make_assignment(user_id="a", sent_at=NOW)
    await quarantine(1)
    before = await everything()
    (found,) = await lookup.find_grades(Query("a"), now=NOW)
    await ledgers([found.id])
    await lines_of_sent([found])
    for read in (lookup.rejected, lookup.late, lookup.is_known, lookup.retired_us):
        await read("a")
    await lookup.rejected_by_name(Query(sourcedid="s"))
    assert await everything() == before


async def everything():
    tables = (GradedAssignment, Delivery, QuarantinedEvent, StaleEvent, Intake, RetiredUser)
    return [await table.all().order_by("id").values() for table in tables]

"""The grades of all learners of an activity: each by itself while they are few, and in groups when they are many."""

import io
import re

import pytest
from rich.console import Console

from daemon.infra.text import past
from daemon.why.activity import Activity, activity_document, group_words
from daemon.why.document import document
from daemon.why.known import Explanation
from daemon.why.show import print_activity, print_answer
from models.assignment import GradedAssignment
from models.campus import Campus, OutcomeService
from models.consumer import LtiConsumer
from models.delivery import OVERRULED, DeliveryRecord, write_deliveries
from models.queries.activity import MAX_ACTIVITY_GROUPS, MAX_EACH, groups_statement, read_activity
from models.queries.filter import AssignmentFilter
from tests.daemon.why.activities import answer, launched
from tests.daemon.why.story import NOW, TERMS, Story, before
from tests.models.plans import plan, whole_tables
from tests.models.rows import make_assignment

pytestmark = pytest.mark.usefixtures("empty_database")

MANY = MAX_EACH + 1
ASKED_AGAIN = "The campus gave no reason that passbackd knows: it is asked a few times again"
REFUSED = (
    "are in quarantine, not applied, the newest since 'unknown consumer 'unknown': add it with "
    "`passbackd consumer add NAME --key KEY`': passbackd's operator has to act (`passbackd quarantine list`)."
)
COURSE_OVER = "HTTP 200, failure: Course has ended"


def record(assignment_id: int, result, score, at, **more) -> DeliveryRecord:
    return DeliveryRecord(assignment_id, at, at, 1, 1, result, score=score, **more)


def shown(activity, **how):
    screen = io.StringIO()
    print_activity(activity, TERMS, Console(file=screen, **how))
    return screen.getvalue()


async def test_few_learners_are_explained_one_by_one():
    await launched(3)
    got = await answer()
    assert isinstance(got, Explanation)
    assert [one["user_id"] for one in document(got, TERMS)] == ["u0", "u1", "u2"]
    screen = io.StringIO()
    print_answer(got, TERMS, Console(file=screen, width=250))
    assert "3 grades of 3 learners" in screen.getvalue()


async def test_events_in_quarantine_of_several_learners_say_whose_they_are_and_who_has_to_act():
    await launched(3)
    await Story().score(5, "nan", user_id="u1")
    screen = io.StringIO()
    print_answer(await answer(), TERMS, Console(file=screen, width=250))
    _, _, events = screen.getvalue().partition("In quarantine, since it could not be applied; ")
    heading, names, row = events.splitlines()[:3]
    assert heading == "passbackd's operator has to act:"
    assert names.split() == ["read", "learner", "type", "course", "block", "event", "reason"]
    assert row.split()[3:5] == ["u1", "score.changed"]


async def test_many_learners_are_counted_by_state_reason_and_campus_with_trouble_first():
    await launched(MANY)
    ids = await GradedAssignment.filter(usage_id="unit").order_by("id").values_list("id", flat=True)
    await GradedAssignment.filter(id__in=ids[:3]).update(
        parked_at=before(60), parked_reason=COURSE_OVER, parked_scope="course"
    )
    await GradedAssignment.filter(id=ids[3]).update(
        parked_at=before(60), parked_reason="HTTP 200, failure: SourcedId hash not valid", parked_scope="learner"
    )
    await GradedAssignment.filter(id__in=ids[4:9]).update(sent_version=1, sent_score="0.5", sent_at=before(30))
    got = await answer()
    assert isinstance(got, Activity)
    objects = activity_document(got, TERMS)
    assert [(one["state"], one["number"], one["who_acts"]) for one in objects] == [
        ("parked", 3, "teacher"),
        ("parked", 1, "learner"),
        ("due", MANY - 9, "no one"),
        ("clean", 5, "no one"),
    ]
    assert {one["consumer"] for one in objects} == {"Example University"}
    assert objects[0]["example_assignment_id"] == ids[0]
    assert COURSE_OVER in objects[0]["reason"]
    assert all(one["assignment_id"] is None and one["deliveries"] == [] for one in objects)
    text = shown(got)
    assert f"{MANY} grades for block unit in course physics, of which 4 need a person to act" in text
    assert "only a new launch of the activity by the learner helps" in text
    on_terminal = shown(got, width=80, force_terminal=True, color_system="standard")
    assert max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in on_terminal.splitlines()) <= 80
    assert "\x1b[1;31m3 grades parked" in on_terminal
    assert "\x1b" not in text


async def test_grades_over_lti_1_3_are_counted_by_what_the_campus_said_of_them():
    await launched(MANY)
    ids = await GradedAssignment.filter(usage_id="unit").order_by("id").values_list("id", flat=True)
    await GradedAssignment.filter(id__in=ids[:9]).update(sent_version=1, sent_at=before(30))
    await write_deliveries(
        [record(ids[number], "accepted", "", before(30)) for number in range(4)]
        + [record(ids[number], "overtaken", "0.5", before(20), code_major=OVERRULED) for number in range(3, 6)]
        + [record(ids[number], "accepted", "0.5", before(40)) for number in (6, 7)]
    )
    await GradedAssignment.filter(id__in=ids[9:11]).update(overtaken=2, not_before=NOW + 60_000)
    await GradedAssignment.filter(id__in=ids[11:15]).update(sent_version=1, sent_score="0.5")
    await LtiConsumer.all().update(issuer="https://lms.example.edu", client_id="1")
    objects = activity_document(await answer(), TERMS)
    assert [(one["reason"].partition(":")[0], one["number"]) for one in objects] == [
        ("Due", MANY - 15),
        ("Taken over from before passbackd", 4),
        ("Overtaken", 2),
        ("Cleared", 3),
        ("Overruled", 3),
        ("Nothing to send", 3),
    ]
    assert {one["protocol"] for one in objects} == {"lti-1.3"}


async def test_grades_that_wait_for_their_line_item_are_no_matter_of_the_structure():
    await launched(MANY)
    await OutcomeService.all().update(wanted_for="{}")
    await GradedAssignment.all().update(waiting_since=before(5))
    (one,) = activity_document(await answer(), TERMS)
    assert one["reason"] == "Waiting for the columns (line items) at the campus, which passbackd finds or makes."
    assert one["who_acts"] == "no one"


async def test_the_times_of_a_group_say_what_they_are():
    await launched(MANY)
    ids = await GradedAssignment.filter(usage_id="unit").order_by("id").values_list("id", flat=True)
    parked = {
        "parked_at": before(60),
        "parked_reason": COURSE_OVER.replace("Course has ended", "EXERCISE_MAX_SUBMISSIONS_USED"),
        "parked_scope": "learner",
    }
    await GradedAssignment.filter(id__in=ids[:3]).update(**parked)
    await GradedAssignment.filter(id__in=ids[3:]).update(attempts=1, not_before=NOW + 60_000)
    await GradedAssignment.filter(id=ids[3]).update(not_before=NOW + 120_000)
    text = shown(await answer())
    assert "block unit, since 2026-03-02 13:15 CET; for example" in text
    assert "block unit, next between 2026-03-02 14:16 CET and 2026-03-02 14:17 CET; for example" in text
    assert "This concerns the grade of each of these learners alone" in text


async def test_a_campus_that_refuses_our_signature_is_named_for_all_that_waits_for_it():
    await launched(MANY)
    columns = {"tripped_at": before(9), "last_error": "HTTP 401: no words", "last_error_at": before(9)}
    await Campus.all().update(**columns)
    got = await answer()
    (group,) = got.groups
    words = group_words(group, TERMS)
    assert (words.who, group.number) == ("operator", MANY)
    assert "has refused passbackd's signature" in words.reason
    assert "--secret-stdin --replace" in words.reason


@pytest.mark.parametrize(
    ("ago", "pause_ended", "who"), [(10, None, "no one"), (20, None, "operator"), (20, 10, "no one")]
)
async def test_many_grades_that_are_due_for_long_are_the_operators_to_look_at(ago, pause_ended, who):
    await launched(MANY, ago)
    if pause_ended is not None:
        await Campus.all().update(throttled_at=before(60), blocked_until=before(pause_ended))
    (one,) = activity_document(await answer(), TERMS)
    assert (one["state"], one["who_acts"]) == ("due", who)
    assert ("That is long" in one["reason"]) == (who == "operator")


@pytest.mark.parametrize(
    ("code_major", "description", "words"),
    [
        ("failure", "HTTP 200, failure: no way", f"Refused, {{}}. {ASKED_AGAIN}, and what it still refuses is parked."),
        (None, "HTTP 502", "Retrying: the last attempt failed, {}."),
    ],
)
async def test_many_grades_that_are_retried_show_what_the_campus_said_of_one(code_major, description, words):
    await launched(MANY)
    await GradedAssignment.filter(usage_id="unit").update(attempts=1, not_before=NOW + 60_000)
    example = await GradedAssignment.filter(usage_id="unit").order_by("id").first()
    for token, ago, said in ((1, 9, "an older one"), (2, 5, description)):
        await write_deliveries(
            [
                DeliveryRecord(
                    *(example.id, token, before(ago), token, example.version_number, "retried"),
                    http_status=200,
                    code_major=code_major,
                    description=said,
                )
            ]
        )
    (one,) = activity_document(await answer(), TERMS)
    said = f"for the example on {past(before(5), TERMS.zone)} with these words: '{description}'"
    assert (one["reason"], one["who_acts"]) == (words.format(said), "no one")


async def test_launches_in_quarantine_beside_many_grades_are_counted():
    await launched(MANY)
    assert "quarantine" not in shown(await answer())
    for learner in ("v1", "v2"):
        await Story().launch(20, user_id=learner, oauth_consumer_key="unknown")
    await Story().launch(20, user_id="v3", oauth_consumer_key="unknown", usage_id="other unit")
    assert f"Besides, 2 launch events of it {REFUSED}" in shown(await answer())
    assert f"Besides, 3 launch events of it {REFUSED}" in shown(await answer(usage_id=None))
    refused, *others = activity_document(await answer(), TERMS)
    assert (refused["state"], refused["number"], refused["who_acts"]) == ("quarantined", 2, "operator")
    assert [one["state"] for one in others] == ["due"]


async def test_launches_in_quarantine_beside_few_grades_are_counted_and_shown():
    await launched(2)
    for learner in ("u0", "v1", "v2"):
        await Story().launch(20, user_id=learner, oauth_consumer_key="unknown")
    await Story().launch(20, user_id="v3", oauth_consumer_key="unknown", usage_id="other unit")
    got = await answer()
    screen = io.StringIO()
    print_answer(got, TERMS, Console(file=screen, width=250))
    assert f"Besides, 3 launch events of it {REFUSED}" in screen.getvalue()
    assert sorted(event.user_id for event in got.rejected) == ["u0", "v1", "v2"], "none is named twice"
    refused, *others = document(got, TERMS)
    assert (refused["state"], refused["number"], refused["who_acts"]) == ("quarantined", 3, "operator")
    assert (refused["assignment_id"], refused["course_id"], refused["usage_id"]) == (None, "physics", "unit")
    assert [one["user_id"] for one in others] == ["u0", "u1"]


async def test_a_whole_course_is_counted_by_activity_too():
    await launched(MANY)
    got = await answer(usage_id=None)
    assert {group.usage_id: group.number for group in got.groups} == {"unit": MANY, "other unit": 1}


async def test_more_groups_than_are_shown_are_named_as_such():
    for number in range(MAX_ACTIVITY_GROUPS + 2):
        await make_assignment(
            user_id=f"u{number}", course_id="c", parked_at=1, parked_scope="learner", parked_reason=f"no {number}"
        )
    got = await answer(None, "c")
    objects = activity_document(got, TERMS)
    assert len(objects) == MAX_ACTIVITY_GROUPS
    assert all(one["more_groups"] for one in objects)
    text = shown(got)
    assert f"at least {MAX_ACTIVITY_GROUPS} grades in course c" in text
    assert f"These are the {MAX_ACTIVITY_GROUPS} largest groups" in text


@pytest.mark.parametrize(
    "more", [{"usage_id": "unit"}, {}, {"state": "parked"}, {"consumer_id": 1}, {"not_clean": True}], ids=repr
)
@pytest.mark.parametrize("looked", [None, 9])
async def test_the_groups_are_read_by_an_index(more, looked):
    wanted = AssignmentFilter(course_id="physics", **more)
    steps = await plan(groups_statement(wanted, looked), **wanted.parameters, now=NOW, looked=looked)
    assert whole_tables(steps) == [], steps
    assert "delivery_ungraded" in steps, "no look-up for each grade of which nothing is attempted"
    assert await read_activity(wanted, now=NOW, looked=looked) == []

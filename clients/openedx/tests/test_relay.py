"""The sweep: what the platform has committed is on the stream afterwards, whatever the receivers could not do."""

import json
import logging
from datetime import timedelta

import pytest
import redis
from django.contrib.auth import get_user_model
from django.utils import timezone
from lms.djangoapps.grades.course_data import COLLECTED
from lms.djangoapps.lti_provider.models import GradedAssignment
from openedx.core.djangoapps.content.course_overviews.models import CourseOverview
from openedx.core.djangoapps.user_api.models import RetirementState, UserRetirementStatus
from site_of_tests import COURSE, NOON, PROBLEM, STREAM, UNIT, Clock, Site, block, hours, unit_with
from submissions import api as submissions_api
from xmodule.modulestore.django import COURSE_PUBLISHED

from openedx_passbackd.outbox import Outbox
from openedx_passbackd.receivers import course_published
from openedx_passbackd.relay import ASSIGNMENTS_AGAIN, LONG_EVERY, LONG_OVERLAP, OVERLAP, Relay


def points(site: Site) -> list[tuple[str, str, str]]:
    return [(e["usage_id"], e["points_earned"], e["points_possible"]) for e in site.events("score.changed")]


def test_it_sends_what_the_receivers_could_not_and_nothing_twice(site: Site, silent: None, relay: Relay) -> None:
    site.launch()
    site.store(3.0)
    assert relay.sweep() == 3
    assert relay.sweep() == 0
    structure, launch, score = site.events()
    assert [b["usage_id"] for b in json.loads(structure["blocks"])][-1] == str(block("problem", "p2"))
    assert launch["modified"] == "1970-01-01T00:00:00+00:00"
    assert launch["oauth_consumer_key"] == "campus"
    assert launch["lti_user_id"] == "theirs-1"
    assert launch["lis_outcome_service_url"] == "https://campus.example/outcomes"
    # 3 of 4 raw points of a problem that weighs 2.
    assert (score["points_earned"], score["points_possible"]) == ("1.5", "2.0")
    assert score["modified"] == "2026-03-02T12:00:00+00:00"
    site.store(4.0, modified=NOON + timedelta(seconds=1))
    assert relay.sweep() == 1


def test_an_assignment_that_passbackd_would_refuse_keeps_no_other_back(
    site: Site, silent: None, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    site.launch(lis_outcome_service_url="campus/outcomes")
    odd = GradedAssignment.objects.get()
    site.launch(UNIT)
    for _ in range(2):
        relay.sweep()
    (launch,) = site.events("launch")
    assert launch["usage_id"] == str(UNIT)
    line = f"assignment {odd.pk} was left out (1 of this process): lis_outcome_service_url is not a whole http"
    assert caplog.text.count(line) == 1


def test_rows_without_a_launch_or_a_score_are_not_sent(site: Site, silent: None, relay: Relay) -> None:
    other = get_user_model().objects.create(username="other")
    site.launch()
    relay.sweep()
    site.store(1.0, user=other)
    site.store(None, usage_key=block("problem", "p2"))
    site.store(1.0, None, usage_key=block("problem", "p3"))
    site.store(1.0, 0.0, usage_key=block("problem", "p4"))
    site.store(1.0, 5.0, usage_key=block("problem", "deleted from the course".replace(" ", "_")))
    relay.sweep()
    assert points(site) == [
        (str(block("problem", "p4")), "1.0", "0.0"),
        (str(block("problem", "deleted_from_the_course")), "1.0", "5.0"),
    ]


def test_the_scores_of_the_submissions_app_win_and_its_resets_clear(site: Site, silent: None, relay: Relay) -> None:
    essay = block("problem", "essay")
    item = {
        "student_id": site.anonymous_id(),
        "course_id": str(COURSE),
        "item_id": str(essay),
        "item_type": "openassessment",
    }
    site.launch()
    site.store(1.0, 1.0, usage_key=essay)
    submission = submissions_api.create_submission(item, "an answer")
    submissions_api.set_score(submission["uuid"], 7, 10)
    relay.sweep()
    assert points(site) == [(str(essay), "7.0", "10.0")]
    submissions_api.reset_score(item["student_id"], item["course_id"], item["item_id"])
    relay.sweep()
    (cleared,) = site.events("score.cleared")
    assert cleared["user_id"] == str(site.user.id)
    assert cleared["usage_id"] == str(essay)
    assert cleared["modified"] > site.events("score.changed")[0]["modified"]


def test_a_score_from_before_the_first_launch_is_sent_with_it(site: Site, silent: None, relay: Relay) -> None:
    relay.sweep()
    site.store(4.0, modified=NOON - hours(3000))
    site.launch(UNIT)
    relay.sweep()
    assert points(site) == [(str(PROBLEM), "2.0", "2.0")]


@pytest.mark.parametrize(
    ("later", "back", "seen"),
    [
        (timedelta(seconds=30), OVERLAP, True),
        (timedelta(seconds=30), OVERLAP + timedelta(seconds=1), False),
        (LONG_EVERY, LONG_OVERLAP, True),
        (LONG_EVERY, LONG_OVERLAP + timedelta(seconds=1), False),
    ],
)
def test_a_row_that_became_visible_late_is_seen(
    site: Site, silent: None, relay: Relay, clock: Clock, later: timedelta, back: timedelta, seen: bool
) -> None:
    site.launch()
    relay.sweep()
    clock.now += later
    site.store(1.0, modified=NOON - back)
    relay.sweep()
    assert bool(points(site)) == seen


def test_after_a_pause_it_goes_on_where_it_was(site: Site, silent: None, relay: Relay, clock: Clock) -> None:
    site.launch()
    relay.sweep()
    site.store(1.0, modified=NOON + hours(1))
    clock.now += hours(72)
    Relay(site.client, STREAM, now=clock).sweep()
    assert len(points(site)) == 1


def test_since_goes_as_far_back_as_it_is_given(site: Site, silent: None, relay: Relay) -> None:
    site.launch()
    relay.sweep()
    site.store(1.0, modified=NOON - hours(999))
    relay.sweep()
    assert points(site) == []
    relay.sweep(NOON - hours(1000))
    assert len(points(site)) == 1
    assert len(site.events("launch")) == 2


def test_since_leaves_nothing_out_of_a_pause_that_began_before(
    site: Site, silent: None, relay: Relay, clock: Clock
) -> None:
    site.launch()
    # Of the newest assignments all scores are sent, however old they are: these are another learner's.
    site.assign_many(ASSIGNMENTS_AGAIN, user=get_user_model().objects.create(username="other"))
    relay.sweep()
    site.store(1.0, modified=NOON + hours(1))
    clock.now += hours(72)
    relay.sweep(clock.now - hours(1))
    assert len(points(site)) == 1


def test_a_published_course_is_read_until_the_platform_has_collected_it(
    site: Site, relay: Relay, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    COURSE_PUBLISHED.connect(course_published)
    caplog.set_level(logging.INFO)
    try:
        site.launch()
        clock.now = timezone.now()
        relay.sweep()
        COURSE_PUBLISHED.send(sender=None, course_key=COURSE.for_branch("published-branch"))
        relay.sweep()
        assert len(site.events("course.structure")) == 1
        COLLECTED[COURSE] = unit_with(("p1", 4.0, 3.0), types="itembank")
        relay.sweep()
        relay.sweep()
        first, second = site.events("course.structure")
        assert int(first["version"]) < int(second["version"])
        assert json.loads(second["blocks"])[-1]["points_possible"] == 3.0
        assert caplog.text.count(f"passbackd: {COURSE} has itembank") == 1
        clock.now += hours(1)
        relay.sweep()
        COLLECTED[COURSE] = unit_with(("p1", 4.0, 4.0))
        relay.sweep()
        assert len(site.events("course.structure")) == 2
        CourseOverview.objects.create(id=COURSE, modified=clock.now)
        relay.sweep()
        assert len(site.events("course.structure")) == 3
    finally:
        COURSE_PUBLISHED.disconnect(course_published)


def test_a_course_that_cannot_be_read_keeps_nothing_else_back(
    site: Site, silent: None, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    site.launch()
    site.store(3.0)
    COLLECTED.clear()
    relay = Relay(site.client, STREAM, now=clock)
    relay.sweep()
    assert points(site) == [(str(PROBLEM), "3.0", "4.0")]
    assert "no structure of" in caplog.text
    COLLECTED[COURSE] = unit_with(("p1", 4.0, 2.0))
    relay.sweep()
    assert len(site.events("course.structure")) == 1
    assert points(site)[1:] == [(str(PROBLEM), "1.5", "2.0")]


@pytest.mark.parametrize(("state", "sent"), [("PENDING", 0), ("LMS_MISC_COMPLETE", 1), ("COMPLETE", 1)])
def test_a_retirement_is_sent_once_it_cannot_be_taken_back(site: Site, relay: Relay, state: str, sent: int) -> None:
    row = RetirementState.objects.create(state_name=state)
    UserRetirementStatus.objects.create(user=site.user, current_state=row, modified=NOON)
    relay.sweep()
    assert len(site.events("user.retired")) == sent


def test_what_was_sent_is_remembered_within_bounds(client: redis.Redis) -> None:
    outbox = Outbox(client, STREAM, remembered=2)
    events = [{"type": str(number)} for number in range(3)]
    assert outbox.send(events[:2]) == 2
    assert outbox.send(events[:1]) == 0
    assert outbox.send(events[2:]) == 1
    assert outbox.send(events[:1]) == 0
    assert outbox.send(events[1:2]) == 1

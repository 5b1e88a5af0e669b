"""What goes onto the stream when something happens on the platform; the signals are connected by the real machinery."""

import json
import logging
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models.signals import post_save, pre_delete
from django.dispatch import Signal
from django.utils import timezone
from lms.djangoapps.grades.course_data import COLLECTED
from lms.djangoapps.grades.signals.signals import PROBLEM_WEIGHTED_SCORE_CHANGED, SUBSECTION_SCORE_CHANGED
from lms.djangoapps.lti_provider.models import GradedAssignment
from openedx.core.djangoapps.user_api.accounts.signals import USER_RETIRE_LMS_MISC
from openedx_events.learning.signals import LTI_PROVIDER_LAUNCH_SUCCESS
from site_of_tests import COURSE, NOON, PROBLEM, UNIT, Site, unit_with

from openedx_passbackd.counters import counts


def test_a_launch_and_a_score_are_on_the_stream_at_once(site: Site) -> None:
    before = timezone.now()
    site.launch(resource_link_id="link", resource_link_title="Week 1", context_title="Physics")
    site.submit(1.5)
    launch, score = site.events()
    assert before <= datetime.fromisoformat(launch.pop("modified")) <= timezone.now()
    assert launch == {
        "type": "launch",
        "oauth_consumer_key": "campus",
        "user_id": str(site.user.id),
        "course_id": str(COURSE),
        "usage_id": str(PROBLEM),
        "lis_result_sourcedid": "campus:p1",
        "lis_outcome_service_url": "https://campus.example/outcomes",
        "lti_user_id": "theirs-1",
        "resource_link_id": "link",
        "resource_link_title": "Week 1",
        "context_title": "Physics",
    }
    assert score == {
        "type": "score.changed",
        "user_id": str(site.user.id),
        "course_id": str(COURSE),
        "usage_id": str(PROBLEM),
        "points_earned": "1.5",
        "points_possible": "2.0",
        "modified": "2026-03-02T12:00:00+00:00",
    }


def test_nothing_is_sent_of_what_no_campus_asks_for(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    before = counts().get("no_course", 0)
    site.submit(1.0)
    site.launch(lis_result_sourcedid="")
    site.submit(2.0)
    site.launch()
    site.signal(course_id="lib:Uni:bank", usage_id="lb:Uni:bank:problem:p1")
    site.signal(course_id="library-v1:Uni+old", usage_id="lib-block-v1:Uni+old+type@problem+block@p1")
    assert [event["type"] for event in site.events()] == ["launch"]
    assert counts()["no_course"] == before + 2
    assert "lib:Uni:bank is no course" in caplog.text


def test_branches_and_versions_of_content_make_no_other_block(site: Site) -> None:
    site.launch()
    versioned = "block-v1:Uni+Physics+2026+branch@draft-branch+version@519665f6223ebd6980884f2b+type@problem+block@p1"
    site.signal(usage_id=versioned)
    assert site.events("score.changed")[0]["usage_id"] == str(PROBLEM)


def test_a_rolled_back_launch_is_never_sent(site: Site) -> None:
    def launch_that_fails() -> None:
        with transaction.atomic():
            site.launch()
            raise RuntimeError("the page could not be rendered")

    with pytest.raises(RuntimeError):
        launch_that_fails()
    assert site.events() == []


def test_a_deleted_score_is_cleared_now_whatever_time_the_platform_says(site: Site) -> None:
    site.launch()
    now = timezone.now()
    site.signal(weighted_earned=0, weighted_possible=0, score_deleted=True, modified=now - timedelta(hours=8))
    site.signal(weighted_earned=0, weighted_possible=0, score_deleted=True, modified=now + timedelta(minutes=5))
    local, ahead = site.events("score.cleared")
    assert now <= datetime.fromisoformat(local["modified"]) <= timezone.now()
    assert datetime.fromisoformat(ahead["modified"]) == now + timedelta(minutes=5)
    assert local.keys() == {"type", "user_id", "course_id", "usage_id", "modified"}


def test_the_kwargs_of_the_submissions_app_suffice(site: Site) -> None:
    site.launch()
    kwargs: dict[str, Any] = {
        "weighted_earned": 3,
        "weighted_possible": 5,
        "user_id": site.user.id,
        "anonymous_user_id": "anonymous",
        "course_id": str(COURSE),
        "usage_id": str(PROBLEM),
        "modified": NOON,
        "score_db_table": "submissions",
    }
    PROBLEM_WEIGHTED_SCORE_CHANGED.send(sender=None, **kwargs)
    assert site.events("score.changed")[0]["points_earned"] == "3.0"


@pytest.mark.parametrize(
    "odd",
    [
        {"weighted_earned": None},
        {"weighted_earned": math.nan},
        {"weighted_possible": math.inf},
        {"weighted_possible": -1.0},
        {"usage_id": None},
        {"usage_id": "no key"},
        {"course_id": None},
        {"course_id": "no key"},
        {"modified": datetime(2026, 3, 2, 12)},  # noqa: DTZ001
    ],
    ids=str,
)
def test_odd_arguments_are_counted_and_logged_and_the_answer_is_stored(
    site: Site, caplog: pytest.LogCaptureFixture, odd: dict[str, Any]
) -> None:
    site.launch()
    before = counts().get("score_changed.failed", 0)
    site.submit(1.0, **odd)
    assert counts()["score_changed.failed"] == before + 1
    assert "score_changed left an event out" in caplog.text
    assert site.events("score.changed") == []


@pytest.mark.parametrize(
    ("signal", "receiver", "kwargs"),
    [
        (SUBSECTION_SCORE_CHANGED, "learner_tree_changed", {"course": None, "user": None}),
        (SUBSECTION_SCORE_CHANGED, "learner_tree_changed", {}),
        (LTI_PROVIDER_LAUNCH_SUCCESS, "launched", {"launch_data": None}),
        (LTI_PROVIDER_LAUNCH_SUCCESS, "launched", {}),
        (USER_RETIRE_LMS_MISC, "retired", {"user": None}),
        (USER_RETIRE_LMS_MISC, "retired", {}),
        (pre_delete, "assignment_deleted", {}),
        (post_save, "assignment_created", {}),
    ],
    ids=str,
)
def test_no_arguments_of_any_signal_break_its_sender(
    site: Site, caplog: pytest.LogCaptureFixture, signal: Signal, receiver: str, kwargs: dict[str, Any]
) -> None:
    before = counts().get(f"{receiver}.failed", 0)
    # As the platform sends most of them: what a receiver raises reaches the learner.
    Signal.send(signal, GradedAssignment if signal in (pre_delete, post_save) else None, **kwargs)
    assert counts()[f"{receiver}.failed"] == before + 1
    assert f"{receiver} left an event out" in caplog.text
    assert site.events() == []


def test_a_deleted_learner_or_course_breaks_nothing(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.launch()
    site.launch(UNIT)
    user_id = site.user.id
    site.user.delete()
    site.signal(user_id=user_id)
    site.signal(user_id=None)
    disabled = site.events("assignment.disabled")
    assert {event["lis_result_sourcedid"] for event in disabled} == {"campus:p1", "campus:unit"}
    assert site.events("score.changed") == []
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_an_address_that_is_deleted_is_disabled(site: Site) -> None:
    site.launch()
    GradedAssignment.objects.all().delete()
    (event,) = site.events("assignment.disabled")
    assert datetime.fromisoformat(event.pop("modified")).tzinfo == UTC
    expected = {"type": "assignment.disabled", "oauth_consumer_key": "campus", "lis_result_sourcedid": "campus:p1"}
    assert event == expected


def test_a_retired_learner_is_named(site: Site) -> None:
    USER_RETIRE_LMS_MISC.send(sender=None, user=site.user)
    assert site.events() == [{"type": "user.retired", "user_id": str(site.user.id)}]


def answered(site: Site, structure: Any) -> None:
    class Course:
        id = COURSE

    SUBSECTION_SCORE_CHANGED.send(
        sender=None, course=Course, course_structure=structure, user=site.user, subsection_grade=None
    )


def test_a_learners_own_tree_is_sent_when_it_differs_and_only_when_it_changes(site: Site) -> None:
    own, common = unit_with(("p1", 4.0, 2.0)), unit_with(("p1", 4.0, 2.0), ("p2", 1.0, None))
    answered(site, own)
    assert site.events() == []
    site.launch(UNIT)
    answered(site, common)
    answered(site, own)
    answered(site, own)
    answered(site, common)
    answered(site, common)
    first, second = site.events("course.structure")
    assert first["user_id"] == second["user_id"] == str(site.user.id)
    assert [b.get("points_possible") for b in json.loads(first["blocks"])] == [None, None, None, 2.0]
    assert json.loads(second["blocks"]) == []
    assert int(first["version"]) <= int(second["version"])


def test_a_tree_is_taken_away_also_after_redis_has_lost_that_it_was_sent(site: Site) -> None:
    COLLECTED[COURSE] = unit_with(("p1", 4.0, 2.0), ("p2", 1.0, None), types="itembank")
    site.launch(UNIT)
    answered(site, unit_with(("p1", 4.0, 2.0), types="itembank"))
    site.client.flushdb()
    answered(site, COLLECTED[COURSE])
    answered(site, COLLECTED[COURSE])
    (taken_away,) = site.events("course.structure")
    assert taken_away["user_id"] == str(site.user.id)
    assert json.loads(taken_away["blocks"]) == []

"""Learners who are shown five problems of a bank of twenty: each one's own tree is exported, and sent by the sweep."""

import io
import json
import logging
from typing import Any

import pytest
import redis
from django.contrib.auth import get_user_model
from django.core.management import call_command
from lms.djangoapps.grades.course_data import COLLECTED, OWN
from openedx.core.djangoapps.user_api.models import RetirementState, UserRetirementStatus
from site_of_tests import COURSE, NOON, STREAM, UNIT, Clock, Site, block, hours, unit_with

from openedx_passbackd import own_trees
from openedx_passbackd.counters import counts
from openedx_passbackd.own_trees import Outcome
from openedx_passbackd.relay import ASSIGNMENTS_AGAIN, Relay


def bank(*numbers: int) -> Any:
    return unit_with(*((f"p{number}", 1.0, None) for number in numbers), types="itembank")


def names(event: dict[str, str]) -> set[str]:
    return {b["usage_id"].rpartition("@")[2] for b in json.loads(event["blocks"]) if "points_possible" in b}


def show(user: Any, first: int) -> set[str]:
    """Have the learner shown five problems from that one on; their names."""
    OWN[user.id, COURSE] = bank(*range(first, first + 5))
    return {f"p{number}" for number in range(first, first + 5)}


def own(site: Site, user: Any = None) -> list[set[str]]:
    """What is on the stream of a learner's own trees."""
    user_id = str((user or site.user).id)
    return [names(event) for event in site.events("course.structure") if event.get("user_id") == user_id]


@pytest.fixture
def learner(site: Site, silent: None) -> Any:
    """Another one, with an assignment of the same unit as the site's."""
    COLLECTED[COURSE] = bank(*range(20))
    user = get_user_model().objects.create(username="other")
    site.launch(UNIT)
    site.launch(UNIT, user=user, lis_result_sourcedid="other's", user_id="theirs-2")
    return user


def test_each_learners_tree_is_exported_after_the_courses(site: Site, learner: Any) -> None:
    shown, others = show(site.user, 0), show(learner, 15)
    broken, retired = (get_user_model().objects.create(username=name) for name in ("broken", "retired"))
    for user in (broken, retired):
        site.launch(UNIT, user=user, lis_result_sourcedid=user.username, user_id=user.username)
    OWN[broken.id, COURSE] = LookupError("no such block")
    state = RetirementState.objects.create(state_name="COMPLETE")
    UserRetirementStatus.objects.create(user=retired, current_state=state, modified=NOON)
    out, errors = io.StringIO(), io.StringIO()
    call_command("passbackd_export", "--structures", stdout=out, stderr=errors)
    course, *own_ones = map(json.loads, out.getvalue().splitlines())
    assert "user_id" not in course
    assert len(names(course)) == 20
    assert [(e["type"], e["course_id"], e["user_id"], names(e)) for e in own_ones] == [
        ("course.structure", str(COURSE), str(site.user.id), shown),
        ("course.structure", str(COURSE), str(learner.id), others),
    ]
    assert f"no tree of learner {broken.id} in {COURSE}: no such block" in errors.getvalue()


def test_a_tree_that_no_worker_could_send_arrives_with_the_next_sweep_and_once(
    site: Site, learner: Any, relay: Relay, clock: Clock
) -> None:
    shown = show(site.user, 0)
    relay.sweep()
    assert own(site) == []
    site.store(1.0, usage_key=block("problem", "p1"))
    assert relay.sweep() == 2
    assert site.events()[-1]["type"] == "course.structure"
    assert relay.sweep() == 0
    # Another process sends the launches and the score again, but no tree.
    Relay(site.client, STREAM, now=clock).sweep()
    assert own(site) == [shown]
    # What the learner is shown is read after a new score alone.
    other = show(site.user, 7)
    assert relay.sweep() == 0
    site.store(1.0, usage_key=block("problem", "p7"), modified=NOON + hours(2))
    assert relay.sweep() == 2
    assert own(site) == [shown, other]
    # The bank is gone, and with it what showed this learner something else.
    COLLECTED[COURSE] = unit_with(("p1", 1.0, None))
    del OWN[site.user.id, COURSE]
    site.store(1.0, usage_key=block("problem", "p1"), modified=NOON + hours(3))
    relay.sweep()
    assert own(site) == [shown, other, set()]
    assert own(site, learner) == []


def test_a_tree_that_cannot_be_read_keeps_nothing_back(
    site: Site, learner: Any, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    before = counts().get("own_tree.failed", 0)
    OWN[site.user.id, COURSE] = LookupError("no such block")
    others = show(learner, 3)
    for user in (site.user, learner):
        site.store(1.0, usage_key=block("problem", "p3"), user=user)
    relay.sweep()
    assert {event["user_id"] for event in site.events("score.changed")} == {str(site.user.id), str(learner.id)}
    assert own(site, learner) == [others]
    assert own(site) == []
    assert counts()["own_tree.failed"] == before + 1
    assert [r.levelno for r in caplog.records if "no tree of learner" in r.getMessage()] == [logging.ERROR]
    shown = show(site.user, 3)
    relay.sweep()
    assert own(site) == [shown]


def test_trees_for_which_there_was_no_time_arrive_with_a_later_sweep(site: Site, learner: Any, clock: Clock) -> None:
    shown = show(site.user, 0)
    show(learner, 0)
    site.store(1.0, usage_key=block("problem", "p1"))
    site.store(1.0, usage_key=block("problem", "p1"), user=learner)
    busy = Relay(site.client, STREAM, now=clock, tree_seconds=0)
    busy.sweep()
    assert len(site.events("score.changed")) == 2
    assert own(site) == []
    state = RetirementState.objects.create(state_name="COMPLETE")
    UserRetirementStatus.objects.create(user=learner, current_state=state, modified=NOON)
    # Its process ends. No later sweep reads those scores again, since the newest assignments are another learner's.
    site.assign_many(ASSIGNMENTS_AGAIN, user=get_user_model().objects.create(username="newest"))
    clock.now += hours(72)
    busy.sweep()
    clock.now += hours(72)
    Relay(site.client, STREAM, now=clock).sweep()
    assert len(site.events("score.changed")) == 2
    assert own(site) == [shown]
    # Nothing of a learner follows their retirement.
    assert own(site, learner) == []


def test_an_older_tree_is_not_sent_after_a_newer_one(client: redis.Redis) -> None:
    course = bank(*range(20))

    def sent(version: int, *numbers: int) -> Outcome:
        return own_trees.send(client, STREAM, own_trees.own_tree(7, COURSE, bank(*numbers), course, version))

    assert sent(20, 1, 2) is Outcome.SENT
    assert sent(10, 3, 4) is Outcome.OUTDATED
    assert sent(20, 3, 4) is Outcome.OUTDATED
    assert sent(10, 1, 2) is Outcome.KNOWN
    assert sent(30, 3, 4) is Outcome.SENT
    assert [fields["version"] for _, fields in client.xrange(STREAM)] == ["20", "30"]  # type: ignore[union-attr]

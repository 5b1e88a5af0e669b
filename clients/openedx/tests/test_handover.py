"""The platform's own handler of scores: beside passbackd, taken out, and served by campus."""

from collections.abc import Iterator

import pytest
from django.test import override_settings
from lms.djangoapps.grades.signals.signals import PROBLEM_WEIGHTED_SCORE_CHANGED
from lms.djangoapps.lti_provider import signals, tasks
from lms.djangoapps.lti_provider.models import GradedAssignment
from site_of_tests import COURSE, PROBLEM, UNIT, Site

from openedx_passbackd import handover
from openedx_passbackd.checks import check_platform


@pytest.fixture
def replacing() -> Iterator[None]:
    with override_settings(PASSBACKD_REPLACES_LTI_PROVIDER=True):
        handover.take_over()
        yield
    PROBLEM_WEIGHTED_SCORE_CHANGED.connect(signals.score_changed_handler)
    handover.take_over()
    assert not handover.taken_over()


def test_in_shadow_mode_the_platform_goes_on_and_passbackd_sees_the_same(site: Site) -> None:
    site.launch()
    site.submit(1.0)
    assert len(signals.CALLS) == 1
    assert len(site.events("score.changed")) == 1
    assert tasks.ENQUEUED == []


def test_the_platforms_handler_is_out_once_passbackd_replaces_it(site: Site, replacing: None) -> None:
    assert handover.taken_over()
    site.launch()
    site.submit(1.0)
    assert signals.CALLS == []
    assert tasks.ENQUEUED == []
    assert len(site.events("score.changed")) == 1
    assert check_platform() == []


def test_campuses_that_are_not_named_are_served_as_before(site: Site, replacing: None) -> None:
    old = site.add_campus("old")
    site.launch()
    site.launch(UNIT, campus=old)
    site.launch(PROBLEM, campus=old)
    with override_settings(PASSBACKD_CONSUMERS=["campus"]):
        site.submit(1.5)
        # No number that passbackd would take: the tasks of the platform get it, as they always did.
        site.submit(1.5, modified=None, weighted_possible=-1)
    rows = {row.lis_result_sourcedid: row for row in GradedAssignment.objects.all()}
    leaf, composite = rows["old:p1"].id, rows["old:unit"].id
    assert [
        ("send_composite_outcome", (site.user.id, str(COURSE), composite, 1), 900),
        ("send_leaf_outcome", (leaf, 1.5, 2.0), None),
        ("send_composite_outcome", (site.user.id, str(COURSE), composite, 2), 900),
        ("send_leaf_outcome", (leaf, 1.5, -1), None),
    ] == tasks.ENQUEUED
    # What waits in Celery for a campus that was moved has to find its version, or it is sent by neither.
    assert {name: row.version_number for name, row in rows.items()} == {"campus:p1": 0, "old:unit": 2, "old:p1": 2}
    assert len(site.events("score.changed")) == 1
    with override_settings(PASSBACKD_CONSUMERS=["campus", "old"]):
        site.submit(2.0)
    assert len(tasks.ENQUEUED) == 4


def test_a_handler_that_is_not_where_it_was_is_reported(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    PROBLEM_WEIGHTED_SCORE_CHANGED.disconnect(signals.score_changed_handler)
    try:
        with override_settings(PASSBACKD_REPLACES_LTI_PROVIDER=True, PASSBACKD_CONSUMERS=["other"]):
            handover.take_over()
            assert not handover.taken_over()
            assert "is not where it was expected" in caplog.text
            assert [message.id for message in check_platform()] == ["passbackd.E004"]
            site.launch()
            # Something else may still be sending: nothing is enqueued a second time.
            site.submit(1.0)
            assert tasks.ENQUEUED == []
    finally:
        PROBLEM_WEIGHTED_SCORE_CHANGED.connect(signals.score_changed_handler)
        handover.take_over()

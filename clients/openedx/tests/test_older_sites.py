"""Sites whose platform sends no event of a launch, or that keep long sourcedids in a table of their own."""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.test import override_settings
from lms.djangoapps.lti_provider.models import GradedAssignment
from site_of_tests import COURSE, PROBLEM, UNIT, Clock, Site
from test_plugin import run_in_platform

from openedx_passbackd.relay import Relay
from openedx_passbackd.sourcedids import TABLE

LAUNCHES = """
from django.contrib.auth import get_user_model
from django.db import transaction
from lms.djangoapps.lti_provider.models import GradedAssignment, LtiConsumer
from lms.djangoapps.lti_provider.views import lti_launch
from site_of_tests import COURSE, PROBLEM, UNIT

def launch(key, sourcedid):
    url = "https://campus.example/outcomes"
    posted = {"user_id": "theirs-1", "lis_result_sourcedid": sourcedid, "lis_outcome_service_url": url}
    lti_launch(get_user_model().objects.get(), LtiConsumer.objects.get(), COURSE, key, posted)

launch(PROBLEM, "first")
launch(PROBLEM, "first")
GradedAssignment.objects.get().save()
try:
    with transaction.atomic():
        launch(UNIT, "rolled back")
        raise RuntimeError
except RuntimeError:
    pass
"""


def test_a_new_assignment_is_the_launch_where_the_platform_sends_none(site: Site, redis_url: str) -> None:
    run_in_platform(LAUNCHES, PLATFORM_WITHOUT="LTI_PROVIDER_LAUNCH_SUCCESS", PASSBACKD_REDIS_URL=redis_url)
    (launch,) = site.events()
    assert launch.pop("modified") > "2026"
    assert launch == {
        "type": "launch",
        "oauth_consumer_key": "campus",
        "user_id": str(site.user.id),
        "course_id": str(COURSE),
        "usage_id": str(PROBLEM),
        "lis_result_sourcedid": "first",
        "lis_outcome_service_url": "https://campus.example/outcomes",
        "lti_user_id": "theirs-1",
    }


@pytest.fixture
def table_of_long_ones(site: Site) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {TABLE} (graded_assignment_id INTEGER, lis_result_sourcedid_long TEXT)")
        yield
        cursor.execute(f"DROP TABLE {TABLE}")


def test_the_whole_sourcedid_is_taken_where_the_site_keeps_it(
    site: Site, clock: Clock, table_of_long_ones: None
) -> None:
    long = "x" * 3000
    with override_settings(PASSBACKD_REDIS_URL=None):
        site.launch(lis_result_sourcedid=long[:255])
        site.launch(UNIT)
    cut, short = GradedAssignment.objects.order_by("pk")
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {TABLE} VALUES (%s, %s)", [(cut.pk, long), (short.pk, "")])
    Relay(site.client, "passback:events", now=clock).sweep()
    with transaction.atomic():
        cut.delete()
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {TABLE}")
    short.delete()
    assert [e["lis_result_sourcedid"] for e in site.events("launch")] == [long, "campus:unit"]
    assert [e["lis_result_sourcedid"] for e in site.events("assignment.disabled")] == [long, "campus:unit"]

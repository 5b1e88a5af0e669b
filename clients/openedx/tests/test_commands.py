"""The two commands."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from lms.djangoapps.courseware.models import StudentModule
from site_of_tests import COURSE, NOON, PROBLEM, Site, block, hours

from openedx_passbackd.pages import PAGE, pages


def printed(command: str, *args: str) -> str:
    out = io.StringIO()
    call_command(command, *args, stdout=out)
    return out.getvalue()


def test_one_sweep_says_how_much_it_appended(site: Site) -> None:
    with override_settings(PASSBACKD_REDIS_URL=None):
        site.launch()
    site.store(1.0, modified=timezone.now())
    site.store(1.0, usage_key=block("problem", "p2"))
    # A year later: the recent score, and both that the learner had before the first launch.
    assert printed("passbackd_relay", "--once") == "4 events appended\n"
    assert printed("passbackd_relay", "--once", "--since", (NOON - hours(1)).isoformat()) == "3 events appended\n"


@pytest.mark.parametrize(
    ("url", "args", "message"),
    [
        (None, ["--once"], "PASSBACKD_REDIS_URL is not set"),
        ("redis://127.0.0.1:1/0", ["--once"], "Redis did not take everything"),
        ("redis://127.0.0.1:1/0", ["--once", "--since", "yesterday"], "write a time with its zone"),
        ("redis://127.0.0.1:1/0", ["--once", "--since", "2026-03-02T09:00:00"], "write a time with its zone"),
    ],
)
def test_a_sweep_that_cannot_be_says_why(site: Site, url: Any, args: list[str], message: str) -> None:
    with override_settings(PASSBACKD_REDIS_URL=url), pytest.raises(CommandError, match=message):
        printed("passbackd_relay", *args)


def test_the_export_is_events_one_a_line(site: Site) -> None:
    site.launch()
    site.store(3.0)
    lines = [json.loads(line) for line in printed("passbackd_export", "--scores", "--structures").splitlines()]
    assert [event["type"] for event in lines] == ["course.structure", "score.changed"]
    assert lines[1] == {
        "type": "score.changed",
        "user_id": str(site.user.id),
        "course_id": str(COURSE),
        "usage_id": str(PROBLEM),
        "points_earned": "1.5",
        "points_possible": "2.0",
        "modified": NOON.isoformat(),
    }
    assert len(printed("passbackd_export").splitlines()) == 2
    assert len(printed("passbackd_export", "--scores").splitlines()) == 1
    assert "secret" not in printed("passbackd_export")


@pytest.mark.parametrize("by", ["pk", "modified"])
def test_tables_are_read_a_page_at_a_time_and_each_row_once(site: Site, by: str) -> None:
    count = 2 * PAGE + 1
    StudentModule.objects.bulk_create(
        StudentModule(
            student=site.user,
            module_state_key=block("problem", f"p{number}"),
            course_id=COURSE,
            # Many rows of one time, also over the end of a page, and not in the order of their ids.
            modified=NOON - hours(number % 3),
        )
        for number in range(count)
    )
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = [row["pk"] for page in pages(StudentModule.objects.all(), "grade", by=by) for row in page]
    assert len(found) == len(set(found)) == count
    assert len(queries) == 4
    assert all("LIMIT" in query["sql"] for query in queries)


def test_the_relay_reads_a_learners_scores_once_however_many_assignments_are_new(site: Site) -> None:
    numbers = []
    for names in (["p0"], [f"p{number}" for number in range(10)]):
        for name in names:
            site.launch(block("problem", name))
        with CaptureQueriesContext(connection) as queries:
            printed("passbackd_relay", "--once")
        numbers.append(len(queries))
    assert numbers[1] <= numbers[0]

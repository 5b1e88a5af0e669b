"""The app as the platform's plugin machinery loads it, each time in a process of its own."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import openedx_passbackd

TESTS = Path(__file__).parent
PACKAGE = Path(openedx_passbackd.__file__).parent


def run_in_platform(script: str, **environment: str) -> str:
    """What *script* prints in a new process, after the platform has started."""
    started = f"import django; django.setup()\n{script}"
    path = os.pathsep.join([str(TESTS / "platform"), str(TESTS)])
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", started],
        env={**os.environ, "PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "settings", **environment},
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    ).stdout


@pytest.mark.parametrize("order", ["", "yes"], ids=["plugin last", "plugin first"])
def test_the_handler_is_taken_out_in_either_order_of_apps(order: str) -> None:
    script = """
from django.conf import settings
from lms.djangoapps.grades.signals.signals import PROBLEM_WEIGHTED_SCORE_CHANGED
from lms.djangoapps.lti_provider import signals
from openedx_passbackd import handover
PROBLEM_WEIGHTED_SCORE_CHANGED.send(sender=None)
print(handover.taken_over(), signals.CALLS, settings.LTI_CUSTOM_PARAMS)
"""
    printed = run_in_platform(script, PASSBACKD_REPLACES="yes", PLUGIN_FIRST=order)
    assert printed == "True [] ['custom_of_the_site', 'resource_link_id', 'resource_link_title']\n"


def test_in_the_cms_only_published_courses_are_seen() -> None:
    script = """
from django.conf import settings
from xmodule.modulestore.django import COURSE_PUBLISHED
from openedx_passbackd import handover
from openedx_passbackd.platform_names import missing
print(len(COURSE_PUBLISHED.receivers), handover.taken_over(), settings.PASSBACKD_STREAM, missing())
"""
    printed = run_in_platform(script, PLATFORM_PROJECT="cms.djangoapp", PASSBACKD_REPLACES="yes")
    assert printed == "1 False passback:events {}\n"


def test_a_platform_that_lost_a_signal_and_a_column_starts_and_says_so() -> None:
    script = """
from django.test import override_settings
from openedx_passbackd import checks
from openedx_passbackd.checks import check_platform
checks.FIELDS["StudentModule"] += ("renamed",)
with override_settings(PASSBACKD_REDIS_URL="redis://127.0.0.1:1/0"):
    print(*[f"{message.id} {message.msg} {message.is_serious()}" for message in check_platform()], sep="\\n")
with override_settings(PASSBACKD_REDIS_URL="redis://127.0.0.1:1/0", PASSBACKD_REPLACES_LTI_PROVIDER=True):
    print(*[f"{message.id} {message.is_serious()}" for message in check_platform()], sep="\\n")
with override_settings(PASSBACKD_REDIS_URL=None):
    print(*[message.id for message in check_platform()])
"""
    printed = run_in_platform(script, PLATFORM_WITHOUT="SUBSECTION_SCORE_CHANGED").splitlines()
    assert [line.split(":")[0] for line in printed] == [
        "passbackd.E002 The platform has no lms.djangoapps.grades.signals.signals.SUBSECTION_SCORE_CHANGED. False",
        "passbackd.E003 lms.djangoapps.courseware.models.StudentModule has no field renamed. False",
        "passbackd.E002 True",
        "passbackd.E003 True",
        "passbackd.E004 True",
        "passbackd.W001",
    ]


def test_it_imports_nothing_of_passbackd_but_its_client() -> None:
    allowed = {"django", "opaque_keys", "redis", "openedx_passbackd", "passbackd_client", "lms", "xmodule"}
    allowed |= sys.stdlib_module_names
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module or ""]
            else:
                continue
            assert {name.partition(".")[0] for name in names} <= allowed, path

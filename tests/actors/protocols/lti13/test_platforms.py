"""How a kind of platform is recognised, and that their tables are sound."""

import re

import pytest
from multidict import CIMultiDict

from actors.profiles import PROFILE_NAMES
from actors.protocols.lti13.platforms import DEFAULT, OMISSIONS, PLATFORMS, is_canvas, profile_of
from actors.response import Response

LIMITS = {"X-Rate-Limit-Remaining": "588.2"}


@pytest.mark.parametrize(
    ("headers", "is_one"),
    [
        ({"X-Canvas-Meta": ""}, True),
        ({**LIMITS, "X-Request-Context-Id": "5e6c"}, True),
        ({}, False),
        (LIMITS, False),
        ({**LIMITS, "X-Rate-Limit-Reset": "17"}, False),
        ({"X-Request-Context-Id": "5e6c"}, False),
        ({"Set-Cookie": "x-canvas-meta=1"}, False),
    ],
)
def test_a_canvas_is_recognised_by_what_only_it_sends(headers, is_one):
    assert is_canvas(Response(200, CIMultiDict(headers), b"", 0.1)) is is_one


def test_each_profile_is_found_by_its_name():
    assert [PLATFORMS[name].name for name in PROFILE_NAMES] == list(PROFILE_NAMES)
    assert [profile_of(name).name for name in PROFILE_NAMES] == list(PROFILE_NAMES)


@pytest.mark.parametrize("product", [None, "", "Canvas", "an LMS"])
def test_what_is_not_known_is_as_every_platform(product):
    assert profile_of(product) is DEFAULT


def test_canvas_alone_has_submissions_and_aplus_alone_no_results():
    assert [name for name, platform in PLATFORMS.items() if platform.has_submissions] == ["canvas"]
    assert [name for name, platform in PLATFORMS.items() if not platform.has_results] == ["aplus"]


@pytest.mark.parametrize("profile", PLATFORMS.values(), ids=PROFILE_NAMES)
def test_a_profile_lays_its_own_rows_over_those_that_hold_for_every_platform(profile):
    assert profile.rows[-len(DEFAULT.rows) :] == DEFAULT.rows


def test_every_status_has_a_row():
    rows = [row for row in DEFAULT.rows if not row.words and row.about is None and row.means not in OMISSIONS]
    assert [status for status in range(100, 1000) if not any(status in row.statuses for row in rows)] == []


def test_what_words_are_compared_with_is_in_lower_case():
    patterns = [row.words for row in DEFAULT.rows if row.words]
    assert patterns
    assert all(re.sub(r"\\\w", "", pattern) == re.sub(r"\\\w", "", pattern).lower() for pattern in patterns)

"""What becomes of a row whose attempt was a probe of a campus that is down."""

import pytest

from actors.errors import Ambiguous, TryLater
from tests.actors.resolving import (
    BROKEN,
    BUSY,
    CONCLUDED,
    HOLD_MS,
    NOT_FOUND,
    NOW,
    NOWHERE,
    OURS,
    QUEUED,
    REFUSED,
    SILENT,
    UNEXPLAINED,
    UNREACHABLE,
    WRONG_KEY,
    end_of,
    failed,
)


@pytest.mark.parametrize("number", [1, 5, 80])
@pytest.mark.parametrize(("jitter", "wait"), [(0.0, 30_000), (0.5, 60_000), (1.0, 90_000)])
def test_while_the_campus_is_down_no_connection_spends_no_attempt_and_parks_no_grade(number, jitter, wait):
    ended = failed(UNREACHABLE, number, jitter=jitter, away=True)
    assert end_of(ended) == {"outcome": "released", "not_before": NOW + wait, "given_back": True}
    assert ended.delivery == failed(UNREACHABLE, number).delivery


@pytest.mark.parametrize("number", [1, 5, 80])
@pytest.mark.parametrize("error", [SILENT, BROKEN])
def test_while_the_campus_is_down_a_doubt_holds_but_spends_no_attempt_and_parks_no_grade(number, error):
    ended = failed(error, number, away=True)
    assert end_of(ended) == {
        "outcome": "in_doubt",
        "not_before": NOW + 60_000,
        "hold_until": NOW + HOLD_MS,
        "given_back": True,
    }
    assert ended.delivery == failed(error, number).delivery


@pytest.mark.parametrize("kind", [TryLater, Ambiguous])
def test_while_the_campus_is_down_what_it_asked_for_is_a_floor(kind):
    assert failed(kind("wait", after=600.0), away=True).not_before == NOW + 600_000
    assert failed(kind("wait", after=1.0), away=True).not_before == NOW + 60_000


def test_while_the_campus_is_down_an_address_that_is_not_found_parks_no_grade():
    """A campus that is being set up anew answers so for all its grades."""
    ended = failed(NOT_FOUND, away=True)
    assert end_of(ended) == {"outcome": "released", "not_before": NOW + 60_000, "given_back": True}
    assert ended.delivery == failed(NOT_FOUND).delivery


@pytest.mark.parametrize("error", [REFUSED, CONCLUDED, NOWHERE, WRONG_KEY, BUSY, UNEXPLAINED, QUEUED, OURS])
@pytest.mark.parametrize("number", [1, 5])
def test_what_says_nothing_bad_of_the_campus_ends_as_ever_while_it_is_down(error, number):
    probe, ended = failed(error, number, away=True), failed(error, number)
    assert (end_of(probe), probe.delivery, probe.bytes_left) == (end_of(ended), ended.delivery, ended.bytes_left)


def test_our_shutdown_is_no_sign_that_the_campus_is_down():
    assert end_of(failed(SILENT, 5, stopping=True, away=True)) == end_of(failed(SILENT, 5, stopping=True))

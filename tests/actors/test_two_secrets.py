"""What becomes of a row whose attempt was made with both secrets of its consumer."""

import pytest

from actors import resolution
from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured
from actors.protocols.interface import Accepted
from actors.resolution import SECRETS_WAIT_MS, may_be_the_secret, of_two_secrets
from models.finishing import Finish
from tests.actors.resolving import (
    ANSWER,
    BROKEN,
    BUSY,
    CONCLUDED,
    HOLD_MS,
    NO_TRUST,
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
    make_request,
)


def stored() -> Finish:
    return resolution.accepted(make_request(), ANSWER, Accepted(200, "success", ""))


def of_two(first: DeliveryError, second: DeliveryError | None) -> Finish:
    """*second*: None for an acceptance."""
    return of_two_secrets(failed(first), stored() if second is None else failed(second), now=NOW)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (WRONG_KEY, True),
        (NOT_FOUND, True),
        (UNEXPLAINED, True),
        (Ambiguous("HTTP 409", http_status=409), True),
        (BROKEN, True),
        (QUEUED, False),
        (Ambiguous("HTTP 200 without a code", http_status=200), False),
        (Misconfigured("HTTP 302", http_status=302), False),
        (NO_TRUST, False),
        (REFUSED, False),
        (CONCLUDED, False),
        (NOWHERE, False),
        (BUSY, False),
        (UNREACHABLE, False),
        (SILENT, False),
        (OURS, False),
    ],
)
def test_an_answer_may_mean_an_unknown_secret_unless_it_says_something_else(error, expected):
    assert may_be_the_secret(failed(error)) is expected


def test_an_acceptance_does_not_ask_for_the_other_secret():
    assert not may_be_the_secret(stored())


def test_what_was_not_sent_does_not_ask_for_the_other_secret():
    assert not may_be_the_secret(resolution.not_sent(make_request().claim, "released"))


def test_the_second_answer_decides():
    assert end_of(of_two(WRONG_KEY, None)) == {"outcome": "accepted", "score": "0.5"}
    assert end_of(of_two(WRONG_KEY, REFUSED)) == end_of(failed(REFUSED))
    assert end_of(of_two(NOT_FOUND, BROKEN)) == end_of(failed(BROKEN))


@pytest.mark.parametrize("second", [WRONG_KEY, UNREACHABLE, REFUSED])
def test_a_doubt_about_the_first_request_stays_unless_the_second_was_accepted(second):
    doubt = Ambiguous("HTTP 409", http_status=409)
    assert end_of(of_two(doubt, second)) == end_of(failed(doubt))
    accepted = of_two(doubt, None)
    assert (accepted.outcome, accepted.hold_until) == ("accepted", NOW + HOLD_MS), "it may yet land"


def test_no_grade_is_parked_for_a_secret_that_the_campus_does_not_know_yet():
    assert end_of(of_two(NOT_FOUND, GiveUp("HTTP 400", scope="campus", http_status=400))) == {
        "outcome": "released",
        "not_before": NOW + SECRETS_WAIT_MS,
        "given_back": True,
    }


def test_a_grade_that_is_refused_for_another_reason_is_parked_with_both_secrets_too():
    assert of_two(WRONG_KEY, CONCLUDED).parked_scope == "course"


def test_an_unexplained_refusal_of_both_is_tried_again():
    assert of_two(UNEXPLAINED, UNEXPLAINED).outcome == "retried"

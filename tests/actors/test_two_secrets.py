"""What becomes of a row whose attempt was made with both secrets of its consumer."""

import pytest

from actors import resolution
from actors.errors import DeliveryError, GiveUp
from actors.resolution import SECRETS_WAIT_MS, may_be_the_secret, of_two_secrets
from models.finish import Finish
from tests.actors.resolving import CLAIM, ERRORS, HOLD_MS, NOW, end_of, failed, stored


def of_two(first: str, second: DeliveryError | str | None) -> Finish:
    """*second*: None for an acceptance."""
    return of_two_secrets(failed(first), stored() if second is None else failed(second), now=NOW)


@pytest.mark.parametrize("error", ERRORS)
def test_an_answer_may_mean_an_unknown_secret_unless_it_says_something_else(error):
    expected = error in ("wrong key", "not found", "unexplained", "conflict", "broken")
    assert may_be_the_secret(failed(error)) is expected


@pytest.mark.parametrize("end", [stored(), resolution.not_sent(CLAIM, "released")])
def test_neither_an_acceptance_nor_what_was_not_sent_asks_for_the_other_secret(end):
    assert not may_be_the_secret(end)


def test_the_second_answer_decides():
    assert end_of(of_two("wrong key", None)) == {"outcome": "accepted", "score": "0.5"}
    assert end_of(of_two("wrong key", "refused")) == end_of(failed("refused"))
    assert end_of(of_two("not found", "broken")) == end_of(failed("broken"))


@pytest.mark.parametrize("second", ["wrong key", "unreachable", "refused"])
def test_the_first_request_stays_in_doubt_unless_the_second_was_accepted(second):
    assert end_of(of_two("conflict", second)) == end_of(failed("conflict"))
    accepted = of_two("conflict", None)
    assert (accepted.outcome, accepted.hold_until) == ("accepted", NOW + HOLD_MS), "it may yet land"


def test_no_grade_is_parked_for_a_secret_that_the_campus_does_not_know_yet():
    assert end_of(of_two("not found", GiveUp("HTTP 400", scope="campus", http_status=400))) == {
        "outcome": "released",
        "not_before": NOW + SECRETS_WAIT_MS,
        "given_back": True,
    }


def test_a_grade_that_is_refused_for_another_reason_is_parked_with_both_secrets_too():
    assert of_two("wrong key", "concluded").parked_scope == "course"


def test_an_unexplained_refusal_of_both_is_tried_again():
    assert of_two("unexplained", "unexplained").outcome == "retried"

"""The words of a reason: bounded, and without what must never show."""

import pytest

from actors.errors import TryLater
from actors.protocols.lti11.responses import classify
from tests.actors.protocols.lti11.responding import NOW, answer, refused
from tests.fakes.lms import pox


@pytest.mark.parametrize(
    ("status", "body", "start"),
    [
        (404, b"w" * 9000, "HTTP 404: "),
        (200, b"w" * 9000, "HTTP 200 without a readable imsx_codeMajor: "),
        (200, pox("failure", "w" * 9000), "HTTP 200, failure: "),
    ],
)
def test_a_reason_has_the_first_500_characters_of_the_campuss_words(status, body, start):
    assert refused(status, body).reason == start + 500 * "w"


def test_a_reason_never_holds_the_sourcedid_or_the_secret():
    sourcedid = '{"data":{"id":"4711"},"hash":"a<b&c"}'
    words = f"Incorrect sourcedId: {sourcedid} for s3cret!"
    error = refused(200, pox("failure", words), hide=(sourcedid, "s3cret!"))
    assert error.reason == "HTTP 200, failure: Incorrect sourcedId: […] for […]"
    accepted = classify(answer(200, pox("success", f"stored {sourcedid}")), now=NOW, hide=(sourcedid,))
    assert accepted.description == "stored […]"


def test_a_sourcedid_that_was_cut_off_is_struck_out_too():
    sourcedid = "0123456789" * 80
    error = refused(200, pox("failure", "unknown " + sourcedid), hide=[sourcedid])
    assert error.reason == "HTTP 200, failure: unknown […]"
    assert "0123456789" not in refused(404, b"unknown " + sourcedid.encode() * 3, hide=[sourcedid]).reason


def test_a_sourcedid_that_names_a_reason_does_not_decide():
    error = refused(200, pox("failure", "cannot store nonce-signature"), hide=["nonce-signature"])
    assert isinstance(error, TryLater)

"""What an LMS gets, on a real socket."""

import json
from urllib.parse import unquote

import pytest

from actors.protocols.lti11.oauth1 import body_hash
from actors.retry import UNEXPLAINED_WAITS
from tests.actors.protocols.lti11.conftest import JSON
from tests.actors.sending import KEY, SECRET, results
from tests.fakes import lms as fake

# What one engine does with a row the other does too: see the tests of the models.
pytestmark = pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)


async def test_a_request_is_signed_with_hmac_sha1_under_the_scheme_that_moodle_reads(sending, lms, leaf):
    await sending.send(leaf)
    (request,) = lms.requests
    assert request.headers.getall("Content-Type") == ["application/xml"], "Canvas takes no other, not even a charset"
    (header,) = request.headers.getall("Authorization")
    scheme, _, parameters = header.partition(" ")
    signed = dict(pair.strip().split("=", 1) for pair in parameters.split(","))
    assert scheme == "OAuth"
    assert signed["oauth_signature_method"] == '"HMAC-SHA1"'
    assert unquote(signed["oauth_body_hash"]).strip('"') == body_hash(request.body)
    assert request.verified, "not the bytes that were signed"


async def test_every_attempt_has_a_nonce_a_timestamp_and_a_message_identifier_of_its_own(sending, lms, leaf):
    lms.keys[KEY] = "another secret"
    await sending.send(leaf)
    assert lms.faults == ["request 0: a signature that is not valid"]
    lms.faults.clear()
    lms.keys[KEY] = SECRET
    lms.behave = fake.in_turn(fake.failure("?"), fake.answer(503), fake.answer(429), fake.cut("before"))
    for _ in range(5):
        sending.tick(2 * UNEXPLAINED_WAITS[0].total_seconds())
        await sending.send(leaf)
    expected = ["misconfigured", "retried", "ambiguous", "retried", "ambiguous", "accepted"]
    assert await results(leaf) == expected
    for name in ("nonce", "timestamp", "message_id"):
        assert len({getattr(request, name) for request in lms.requests}) == len(expected), name
    assert [request.verified for request in lms.requests] == [False] + 5 * [True]


async def test_a_sourcedid_that_is_json_comes_back_byte_for_byte(sending, lms, leaf):
    await sending.send(leaf)
    (request,) = lms.requests
    assert request.sourcedid == JSON
    assert json.loads(request.sourcedid)["hash"] == "a&b<c>"
    assert b"a&amp;b&lt;c&gt;" in request.body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed_not_even_to_the_campus_itself(sending, lms, leaf, status):
    lms.behave = fake.in_turn(fake.answer(status, headers={"Location": lms.url("/elsewhere")}))
    await sending.send(leaf)
    assert [request.path for request in lms.requests] == ["/outcomes"]
    assert lms.applied == []


async def test_nothing_is_said_of_the_time_of_submission_since_launches_do_not_say_who_reads_it(sending, lms, leaf):
    await sending.send(leaf)
    assert b"submissionDetails" not in lms.requests[0].body

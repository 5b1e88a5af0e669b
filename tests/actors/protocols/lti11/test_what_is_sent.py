"""What an LMS gets, on a real socket. The bytes of a request are recorded: see tests/golden."""

import pytest

from actors.retry import UNEXPLAINED_WAITS
from tests.actors.sending import KEY, SECRET, results
from tests.fakes import lms as fake

# What one engine does with a row the other does too: see the tests of the models.
pytestmark = pytest.mark.parametrize("shared_url", ["sqlite"], indirect=True)


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


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed_not_even_to_the_campus_itself(sending, lms, leaf, status):
    lms.behave = fake.in_turn(fake.answer(status, headers={"Location": lms.url("/elsewhere")}))
    await sending.send(leaf)
    assert [request.path for request in lms.requests] == ["/outcomes"]
    assert lms.applied == []

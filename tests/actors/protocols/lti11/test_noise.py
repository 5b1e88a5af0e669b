"""What is around an envelope neither hides it nor makes one: for noise of many kinds, in any order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.decoding import decompressed
from actors.protocols.lti11.basic_outcome import read_reply
from actors.response import BODY_LIMIT
from tests.actors.protocols.lti11 import noise
from tests.fakes.lms import pox

CODES = st.sampled_from(["success", "failure", "unsupported", "processing"])
WORDS = "wording «ä»"


def envelope(code: str, words: str = WORDS) -> str:
    return pox(code, words).decode()


@st.composite
def noisy(draw: st.DrawFn, text: str, most: int = 4) -> bytes:
    """*text* with noise around it, as it is after its content codings were taken off."""
    for _ in range(draw(st.integers(0, most))):
        text = draw(noise.text_noise)(text)
    written = draw(noise.encodings)(text)
    declared, encode = draw(noise.codings)
    body, whole = decompressed(encode(written), declared, BODY_LIMIT)
    assert whole
    return body


@given(st.data(), CODES)
def noise_never_hides_an_envelope(data, code):
    reply = read_reply(data.draw(noisy(envelope(code))))
    assert reply.code_major == code
    assert "wording" in reply.description


@given(st.data())
def a_quoted_envelope_is_none_whatever_is_around_it(data):
    quoted = data.draw(noise.quotings)(envelope("success"))
    assert read_reply(data.draw(noisy(quoted, most=2))).code_major is None


@given(st.data(), st.booleans())
def a_quoted_success_beside_a_failure_makes_no_success(data, first):
    quoted = data.draw(noise.quotings)(envelope("success"))
    both = quoted + "\n" + envelope("failure") if first else envelope("failure") + "\n" + quoted
    assert read_reply(data.draw(noisy(both, most=2))).code_major in (None, "failure")


@given(st.data(), CODES, CODES)
def two_envelopes_say_nothing(data, one, other):
    between = data.draw(noise.text_noise)("\n")
    assert read_reply(data.draw(noisy(envelope(one) + between + envelope(other), most=2))).code_major is None


@given(st.data())
def noise_alone_is_no_envelope(data):
    assert read_reply(data.draw(noisy(""))).code_major is None


PROPERTIES = [
    noise_never_hides_an_envelope,
    a_quoted_envelope_is_none_whatever_is_around_it,
    a_quoted_success_beside_a_failure_makes_no_success,
    two_envelopes_say_nothing,
    noise_alone_is_no_envelope,
]


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
def test_it_holds_whatever_is_around_the_envelope(holds):
    settings(max_examples=150, deadline=None, derandomize=True)(holds)()

"""Whatever bytes, headers and JSON an answer is made of, it means one thing, and shows nothing secret."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.errors import DeliveryError, Omit, Overtaken
from actors.protocols.interface import CLEARED, Accepted, Held, WireScore
from actors.protocols.lti13.line_items import LineItemPage, read_line_items
from actors.protocols.lti13.platforms import PLATFORMS
from actors.protocols.lti13.responses import classify
from actors.protocols.lti13.results import read_results
from actors.protocols.lti13.token import AccessToken, read_token
from actors.response import BODY_LIMIT, Response
from tests.actors.protocols.lti11 import noise

NOW = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)
TOKEN, SUB = "eyJhbGciOi.a-secret-token.zzz", "urn:a-secret/user"
LINE_ITEM = "https://campus.example/items/3"
SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"

_WORDS = st.one_of(
    st.text(max_size=30),
    st.sampled_from([
        TOKEN, SUB, "timestamp", "before last updated timestamp of 9999-12-31T23:59:59Z", "User not found in course",
        "The token has expired", "maximum number of allowed attempts", "submitted_at in the future", "scoreGiven",
        "This course has concluded", "still unpublished", "userId", "resultScore", "resultMaximum", "access_token",
        "id", "expires_in", "scope", "error", LINE_ITEM,
    ]),
)  # fmt: skip
_NUMBERS = st.sampled_from(
    ["1e999", "-1e999", "NaN", "Infinity", "9" * 5000, "1e99999999999999999999", "0.1", "-0", "7"]
)
_LEAVES = st.one_of(_WORDS.map(json.dumps), _NUMBERS, st.sampled_from(["null", "true", "[]", "{}"]))
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]"),
        st.lists(st.tuples(_WORDS.map(json.dumps), inner), max_size=4).map(
            lambda pairs: "{" + ",".join(f"{name}:{value}" for name, value in pairs) + "}"
        ),
    ),
    max_leaves=12,
)
_BODIES = st.one_of(
    st.binary(max_size=200),
    _JSON.map(str.encode),
    st.tuples(noise.text_noise, _JSON, noise.encodings).map(lambda parts: parts[2](parts[0](parts[1]))),
    st.integers(1, 30_000).map(lambda depth: b"[" * depth),
)
_HEADERS = st.dictionaries(
    st.sampled_from([
        "Content-Type", "Link", "Retry-After", "Date", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset", "Location",
        "WWW-Authenticate", "Set-Cookie", "X-Canvas-Meta",
    ]),
    st.one_of(
        st.text(max_size=40),
        st.sampled_from([
            "application/json", "text/html", "1e999", "-5", "nan", f"<{LINE_ITEM}?b>; rel=next",
            "<https://other.example/>; rel=\u201cnext\u201d", "9" * 5000, 'Bearer error="invalid_token"',
        ]),
    ),
    max_size=4,
)  # fmt: skip
_RESPONSES = st.builds(
    Response,
    st.sampled_from([*range(200, 209), *range(300, 309), *range(400, 432), 451, *range(500, 512), 599, 600, 999]),
    _HEADERS,
    _BODIES,
    st.just(0.1),
    st.booleans(),
    st.text(max_size=60),
)
_SCORES = st.one_of(
    st.none(),
    st.builds(
        WireScore,
        st.sampled_from(["0", "0.5", CLEARED]),
        st.just(1),
        st.sampled_from([None, 1000]),
        st.sampled_from([None, True, False]),
    ),
)


def outcome(read: Callable[[], object]) -> object:
    """What was read, or the error that says why not."""
    try:
        return read()
    except (DeliveryError, ValueError) as error:
        return error


def shown(error: object) -> str:
    return f"{error!r} {error} {vars(error)}"


@given(_RESPONSES, _SCORES, st.sampled_from([None, *PLATFORMS.values()]))
def an_answer_is_a_success_or_one_known_error(response, sent, platform):
    said = outcome(lambda: classify(response, now=NOW, platform=platform, redacted=[TOKEN, SUB], sent=sent))
    if isinstance(said, Accepted):
        assert said.http_status in (200, 201, 204)
        return
    assert isinstance(said, DeliveryError)
    assert TOKEN not in shown(said)
    assert SUB not in shown(said)
    assert said.http_status == response.status
    after = getattr(said, "after", None)
    assert after is None or (isfinite(after) and after >= 0)
    assert not isinstance(said, Overtaken) or sent is not None
    if isinstance(said, Omit):
        assert sent is not None
        assert {
            "clear": sent.text == CLEARED,
            "submitted_at": sent.submitted_at is not None,
            "new_submission": sent.new_submission is True,
        }[said.what]


@given(_RESPONSES)
def results_hold_a_score_or_say_why_not(response):
    held = outcome(lambda: read_results(response, user_id=SUB, asked=LINE_ITEM))
    if isinstance(held, Held):
        assert held.score == "" or isfinite(float(held.score))
        assert held.more is None or held.more.startswith("https://campus.example/")
    else:
        assert isinstance(held, ValueError)
        assert TOKEN not in shown(held)


@given(_RESPONSES)
def line_items_are_of_the_platform_that_was_asked(response):
    page = outcome(lambda: read_line_items(response, container=LINE_ITEM))
    if isinstance(page, LineItemPage):
        assert all(item.url.lower().startswith("https://campus.example") for item in page.items)
    else:
        assert isinstance(page, ValueError)
        assert TOKEN not in shown(page)


@given(_RESPONSES)
def a_token_is_one_that_a_header_can_carry(response):
    token = outcome(lambda: read_token(response, scope=SCOPE, now=NOW, redacted=[TOKEN]))
    if isinstance(token, AccessToken):
        assert token.text.isascii()
        assert token.text.isprintable()
        assert 0 < token.life <= 24 * 3600
        assert 200 <= response.status <= 299
    else:
        assert isinstance(token, DeliveryError)
        assert TOKEN not in shown(token)


PROPERTIES = [
    an_answer_is_a_success_or_one_known_error,
    results_hold_a_score_or_say_why_not,
    line_items_are_of_the_platform_that_was_asked,
    a_token_is_one_that_a_header_can_carry,
]


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
def test_it_holds_whatever_an_answer_is_made_of(holds):
    settings(max_examples=150, deadline=None, derandomize=True)(holds)()


def test_an_answer_as_long_as_any_is_classified_at_once():
    for piece in (b"timestamp ", b"[", b'{"a":', b'"\\', b"user not ", b"<", b"2026-11-22T10:15:3", b";rel="):
        body = (piece * BODY_LIMIT)[:BODY_LIMIT]
        with pytest.raises(DeliveryError):
            classify(Response(400, {"Link": body[:30_000].decode()}, body, 0.1), now=NOW, sent=WireScore("0.5"))

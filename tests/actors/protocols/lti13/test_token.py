"""The request for a token, and what an answer to it means, without a server; over a socket see the tests of tokens."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from actors.errors import DeliveryError, Misconfigured, TryLater
from actors.protocols.lti13.token import LONGEST_LIFE, USUAL_LIFE, AccessToken, read_token, write_token_request
from actors.response import Response

SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
NOW = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)


def read(value, status=200, headers=None, redacted=()) -> AccessToken:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return read_token(Response(status, headers or {}, body, 0.1), scope=SCOPE, now=NOW, redacted=redacted)


def refused(*args, **kwargs) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        read(*args, **kwargs)
    return caught.value


def test_the_form_is_that_of_client_credentials_with_an_assertion():
    wire = write_token_request("https://l.example/token?x=1", "head.claims.signature+/=", SCOPE)
    assert (wire.method, wire.url) == ("POST", "https://l.example/token?x=1")
    assert wire.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(wire.body.decode(), strict_parsing=True) == {
        "grant_type": ["client_credentials"],
        "client_assertion_type": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
        "client_assertion": ["head.claims.signature+/="],
        "scope": [SCOPE],
    }
    assert "head.claims" not in repr(wire)
    assert "head.claims.signature+/=" in wire.redacted


@pytest.mark.parametrize(
    ("expires_in", "life"),
    [
        ("3600", 3600),
        ('"3600"', 3600),
        ("59.5", 59.5),
        ("1e999", LONGEST_LIFE),
        ("9" * 5000, LONGEST_LIFE),
        ("1e999999999999999999999", USUAL_LIFE),
        (f'"{"9" * 5000}"', USUAL_LIFE),
        ("NaN", USUAL_LIFE),
        ("Infinity", USUAL_LIFE),
        ("-Infinity", USUAL_LIFE),
        ("0", USUAL_LIFE),
        ("-5", USUAL_LIFE),
        ('"-5"', USUAL_LIFE),
        ('"soon"', USUAL_LIFE),
        ('"\u0663"', USUAL_LIFE),
        ("null", USUAL_LIFE),
        ("true", USUAL_LIFE),
        ("[]", USUAL_LIFE),
        ("{}", USUAL_LIFE),
    ],
)
def test_a_token_lives_as_long_as_is_said_or_five_minutes(expires_in, life):
    assert read(f'{{"access_token": "t", "expires_in": {expires_in}}}'.encode()).life == life


@pytest.mark.parametrize(
    "members",
    [{"token_type": "Bearer"}, {"token_type": 7}, {"token_type": None}, {"expires_at": "soon"}, {"expires_at": [1]},
     {"scope": {"a": 1}}, {"scope": 7}, {"refresh_token": []}, {"error": None}, {"error": []}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 201])
def test_a_token_is_taken_whatever_else_is_odd(members, status):
    assert read({"access_token": "t", **members}, status).text == "t"


@pytest.mark.parametrize(
    "text", ["", " ", "a b", "a\r\nX: y", "a\0", "ä", "\ud800", "a" * 8001, "a\n", "\u2028"], ids=ascii
)
def test_a_token_that_no_header_can_carry_is_none(text):
    error = refused({"access_token": text})
    assert isinstance(error, TryLater)
    assert not text.strip() or text not in error.reason


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>access_token=abc", b"access_token=abc&token_type=bearer", b'"abc"', b"[]", b"null", b"7",
     b"[" * 60_000, b'{"access_token": 7}', b'{"access_token": {"a": "t"}}', b"\xff\xfe\xfd", b'{"access_token": "t"'],
)  # fmt: skip
def test_an_answer_without_a_token_is_no_reason_to_give_up(body):
    error = refused(body)
    assert isinstance(error, TryLater)
    assert not error.throttled
    assert not error.bytes_left
    assert "abc" not in error.reason


@pytest.mark.parametrize("words", ["<b>no</b>", "", None, 7, ["invalid_client"], {"a": 1}])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 422])
def test_a_refusal_of_any_shape_waits_for_the_operator(status, words):
    for value in ({"error": words}, {"error": "invalid_client", "error_description": words}, words):
        error = refused(value, status)
        assert type(error) is Misconfigured
        assert error.reason.startswith(f"no access token: HTTP {status}: ")


def test_the_words_of_a_refusal_are_oauths():
    error = refused({"error": "invalid_client", "error_description": "Unknown kid"}, 401)
    assert error.reason == "no access token: HTTP 401: invalid_client: Unknown kid"


@pytest.mark.parametrize("status", [200, 400, 429, 500])
def test_no_word_of_a_refusal_is_a_secret(status):
    said = {"error": "x", "error_description": "head.claims.signature is wrong"}
    error = refused(said, status, redacted=["head.claims.signature"])
    assert "head.claims" not in f"{error!r} {vars(error)}"


@pytest.mark.parametrize("secret", ["s3cret", ["s3cret"], {"value": "s3cret"}, {"error": "s3cret"}], ids=str)
@pytest.mark.parametrize("name", ["token", "access_token", "client_secret", "id_token"])
@pytest.mark.parametrize("status", [200, 302, 400, 403, 429, 500])
def test_a_refusal_may_hold_a_token_of_any_shape_which_is_never_shown(status, name, secret):
    said = refused(
        {name: secret if name != "access_token" or status != 200 else ["s3cret"], "detail": "Not now"}, status
    )
    assert "s3cret" not in f"{said!r} {vars(said)}"
    assert status == 200 or "Not now" in said.reason
    listed = refused([{name: secret}], status)
    assert "s3cret" not in listed.reason


def test_a_token_hides_in_its_representation():
    assert "a-secret" not in repr(read({"access_token": "a-secret"}))


@pytest.mark.parametrize(
    ("headers", "after"), [({"Retry-After": "9"}, 9), ({"X-Rate-Limit-Reset": "7"}, 7), ({}, None)]
)
def test_a_busy_server_says_for_how_long(headers, after):
    error = refused(b"", 429, headers)
    assert isinstance(error, TryLater)
    assert (error.throttled, error.after) == (True, after)

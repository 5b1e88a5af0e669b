"""Signatures. Those of many URLs, keys and secrets are recorded: see tests/golden."""

from collections.abc import Mapping
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.oauth1 import Client

from actors.protocols.lti11.oauth1 import body_hash, secrets_of, sign


def signed(url: str, body: bytes = b"<a/>", key: str = "campus", secret: str = "s3cret") -> dict[str, str]:
    return sign(url, body, key=key, secret=secret, nonce="nonce-1", timestamp="1700000000")


def parameters(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    scheme, _, rest = headers["Authorization"].partition(" ")
    assert scheme == "OAuth"
    pairs = (part.strip().partition("=") for part in rest.split(","))
    return [(name, unquote(value.strip('"'))) for name, _, value in pairs]


def test_the_body_hash_is_that_of_the_specification():
    assert body_hash(b"Hello world!") == "00hq6RNueFa8QiEjhep5cJRHWAI="


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://lms.example/a b", "white space"),
        ("https://lms.example/a\u3000b", "white space"),
        ("https://lms.example/o\r\nX: y", "white space"),
        ("https://lms.example/o?q=\ud83d", "control characters"),
        ("https://u:secret@lms.example/o", "user name"),
        ("https://l\u00fcms.example/o", "not ASCII"),
        ("https://lms.example:port/o", "malformed"),
        ("https://[::1/o", "malformed"),
        ("https://lms.example:0x/o", "malformed"),
        ("ftp://lms.example/o", "http"),
        ("/outcomes", "http"),
        ("https:///outcomes", "http"),
        ("", "http"),
        ("https://lms.example/o?oauth_body_hash=x", "OAuth parameters of its own"),
    ],
)
def test_a_url_that_cannot_be_signed_is_refused_in_plain_words(url, why):
    with pytest.raises(ValueError, match=f"the outcome service URL cannot be signed: .*{why}") as caught:
        signed(url)
    assert "secret" not in str(caught.value)


def test_nonce_and_signature_of_a_request_are_known_in_each_form():
    headers = sign("https://campus.example/o", b"<x/>", key="k", secret="s", nonce="a+nonce", timestamp="1")
    nonce, plain_nonce, signature, plain_signature = secrets_of(headers)
    assert (nonce, plain_nonce) == ("a%2Bnonce", "a+nonce")
    assert signature.endswith("%3D")
    assert plain_signature == signature.replace("%3D", "=").replace("%2B", "+").replace("%2F", "/")


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@given(
    st.sampled_from(["https", "http", "HTTPS"]),
    st.sampled_from(["lms.example", "LMS.Example:443", "lms.example:8080", "127.0.0.1:80", "[2001:db8::1]:8443"]),
    st.lists(TEXT.map(quote), max_size=3).map("/".join),
    st.lists(st.tuples(TEXT.map(quote_plus), TEXT.map(quote)), max_size=4),
    TEXT.filter(bool),
    TEXT,
    TEXT,
)
def test_a_request_is_signed_as_oauthlib_signs_it(scheme, host, path, query, key, secret, body):
    pairs = [f"{name}={value}" for name, value in query if not unquote_plus(name).startswith("oauth_")]
    url = f"{scheme}://{host}/{path}" + (f"?{'&'.join(pairs)}" if pairs else "")
    body = f"<a>{body}</a>"  # it must not look like a form
    client = Client(key, client_secret=secret, nonce="nonce-1", timestamp="1700000000")
    _, expected, _ = client.sign(url, http_method="POST", body=body, headers={"Content-Type": "application/xml"})
    found = signed(url, body.encode(), key, secret)
    assert sorted(parameters(found)) == sorted(parameters(expected))
    assert found["Content-Type"] == expected["Content-Type"]

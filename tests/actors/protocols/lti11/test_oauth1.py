"""Signatures, checked by the other side of the library."""

from collections.abc import Mapping
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.oauth1 import Client, RequestValidator, SignatureOnlyEndpoint

from actors.protocols.lti11.oauth1 import body_hash, secrets_of, sign

BODY = '<?xml version="1.0" encoding="UTF-8"?><a>ünï&amp;=</a>'.encode()


class Platform(RequestValidator):
    """Knows one key."""

    enforce_ssl = False
    dummy_client = "dummy"
    timestamp_lifetime = 10**12

    def __init__(self, key: str, secret: str) -> None:
        super().__init__()
        self.key, self.secret = key, secret

    def check_client_key(self, client_key):
        return True

    def check_nonce(self, nonce):
        return True

    def validate_timestamp_and_nonce(self, *args, **kwargs):
        return True

    def validate_client_key(self, client_key, request):
        return client_key == self.key

    def get_client_secret(self, client_key, request):
        return self.secret


def accepts(
    url: str, headers: Mapping[str, str], key: str = "campus", secret: str = "s3cret", body: bytes = BODY
) -> bool:
    valid, _ = SignatureOnlyEndpoint(Platform(key, secret)).validate_request(url, "POST", body.decode(), dict(headers))
    return valid


def signed(url: str, body: bytes = BODY, key: str = "campus", secret: str = "s3cret") -> dict[str, str]:
    return sign(url, body, key=key, secret=secret, nonce="nonce-1", timestamp="1700000000")


def parameters(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    scheme, _, rest = headers["Authorization"].partition(" ")
    assert scheme == "OAuth"
    pairs = (part.strip().partition("=") for part in rest.split(","))
    return [(name, unquote(value.strip('"'))) for name, _, value in pairs]


def test_the_body_hash_is_that_of_the_specification():
    assert body_hash(b"Hello world!") == "00hq6RNueFa8QiEjhep5cJRHWAI="


def test_a_signature_has_every_parameter_once():
    headers = signed("https://lms.example/outcomes")
    names = [name for name, _ in parameters(headers)]
    assert sorted(names) == [
        "oauth_body_hash",
        "oauth_consumer_key",
        "oauth_nonce",
        "oauth_signature",
        "oauth_signature_method",
        "oauth_timestamp",
        "oauth_version",
    ]
    said = dict(parameters(headers))
    assert said["oauth_body_hash"] == body_hash(BODY)
    assert said["oauth_signature_method"] == "HMAC-SHA1"
    assert (said["oauth_nonce"], said["oauth_timestamp"]) == ("nonce-1", "1700000000")
    assert set(headers) == {"Authorization", "Content-Type"}
    assert headers["Content-Type"] == "application/xml"


@pytest.mark.parametrize(
    "url",
    [
        "https://lms.example/outcomes",
        "https://lms.example",
        "https://lms.example/",
        "https://LMS.Example/Outcomes",
        "HTTPS://lms.example/outcomes",
        "https://lms.example:443/outcomes",
        "https://lms.example:8443/outcomes",
        "http://lms.example:80/outcomes",
        "http://127.0.0.1:8080/outcomes",
        "http://[::1]:8080/outcomes",
        "https://lms.example/mod/lti/service.php?id=7&type=grade",
        "https://lms.example/o?a=1&a=2&a=1",
        "https://lms.example/o?b=2&a=1",
        "https://lms.example/o?q=a+b&r=a%20b&s=a%2Bb",
        "https://lms.example/o?name=%C3%BCn%C3%AF&slash=%2F&amp=%26&equals=%3d",
        "https://lms.example/o?empty=&bare&last",
        "https://lms.example/o?",
        "https://lms.example/a%20b/%E2%82%AC;p=1/c,d~e'f(g)!?x=*",
        "https://lms.example/o?a=1#fragment",
    ],
)
def test_the_other_side_accepts_a_signature_for(url):
    assert accepts(url, signed(url))


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("https://lms.example/o?a=1", "https://lms.example/o?a=2"),
        ("https://lms.example/o?a=1", "https://lms.example/o"),
        ("https://lms.example/o", "https://lms.example/p"),
        ("https://lms.example/o", "https://lms.example:8443/o"),
    ],
)
def test_a_signature_for_one_url_is_none_for_another(url, other):
    assert not accepts(other, signed(url))


@pytest.mark.parametrize("secret", ["", "pässwörd-日本", "a&b=c%20+ /", "😀"])
@pytest.mark.parametrize("key", ["campus", "schlüssel", "a b&c=d"])
def test_keys_and_secrets_may_have_any_characters(key, secret):
    url = "https://lms.example/o?a=%20"
    headers = signed(url, key=key, secret=secret)
    assert accepts(url, headers, key=key, secret=secret)
    assert not accepts(url, headers, key=key, secret=secret + "x")


def test_the_body_is_part_of_the_signature_through_its_hash():
    url = "https://lms.example/o"
    first, second = dict(parameters(signed(url))), dict(parameters(signed(url, body=b"<other/>")))
    assert first["oauth_body_hash"] != second["oauth_body_hash"]
    assert first["oauth_signature"] != second["oauth_signature"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://lms.example/a b", "percent-encoded"),
        ("https://lms.example/ü", "percent-encoded"),
        ("https://lms.example/o?q=ü", "percent-encoded"),
        ("https://lms.example/o\r\nX: y", "percent-encoded"),
        ("https://lms.example/o?q=%zz", "form-encoded"),
        ("https://lms.example/o?q=<secret>", "form-encoded"),
        ("https://lms.example/o?q=%ff", "malformed"),
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

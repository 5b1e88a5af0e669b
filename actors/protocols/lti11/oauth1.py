"""OAuth 1.0 signatures with a body hash, as LTI 1.1 wants them. Pure: no clock, no network, no randomness."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, quote, unquote, unquote_to_bytes

from oauthlib.oauth1.rfc5849.utils import escape

from actors.protocols.address import split_address

#: Canvas takes this exact content type and answers 415 to any other.
CONTENT_TYPE = "application/xml"

_DEFAULT_PORTS = {"http": 80, "https": 443}


def sign(url: str, body: bytes, *, key: str, secret: str, nonce: str, timestamp: str) -> dict[str, str]:
    """
    Sign one POST of *body*, in UTF-8, to *url*; send both byte for byte. Returns the headers to send.

    Args:
        nonce: Never used before with this key: platforms remember the nonces even of requests that they refuse.
        timestamp: Seconds since 1970 as digits.

    Raises:
        ValueError: The URL cannot be signed, or the body is not UTF-8.

    Spec: RFC 5849, 3.4.2 HMAC-SHA1; OAuth Request Body Hash 1.0, 3.2.
    """
    base, query = _signed_part(url)
    # Not by oauthlib's Client, which takes every request apart anew: that is six times as long, and most of a request.
    oauth = [
        ("oauth_body_hash", _escaped_again(body_hash(_utf8(body)))),
        ("oauth_consumer_key", _escaped(key)),
        ("oauth_nonce", escape(nonce)),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", escape(timestamp)),
        ("oauth_version", "1.0"),
    ]
    normalized = "&".join(f"{name}={value}" for name, value in sorted([*query, *oauth]))
    signature = hmac.digest(f"{escape(secret)}&".encode(), f"{base}{_escaped_again(normalized)}".encode(), "sha1")
    oauth.append(("oauth_signature", _escaped_again(base64.b64encode(signature).decode())))
    parameters = ", ".join(f'{name}="{value}"' for name, value in oauth)
    return {"Authorization": f"OAuth {parameters}", "Content-Type": CONTENT_TYPE}


_escaped = lru_cache(maxsize=1024)(escape)


def _escaped_again(text: str) -> str:
    """What :func:`escape` gives, of base64 or of what is escaped already and joined: there is little else to escape."""
    return text.replace("%", "%25").replace("=", "%3D").replace("&", "%26").replace("+", "%2B").replace("/", "%2F")


@lru_cache(maxsize=1024)
def _signed_part(url: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """
    The beginning of the signature base string, and the query's parameters, percent-encoded: RFC 5849, 3.4.1.

    Raises:
        ValueError: The URL cannot be signed.
    """
    parts = _checked(url)
    scheme, port = parts.scheme.lower(), parts.port
    # As it is sent in the Host field, but lower-cased: an IPv6 address is not written anew.
    host = re.sub(r":\d*\Z", "", parts.netloc.lower())
    authority = host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{port}"
    base = f"POST&{escape(f'{scheme}://{authority}')}{escape(parts.path or '/')}&"
    pairs = (piece.partition("=") for piece in parts.query.split("&") if piece)
    return base, tuple((_escaped_anew(name), _escaped_anew(value)) for name, _, value in pairs)


def _escaped_anew(text: str) -> str:
    """
    A name or value of a query, decoded and percent-encoded as RFC 5849, 3.6 wants it.

    By bytes, since what they encode need not be UTF-8; what is no percent-encoding is taken as it is.
    """
    return quote(unquote_to_bytes(text.replace("+", " ")), safe="~")


def _utf8(body: bytes) -> bytes:
    body.decode()
    return body


_SECRET = re.compile(r'oauth_(?:nonce|signature)="([^"]*)"')


def secrets_of(headers: Mapping[str, str]) -> list[str]:
    """Nonce and signature of a request that :func:`sign` signed, as they are and as its header has them."""
    quoted = _SECRET.findall(headers["Authorization"])
    return list(dict.fromkeys(form for value in quoted for form in (value, unquote(value))))


def body_hash(body: bytes) -> str:
    """``oauth_body_hash`` of a body: base64 of its SHA-1."""
    return base64.b64encode(hashlib.sha1(body).digest()).decode()  # noqa: S324 - the specification names SHA-1


def _checked(url: str) -> SplitResult:
    """Refuse what would be signed in one way and sent, or read by the LMS, in another."""
    parts = split_address(url, "the outcome service URL cannot be signed")
    if any(name.startswith("oauth_") for name, _ in parse_qsl(parts.query, keep_blank_values=True, errors="replace")):
        raise ValueError("the outcome service URL cannot be signed: its query has OAuth parameters of its own")
    return parts

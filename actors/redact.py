"""Words of a campus made fit to be stored and shown. Pure."""

import html
import json
import re
from collections.abc import Iterable, Iterator
from functools import partial
from urllib.parse import quote, quote_plus

#: Characters of an LMS's message in a reason.
REASON_LIMIT = 500

#: Characters. A shorter secret, or one of letters alone that is not twice as long, is removed only as a word of its
#: own: "1" must not eat the digits of a reason, nor "cour" its courses.
_SHORT = 8

#: Characters. Where an LMS's message was cut off, this much of a sourcedid at its end is removed too.
_TAIL = 8

_REMOVED = "[…]"

#: What looks the same everywhere.
_PLAIN = re.compile(r"[\w.-]*", re.ASCII)

#: A signature of OAuth 1, also one that the LMS computed, an access token, also one that is not ours, or an assertion:
#: the parameter's name, an assignment, and its value. What is no base64, as "verification failed", is no value.
_ASSIGNS = r"(?:[\s\"'=:>(\[\]\\,]|&quot;|&#0?3[49];|&gt;|%3D|%22|%3A){1,12}"
_ASSIGNED = re.compile(
    rf"(oauth_signature|access_token|client_assertion)(?!_method|_type){_ASSIGNS}"
    r"(?=[\w%+/=.~-]{20}|[a-z]*[^\sa-z]*[\d+/=%])[\w%+/.~-]+=*",
)
#: An access token as a header has it (RFC 6750, section 2.1).
_BEARER = re.compile(r"\b([Bb]earer)\s+(?=[\w.~+/-]*\d)[\w.~+/-]{16,}=*")
#: A JSON Web Token (RFC 7519), also one that was cut off: it begins with the braces of a header in base64.
_JWT = re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*)*")
#: A digest of 20 or 32 bytes in base64, as such or in a URL, wherever it is.
_DIGEST = re.compile(
    r"(?<![\w+/=])(?:[A-Za-z0-9+/]|%2[BbFf]){27}(?:(?:[A-Za-z0-9+/]|%2[BbFf]){16})?(?:=|%(?:25)?3[Dd])"
)


def redact(words: str, redacted: Iterable[str] = ()) -> str:
    """
    Make what an LMS wrote fit to be stored and shown.

    Everything in *redacted* is removed, also as it looks in XML, HTML, JSON or a URL, and so are signatures of OAuth 1,
    access tokens where they are named as such, and JSON Web Tokens; control characters become spaces; at most
    :data:`REASON_LIMIT` characters are left.
    """
    if not words:
        return ""
    was_cut = len(words) >= REASON_LIMIT
    # The longest first: a user's id may be part of a sourcedid, which would no longer be found.
    for secret in sorted(filter(None, redacted), key=len, reverse=True):
        if was_cut or _may_hold(words, secret):
            for form in dict.fromkeys(_forms(secret)):
                words = _strike(words, form, was_cut=was_cut)
    words = _ASSIGNED.sub(rf"\1 {_REMOVED}", words)
    words = _BEARER.sub(rf"\1 {_REMOVED}", words)
    words = _JWT.sub(_REMOVED, words)
    words = _DIGEST.sub(_REMOVED, words)
    words = "".join(character if character.isprintable() else " " for character in words)
    return " ".join(words.split())[:REASON_LIMIT]


def _may_hold(words: str, secret: str) -> bool:
    """Cheap, since most messages hold none: no escape changes letters and digits of ASCII."""
    longest = max(re.findall("[A-Za-z0-9]+", secret), key=len, default="")
    return longest in words


def _forms(secret: str) -> Iterator[str]:
    """*secret* as LMSs write it."""
    yield secret
    if _PLAIN.fullmatch(secret):
        return
    yield " ".join(secret.split())
    for escaped in (html.escape(secret, quote=False), html.escape(secret)):
        yield escaped
        yield escaped.replace("&#x27;", "&#039;")
        yield escaped.replace("&#x27;", "&#39;")
        yield escaped.replace("&#x27;", "&apos;")
    for ascii_only in (False, True):
        as_json = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield as_json
        yield as_json.replace("/", "\\/")
    yield re.sub(r"(['\"\\])", r"\\\1", secret)
    for encode in (partial(quote, safe=""), quote, quote_plus):
        encoded = encode(secret.encode(errors="replace"))
        yield encoded
        yield re.sub(r"%..", lambda match: match[0].lower(), encoded)
        yield quote(encoded, safe="")


def _strike(words: str, secret: str, *, was_cut: bool) -> str:
    if len(secret) < _SHORT or (secret.isalpha() and len(secret) < 2 * _SHORT):
        before, after = r"(?<![^\W_])", r"(?![^\W_])"
        if secret.isdigit():
            # Nor is it part of a decimal, a time or a date.
            before, after = before + r"(?<!\d[.,:/-])", after + r"(?![.,:/-]\d)"
        return re.sub(f"{before}{re.escape(secret)}{after}", _REMOVED, words)
    words = words.replace(secret, _REMOVED)
    if not was_cut:
        return words
    for length in range(min(len(secret), len(words)), _TAIL - 1, -1):
        if words.endswith(secret[:length]):
            return words[:-length] + _REMOVED
    return words

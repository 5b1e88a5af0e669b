"""Words of a campus made fit to be stored and shown. Pure."""

import html
import re
from collections.abc import Iterable
from urllib.parse import quote

#: Characters of an LMS's message in a reason.
REASON_LIMIT = 500

#: Characters. A shorter sourcedid is removed only as a word of its own: "1" must not eat the digits of a reason.
_SHORT = 4

#: Characters. Where an LMS's message was cut off, this much of a sourcedid at its end is removed too.
_TAIL = 8


def redact(words: str, redacted: Iterable[str] = ()) -> str:
    """
    Make what an LMS wrote fit to be stored and shown.

    Everything in *redacted* is removed, also as it looks in XML, HTML or a URL, and so is an OAuth signature; control
    characters become spaces; at most :data:`REASON_LIMIT` characters are left.
    """
    if not words:
        return ""
    for secret in redacted:
        for form in dict.fromkeys((secret, html.escape(secret, quote=False), html.escape(secret), quote(secret, ""))):
            words = _strike(words, form)
    words = re.sub(r"oauth_signature(?!_method)\W{1,6}[\w%+/.~-]+=*", "oauth_signature […]", words)
    words = "".join(character if character.isprintable() else " " for character in words)
    return " ".join(words.split())[:REASON_LIMIT]


def _strike(words: str, secret: str) -> str:
    if not secret:
        return words
    if len(secret) < _SHORT:
        return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "[…]", words)
    words = words.replace(secret, "[…]")
    for length in range(min(len(secret), len(words)), _TAIL - 1, -1):
        if words.endswith(secret[:length]):
            return words[:-length] + "[…]"
    return words

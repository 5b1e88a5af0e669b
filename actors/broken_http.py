"""Names what is wrong with an answer that is not quite HTTP, so that a campus can find it. Pure."""

import ast
import re
from collections.abc import Iterable

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from actors.redact import redact

#: Characters of the line that is at fault.
_LINE_LIMIT = 120

#: How aiohttp quotes bytes.
_BYTES = re.compile(r"""b'(?:[^'\\]|\\.)*'|b"(?:[^"\\]|\\.)*\"""")
_FIELD = re.compile(r"([^:]{1,80}):(.*)", re.DOTALL)
#: Fields whose values may be secret, or name a learner.
_PRIVATE = re.compile(r"cookie|auth|token|secret|session|location|link|key", re.IGNORECASE)


def fault_in_http(error: Exception, redacted: Iterable[str] = ()) -> str | None:
    """
    What is wrong with the HTTP of an answer, and in which line; None if *error* is about something else.

    Args:
        error: Of aiohttp. Its own words can hold the URL, those of its parser cannot.
        redacted: What must never show.
    """
    said = _words_of_the_parser(error)
    if said is None:
        return None
    quoted = _BYTES.search(said)
    fault = " ".join(said[: quoted.start() if quoted else None].split()).rstrip(": ")
    if "-" not in fault.partition(" ")[0]:
        fault = f"{fault[:1].lower()}{fault[1:]}" or "malformed"
    if quoted is None:
        return redact(fault, redacted)
    line = ast.literal_eval(quoted[0]).decode(errors="replace")
    if fault.startswith("got more than"):
        # It is a field's value alone.
        return f"{fault} a line with '{redact(line.partition('=')[0], redacted)[:20]}…'"
    return f"{fault} in the line '{_shown(line, redacted)}'"


def _words_of_the_parser(error: Exception) -> str | None:
    if isinstance(error, aiohttp.ClientResponseError):
        return error.message
    cause = error.__cause__
    if isinstance(error, aiohttp.ClientPayloadError) and isinstance(cause, HttpProcessingError):
        # Without a line it is the end of the connection that is missing, not HTTP.
        return cause.message if _BYTES.search(cause.message) else None
    return None


def _shown(line: str, redacted: Iterable[str]) -> str:
    field = _FIELD.fullmatch(line)
    if field is not None and _PRIVATE.search(field[1]):
        line = f"{field[1]}: […]"
    shown = redact(line, redacted)
    return shown if len(shown) <= _LINE_LIMIT else f"{shown[:_LINE_LIMIT]}…"

"""
What must hold whatever arrives: for the reader of replies, for that of events, and for the configuration.

``python -m tests.fuzz`` looks for counterexamples for as many minutes as you ask for; `make test` looks for a moment.
"""

import json
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from actors.errors import DeliveryError
from actors.protocols.interface import Accepted
from actors.protocols.lti11.basic_outcome import DESCRIPTION_LIMIT, read_reply
from actors.protocols.lti11.platforms import PLATFORMS
from actors.protocols.lti11.responses import classify
from actors.response import Response
from daemon.config import Config, ConfigError, effective, load
from daemon.config.sections import keys
from daemon.ingest.events import BadEvent
from daemon.ingest.parse import event_moment, event_type, read_event
from models.event_types import EVENT_TYPES
from models.moment import place_of
from tests.fakes.lms import canvas_pox, pox

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SOURCEDID, SECRET = "sourcedid-4711<&>", "s3cret&of the campus"

# --- Replies ---

_SEEDS = [
    pox("success", "fine"),
    pox("failure", f"no {SOURCEDID} here by {SECRET}"),
    pox("success", held="0.5"),
    canvas_pox("user_not_in_course", "gone"),
    b"<html><body>busy</body></html>",
    b"",
]
_CODES = [b"<imsx_codeMajor>%s</imsx_codeMajor>" % code for code in (b"success", b"failure")]
_MARKUP = [b"</imsx_POXEnvelopeResponse>", b"<textString>1e400</textString>", b"<![CDATA[", b"]]>", b"<!--", b"<x:y>"]
_PROLOGUES = [b"<?xml version='1.0' encoding='utf-16'?>", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;"]
_NO_TEXT = [b"\xff\xfe", b"\x00"]
_PIECES = [*_CODES, *_MARKUP, *_PROLOGUES, *_NO_TEXT, SOURCEDID.encode()]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A reply of an LMS, cut, doubled, and with something put in."""
    body = draw(st.sampled_from(_SEEDS) | st.binary(max_size=200))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(body)))
        piece = draw(st.sampled_from(_PIECES) | st.binary(max_size=20))
        until = draw(st.integers(at, len(body)) | st.just(at))
        body = body[:at] + piece + body[until:]
    return body


HEADERS = st.dictionaries(
    st.sampled_from(
        ["Date", "Retry-After", "Location", "X-Rate-Limit-Remaining", "X-Request-Context-Id", "Set-Cookie"]
    ),
    st.sampled_from(["0", "-1", "1e999", "nan", "Mon, 02 Mar 2026 00:00:00 GMT", "http://[", "https://a.example/x?y"])
    | st.text(max_size=40),
)


@given(mutated())
def reading_a_reply_never_fails(body: bytes) -> None:
    reply = read_reply(body)
    assert reply.code_major is None or (reply.code_major == reply.code_major.lower() and len(reply.code_major) <= 40)
    assert reply.score is None or len(reply.score) <= 40
    assert len(reply.description) <= DESCRIPTION_LIMIT


@given(st.integers(100, 599), mutated(), HEADERS, st.booleans(), st.sampled_from([None, *PLATFORMS.values()]))
def classifying_a_response_gives_a_decision_and_shows_no_secret(status, body, headers, truncated, platform) -> None:
    response = Response(status, headers, body, 0.1, truncated)
    try:
        decided = classify(response, now=NOW, platform=platform, redacted=(SOURCEDID, SECRET))
    except DeliveryError as error:
        words = error.reason
    else:
        assert isinstance(decided, Accepted)
        assert 200 <= status <= 299
        assert not truncated
        words = decided.description
    assert words.isprintable()
    assert len(words) <= 700
    assert SOURCEDID not in words
    assert SECRET not in words


# --- Events ---

_OF_SCORES = ["user_id", "course_id", "usage_id", "points_earned", "points_possible", "modified"]
_OF_LAUNCHES = ["oauth_consumer_key", "lis_result_sourcedid", "lis_outcome_service_url", "lti_user_id"]
_FIELDS = [*_OF_SCORES, *_OF_LAUNCHES, "resource_link_id", "context_title", "version", "blocks"]
_NUMBERS = ["1", "-0", "1e308", "1e309", "NaN", "inf", "0x10", "1_0", "٣"]
_TIMES = ["2026-03-02T10:00:00Z", "2026-03-02T10:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]
_TEXTS = ["", " ", "a" * 256, "https://lms.example.edu/o", "http://[::1"]
_STRUCTURES = [
    '[{"usage_id": "c", "parent": null}, {"usage_id": "p", "parent": "c", "points_possible": 1}]',
    '[{"usage_id": "c", "parent": "c"}]',
    "[" * 5000,
    '{"a": 1e999}',
    "null",
]
_VALUES = st.sampled_from([*_NUMBERS, *_TIMES, *_TEXTS, *_STRUCTURES])
_BLOCKS = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["usage_id", "parent", "points_possible", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
).map(json.dumps)


@st.composite
def entries(draw: st.DrawFn) -> dict[bytes, bytes]:
    """What the stream could hold."""
    names = st.sampled_from(_FIELDS) | st.text(max_size=8)
    values = (_VALUES | _BLOCKS | st.text(max_size=30)).map(lambda text: text.encode(errors="surrogatepass"))
    fields = draw(st.dictionaries(names, values | st.binary(max_size=20), max_size=10))
    kind = draw(st.sampled_from([*EVENT_TYPES, "nonsense", ""]))
    return {b"type": kind.encode(), **{name.encode(errors="replace"): value for name, value in fields.items()}}


@given(st.integers(0, 2**43), entries())
def reading_an_event_gives_it_or_says_what_is_wrong(ms, fields) -> None:
    entry_id = f"{ms}-0"
    assert event_moment(entry_id, fields).place == place_of(entry_id)
    assert event_type(fields) in (*EVENT_TYPES, "unknown")
    wrong, event = "", None
    try:
        event = read_event(entry_id, fields, now=ms)
    except BadEvent as error:
        wrong = str(error)
    assert (event is None) == bool(wrong)
    assert len(wrong) <= 2000
    if event is not None:
        # What is applied must fit into 64 bits.
        for number in re.findall(r"(?:_us|version)=(-?\d+)", repr(event)):
            assert -(2**63) <= int(number) < 2**63


# --- Configuration ---

PASSWORD = "pa55word"
_NAMES = sorted(keys())
_SCALARS = ["true", "1", "-1", "1e400", "nan", "UTC", "canvas", "a=canvas", PASSWORD]
_LISTS = ["[]", "{}", '["10.0.0.0/8"]', "[[[["]
_DATABASES = [f"postgresql://u:{PASSWORD}@h/d", f"postgresql://u:{PASSWORD}@[/d", f"sqlite://{PASSWORD}?x"]
_REDIS = [f"redis://:{PASSWORD}@h:99999", f"rediss://u:{PASSWORD}"]
_SETTINGS = st.sampled_from([*_SCALARS, *_LISTS, *_DATABASES, *_REDIS]) | st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=20
)


@st.composite
def toml(draw: st.DrawFn) -> str:
    """What a config file could hold."""
    lines = []
    for _ in range(draw(st.integers(0, 6))):
        section, _, key = draw(st.sampled_from(_NAMES)).partition(".")
        value = draw(_SETTINGS.map(json.dumps) | _SETTINGS | st.integers().map(str) | st.floats().map(str))
        lines += draw(st.sampled_from([[f"[{section}]", f"{key} = {value}"], [f"{section}.{key} = {value}"], [value]]))
    return "\n".join(lines)


@given(toml(), st.dictionaries(st.sampled_from(_NAMES), _SETTINGS, max_size=4))
def reading_a_configuration_gives_it_or_names_every_fault_without_a_password(text, settings) -> None:
    environ = {f"PASSBACKD_{name.replace('.', '__').upper()}": value for name, value in settings.items()}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.toml"
        file.write_text(text, encoding="utf-8", errors="replace", newline="")
        loaded, faults = None, []
        try:
            loaded = load(file, environ, cwd=Path(folder))
        except ConfigError as error:
            faults = error.faults
        assert isinstance(loaded, Config) == (not faults)
        assert all("\n" not in str(fault) for fault in faults)
        assert not any(PASSWORD in str(fault) for fault in faults if _could_hold_a_secret(fault.key))
        shown, _ = effective(file, environ, cwd=Path(folder))
        assert not re.search(rf":{PASSWORD}@", shown)


def _could_hold_a_secret(key: str) -> bool:
    return key in ("database.url", "redis.url", "secrets.keys")


TARGETS = [
    reading_a_reply_never_fails,
    classifying_a_response_gives_a_decision_and_shows_no_secret,
    reading_an_event_gives_it_or_says_what_is_wrong,
    reading_a_configuration_gives_it_or_names_every_fault_without_a_password,
]

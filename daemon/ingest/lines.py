"""JSON documents, an event each, as stream entries: lines of a file, and what the HTTP intake gets. Pure."""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any

from actors.egress import Egress
from daemon.ingest.address_rules import check_address
from daemon.ingest.documents import TEXT_FIELDS
from daemon.ingest.events import BadEvent, Event, Launched
from daemon.ingest.parse import MAX_BYTES, MAX_FIELDS, read_event

_NO_EVENT = 'is not one JSON object with a type: write {"type": "score.changed", ...}, one a line'
#: Digits of a whole number in ``blocks``; Python reads no more than some thousands.
_MAX_DIGITS = 1_000
#: An escaped NUL. Before what only looks so is an escaped backslash.
_NUL_IN_JSON = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
#: A whole number; JSON Schema counts 5.0 as one too.
_WHOLE = re.compile(r"(-?[0-9]+)(?:\.0*)?", re.ASCII)


class Number(str):
    """A number as it is written in JSON."""

    __slots__ = ()


def read_document(text: bytes) -> Any:
    """
    What a JSON text says, its numbers as :class:`Number`.

    Raises:
        BadEvent: It is no JSON, too long, or an object in it has a name twice.
    """
    if len(text) > MAX_BYTES:
        raise BadEvent(f"is longer than {MAX_BYTES} bytes")
    try:
        # Half a character that is no UTF-8 is named with its field.
        return _DECODER.decode(text.removeprefix(BOM_UTF8).decode(errors="surrogatepass"))
    except BadEvent:
        raise
    except UnicodeDecodeError as error:
        raise BadEvent(f"is not UTF-8, at byte {error.start + 1}") from error
    except (ValueError, RecursionError) as error:
        raise BadEvent(f"is not JSON: {error}") from error


def event_fields(document: object) -> dict[str, str]:
    """
    An event, as :func:`read_document` gives it, as the flat fields of a stream entry.

    Text stays as it is; numbers and nested values (``blocks``) become JSON text; null fields are absent.

    Raises:
        BadEvent: It is no JSON object with a ``type``, or the stream could not hold or keep it.
    """
    if not isinstance(document, dict):
        raise BadEvent(_NO_EVENT)
    if not isinstance(document.get("type"), str) or isinstance(document["type"], Number):
        raise BadEvent(_NO_EVENT, "type")
    if len(document) > MAX_FIELDS:
        raise BadEvent(f"has more than {MAX_FIELDS} fields")
    return {name: _text(name, value) for name, value in document.items() if value is not None}


def check_event(fields: Mapping[str, str], *, now: int, egress: Egress | None = None) -> Event:
    """
    Check an event as intake would if it came at *now*, milliseconds since 1970; returns it.

    *egress*: where each consumer's grades may be sent; None: that is not checked.

    Raises:
        BadEvent: Intake would put it into quarantine. Only the database says whether its consumer is known, and which
            of the rules of single consumers are those of its platform.
    """
    event = read_event(f"{now}-0", {name.encode(): value.encode() for name, value in fields.items()}, now=now)
    if egress is not None:
        check_destination(event, egress)
    return event


def check_destination(event: Event, egress: Egress) -> None:
    """As :func:`check_event`, of a launch's URL alone."""
    launch = event.registration if isinstance(event, Launched) else None
    if launch is not None and (launch.platform is None or egress.is_same_for_all):
        check_address(launch, launch.consumer_key, egress)


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; readers differ on which of two equal names counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise BadEvent(f"has {name[:64]!a} twice", name[:64])
            seen.add(name)
    return found


#: Made once: making one takes as long as reading an event.
_DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, object_pairs_hook=_without_twins)


def _text(name: str, value: Any) -> str:
    if name in TEXT_FIELDS and not isinstance(value, str):
        raise BadEvent(f"{name} is {json.dumps(value)[:64]}: write text, in quotes", name)
    if isinstance(value, Number):
        whole = _WHOLE.fullmatch(value)
        if whole is None and name in TEXT_FIELDS:
            raise BadEvent(f"{name} is {value[:64]}: write text, in quotes", name)
        text = value if whole is None else whole[1]
    elif isinstance(value, str):
        text = value
    elif isinstance(value, list | dict):
        text = _nested(name, value)
    else:
        text = json.dumps(value)
    _check(name, text)
    return text


def _nested(name: str, value: Any) -> str:
    if name != "blocks":
        raise BadEvent(f"{name[:64]!a} is no text or number: only blocks may be a list", name[:64])
    try:
        # As short as may be: its bytes are limited.
        return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))
    except RecursionError as error:
        raise BadEvent("blocks is nested too deeply", name) from error


def _plain(value: Any) -> Any:
    """With numbers in place of their texts."""
    if isinstance(value, Number):
        return float(value) if any(character in value for character in ".eE") else _integer(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise BadEvent(f"holds a number of {len(text)} digits")
    return int(text)


def _check(name: str, text: str) -> None:
    """What JSON can write and UTF-8 cannot, or the database cannot store."""
    try:
        name.encode()
        text.encode()
    except UnicodeEncodeError as error:
        raise BadEvent(
            f"{name[:64]!a} holds half of a character (a lone surrogate, \\ud800 to \\udfff)", name[:64]
        ) from error
    if "\0" in name or "\0" in text or (name == "blocks" and _NUL_IN_JSON.search(text)):
        raise BadEvent(f"{name[:64]!a} holds a NUL character", name[:64])

"""JSON lines as stream entries: an event each. Pure."""

import json
import re
from codecs import BOM_UTF8
from typing import Any

from daemon.ingest.parse import MAX_BYTES

#: Digits of a whole number in ``blocks``; Python reads no more than some thousands.
_MAX_DIGITS = 1_000
#: An escaped NUL. Before what only looks so is an escaped backslash.
_NUL_IN_JSON = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class BadLineError(ValueError):
    """A line that is no event; the message says why."""


def event_fields(line: bytes) -> dict[str, str]:
    """
    One JSON line as the flat fields of a stream entry.

    Text stays as it is; numbers and nested values (``blocks``) become JSON text; null fields are absent.

    Raises:
        BadLineError: The line is no JSON object with a ``type``, or the stream could not hold or keep it.
    """
    if len(line) > MAX_BYTES:
        raise BadLineError(f"is longer than {MAX_BYTES} bytes")
    line = line.removeprefix(BOM_UTF8)
    try:
        event = json.loads(line, parse_float=str, parse_int=str, object_pairs_hook=_once)
        if isinstance(event, dict) and isinstance(event.get("blocks"), list | dict):
            event["blocks"] = json.loads(line, parse_int=_integer)["blocks"]
    except BadLineError:
        raise
    except UnicodeDecodeError as error:
        raise BadLineError(f"is not UTF-8, at byte {error.start + 1}") from error
    except (ValueError, RecursionError) as error:
        raise BadLineError(f"is not JSON: {error}") from error
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise BadLineError('is not one JSON object with a type: write {"type": "score.changed", ...}, one a line')
    nested = [name for name, value in event.items() if isinstance(value, list | dict) and name != "blocks"]
    if nested:
        raise BadLineError(f"{nested[0]} is no text or number: only blocks may be a list")
    fields = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in event.items()
        if value is not None
    }
    for name, value in fields.items():
        _check(name, value)
    return fields


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; readers differ on which of two equal names counts."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadLineError(f"has {name[:64]!a} twice")
        found[name] = value
    return found


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise BadLineError(f"holds a number of {len(text)} digits")
    return int(text)


def _check(name: str, value: str) -> None:
    """What JSON can write and UTF-8 cannot, or the database cannot store."""
    shown = ascii(name[:64])
    if any("\ud800" <= character <= "\udfff" for character in name + value):
        raise BadLineError(f"{shown} holds half of a character (a lone surrogate, \\ud800 to \\udfff)")
    if "\0" in name + value or (name == "blocks" and _NUL_IN_JSON.search(value)):
        raise BadLineError(f"{shown} holds a NUL character")

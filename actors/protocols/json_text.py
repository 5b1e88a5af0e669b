"""JSON as LMSs answer it: bounded in depth, and with numbers that stay exact. Pure."""

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from actors.decoding import decoded
from actors.response import Response

#: Values within values. A real answer has four.
DEPTH_LIMIT = 32

# One that is not closed reaches to the end, or each quotation mark in it would be tried as the first of a string.
_STRING = re.compile(r'"(?:[^"\\]|\\.?)*+(?:"|\Z)', re.DOTALL)
_BRACKET = re.compile(r"[][{}]")


class NoJsonError(ValueError):
    """An answer that is no JSON, or none that is read."""


def read_json(response: Response) -> Any:
    """
    The value in an answer's body. Each number is a Decimal; what is none, or too large for one, is a float's NaN.

    Raises:
        NoJsonError: It is no JSON text, was cut off, or is too deep; the message says which.

    Spec: RFC 8259.
    """
    if response.truncated:
        raise NoJsonError("its answer is too long")
    text = decoded(response.body, response.header("Content-Type") or "").removeprefix("\ufeff")
    if _too_deep(text):
        raise NoJsonError("its answer is nested too deeply")
    try:
        return json.loads(text, parse_float=_number, parse_int=_number, parse_constant=lambda _: math.nan)
    except ValueError:
        raise NoJsonError("its answer is no JSON") from None


def _too_deep(text: str) -> bool:
    # Most answers have few brackets, whatever is in their strings.
    if text.count("[") + text.count("{") <= DEPTH_LIMIT:
        return False
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > DEPTH_LIMIT:
            return True
    return False


def _number(digits: str) -> Decimal | float:
    try:
        number = Decimal(digits)
    except InvalidOperation:
        return math.nan
    return number if number.is_finite() else math.nan

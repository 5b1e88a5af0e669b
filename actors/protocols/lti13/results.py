"""The results of a line item: what a platform holds for one learner. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, DecimalException
from typing import Any

from actors.protocols.interface import Held
from actors.protocols.json_text import read_json
from actors.protocols.lti13.urls import next_page
from actors.response import Response

#: Moodle answers 400, and Open edX 406, to other wishes.
ACCEPT = "application/vnd.ims.lis.v2.resultcontainer+json"
ANY = "*/*"

#: Digits on either side of the point that no score has.
_DIGITS = 30
_EXACT = Context(prec=_DIGITS)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: What platforms call the time of a result.
_TIMES = ("timestamp", "updatedAt", "updated_at")


def read_results(response: Response, *, user_id: str, asked: str) -> Held:
    """
    What a page of results says of a learner; all of the line item's may be there.

    Args:
        user_id: The platform's, as launches have it in ``sub``.
        asked: An address of the origin that was asked.

    Returns:
        The score as a share of the result's maximum, a decimal number in text, and empty where the platform holds
        none; or the next page, where the learner was not on this one.

    Raises:
        ValueError: It is no page of results, or no readable score; the message quotes nothing of it.

    Spec: LTI AGS 2.0, 3.3.
    """
    if response.status == 204 and not response.body.strip():
        return Held("")
    for row in _rows(read_json(response)):
        if isinstance(row, Mapping) and text_of(row.get("userId")) == user_id:
            return Held(_score(row), _since(row))
    return Held("", None, next_page(response, asked))


def _rows(value: Any) -> list[Any]:
    if isinstance(value, Mapping) and "userId" in value:
        return [value]
    if not isinstance(value, list):
        raise ValueError("its answer holds no results")  # noqa: TRY004 - what an answer holds is no argument's type
    return value


def text_of(value: Any) -> str | None:
    """An id, which some platforms write as a number; None where the value is none."""
    if isinstance(value, Decimal):
        return format(value, "f") if abs(value.adjusted()) <= _DIGITS else None
    return value if isinstance(value, str) else None


def _score(row: Mapping[str, Any]) -> str:
    if row.get("resultScore") is None:
        return ""
    score = _figure(row["resultScore"])
    maximum = Decimal(1) if row.get("resultMaximum") is None else _figure(row["resultMaximum"])
    if maximum <= 0:
        raise ValueError("its answer holds no readable score")
    try:
        return _plain(_EXACT.divide(score, maximum))
    except DecimalException:
        raise ValueError("its answer holds no readable score") from None


def _figure(value: Any) -> Decimal:
    if not isinstance(value, Decimal) or abs(value.adjusted()) > _DIGITS:
        raise ValueError("its answer holds no readable score")
    return value


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _since(row: Mapping[str, Any]) -> int | None:
    named = (row.get(name) for name in _TIMES)
    found = [at for value in named if isinstance(value, str) and (at := latest_time(value)) is not None]
    return max(found, default=None)


_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)


def latest_time(words: str) -> int | None:
    """The latest time that *words* name, milliseconds since 1970, in UTC where no zone is said; None if none."""
    return max((at for found in _TIME.finditer(words) if (at := _milliseconds(found)) is not None), default=None)


def _milliseconds(match: re.Match[str]) -> int | None:
    day, time, fraction, zone = match.groups()
    offset = "+00:00" if zone is None or zone[0] not in "+-" else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{offset}")
    except ValueError:
        return None
    # Rounded up, so that what is later than this is later than what the platform holds.
    micro = int((fraction or "0").ljust(6, "0")[:6])
    return (moment - _EPOCH) // timedelta(seconds=1) * 1000 + (micro + 999) // 1000

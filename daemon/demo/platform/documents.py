"""Results and line items as documents (LTI AGS 2.0, sections 3.2 and 3.3), in pages. Pure."""

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from daemon.demo.platform.gradebook import Gradebook, GradebookColumn
from daemon.demo.platform.kind import PlatformKind, PlatformReply, json_reply
from daemon.demo.platform.rules import MICROS_PER_SECOND
from daemon.demo.platform.scores import ScoreFormatError

_COLUMN_FIELDS = {"resourceId": "resource_id", "resourceLinkId": "resource_link_id", "tag": "tag"}
_FILTERS = {"resource_id": "resource_id", "resource_link_id": "resource_link_id", "tag": "tag"}


def result_rows(gradebook: Gradebook, column: GradebookColumn, url: str, *, has_time: bool) -> Iterator[dict[str, Any]]:
    """A row for each learner of a column, by user id."""
    path, _, query = url.partition("?")
    for (column_path, user_id), cell in sorted(gradebook.cells.items(), key=lambda item: item[0]):
        if column_path != column.path:
            continue
        row: dict[str, Any] = {"id": f"{path}/results/{user_id}{'?' * bool(query)}{query}", "userId": user_id}
        if cell.result is not None:
            row |= {"resultScore": float(cell.result * column.maximum), "resultMaximum": float(column.maximum)}
            if has_time and cell.since is not None:
                row["timestamp"] = datetime.fromtimestamp(cell.since // MICROS_PER_SECOND, UTC).isoformat()
        yield row | {"scoreOf": url}


def column_document(column: GradebookColumn, url: str) -> dict[str, Any]:
    """A line item."""
    document: dict[str, Any] = {"id": url, "label": column.label, "scoreMaximum": float(column.maximum)}
    named = {name: getattr(column, attribute) for name, attribute in _COLUMN_FIELDS.items()}
    return document | {name: value for name, value in named.items() if value is not None}


def is_asked_for(column: GradebookColumn, query: Mapping[str, str]) -> bool:
    """Whether a column passes the filters of a query."""
    return all(getattr(column, attribute) == query[name] for name, attribute in _FILTERS.items() if query.get(name))


def read_new_column(body: bytes) -> dict[str, Any]:
    """
    The line item that a tool wants to have: the fields of a :class:`GradebookColumn`.

    Raises:
        ScoreFormatError: It is none.
    """
    try:
        wanted = json.loads(body)
    except ValueError as error:
        raise ScoreFormatError(f"the body is not JSON: {error}") from None
    if not isinstance(wanted, dict):
        raise ScoreFormatError("the body is not a JSON object")
    label, maximum = wanted.get("label"), wanted.get("scoreMaximum")
    if not isinstance(label, str) or not label:
        raise ScoreFormatError("label must be a text")
    if isinstance(maximum, bool) or not isinstance(maximum, int) or maximum <= 0:
        raise ScoreFormatError("scoreMaximum must be an integer above 0")
    texts = {attribute: wanted.get(name) for name, attribute in _COLUMN_FIELDS.items()}
    for name, value in texts.items():
        if value is not None and not isinstance(value, str):
            raise ScoreFormatError(f"{name} must be a text")
    return {"label": label, "maximum": Decimal(maximum), **texts}


def one_page(
    rows: Sequence[object], url: str, query: Mapping[str, str], *, kind: PlatformKind, content_type: str, size: int
) -> PlatformReply:
    """
    The page of *rows* that a query asks for, with the address of the next.

    Args:
        url: Without query.
        size: How many rows a page has at most; a query's ``limit`` may make it fewer.
    """
    limit, page = _positive(query.get("limit"), size), _positive(query.get("page"), 1)
    size = min(limit, size)
    reply = json_reply(rows[(page - 1) * size : page * size], content_type=content_type)
    if page * size >= len(rows):
        return reply
    following = f"{url}?{urlencode({**query, 'page': str(page + 1)})}"
    link = f'<{following}>; rel="next"' if kind.link == "plain" else f"<{html.escape(following)}>; rel=“next”"
    return PlatformReply(reply.status, reply.body, reply.content_type, {"Link": link})


def _positive(text: str | None, default: int) -> int:
    return int(text) if text and re.fullmatch(r"[1-9]\d{0,5}", text, re.ASCII) else default

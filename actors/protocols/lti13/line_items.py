"""The line items of a course: finding a link's, and making one. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from actors.protocols.address import MAX_URL
from actors.protocols.interface import WireRequest
from actors.protocols.json_text import read_json
from actors.protocols.lti13.results import ANY, text_of
from actors.protocols.lti13.urls import bearer, checked, next_page, same_origin, with_query
from actors.response import Response

LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
CONTAINER = "application/vnd.ims.lis.v2.lineitemcontainer+json"

#: Moodle's older name of it comes second.
_LINK_NAMES = ("resourceLinkId", "ltiLinkId")


@dataclass(frozen=True, slots=True)
class LineItem:
    """
    A column of a gradebook.

    *url*: takes its scores. *maximum*: of its scores; None: no number. *resource_id*: the tool's id of the activity.
    *resource_link_id*: the platform's id of the link. Either is None where the platform does not say.

    Spec: LTI AGS 2.0, 3.2.
    """

    url: str
    label: str
    maximum: Decimal | None
    resource_id: str | None
    resource_link_id: str | None


@dataclass(frozen=True, slots=True)
class LineItemPage:
    """A page of a course's line items. *more*: the address of the next one; None: this is the last."""

    items: tuple[LineItem, ...]
    more: str | None = None


def write_find(
    container: str,
    token: str,
    *,
    resource_link_id: str | None = None,
    resource_id: str | None = None,
    more: str | None = None,
) -> WireRequest:
    """
    The request that reads the line items of a link, or those to which the tool gave an id; the answer may hold all.

    Args:
        container: ``lineitems`` of the launch.
        token: With the scope ``lineitem.readonly``, which Moodle wants by name.
        more: The address of a further page (:class:`LineItemPage`); the rest is ignored then.

    Raises:
        ValueError: No request can be written to the address.

    Spec: LTI AGS 2.0, 3.2.
    """
    wanted = {"resource_link_id": resource_link_id, "resource_id": resource_id}
    given = {name: value for name, value in wanted.items() if value is not None}
    url = checked(container)
    if more is not None:
        if not same_origin(more, container):
            raise ValueError("the next page is on another server")
        url = more
    elif given:
        url = with_query(container, **given)
    headers = bearer(token, Accept=CONTAINER)
    return WireRequest(url, b"", headers, (token,), method="GET", fallback={"Accept": ANY})


def write_create(
    container: str,
    token: str,
    *,
    label: str,
    resource_id: str | None,
    resource_link_id: str | None,
    maximum: int = 1,
) -> WireRequest:
    """
    The request that makes a line item. Two of them make two: look for one first, and after doubt.

    Args:
        container: ``lineitems`` of the launch.
        token: With the scope ``lineitem``.
        label: The column's name in the gradebook.
        resource_id: The tool's id of the activity; None: not said. *resource_link_id*: the platform's of the link.
        maximum: Of the scores that are sent there.

    Raises:
        ValueError: No request can be written to the address.

    Spec: LTI AGS 2.0, 3.2.5.
    """
    members = {
        "scoreMaximum": maximum,
        "label": label,
        "resourceId": resource_id,
        "resourceLinkId": resource_link_id,
    }
    body = json.dumps({name: value for name, value in members.items() if value is not None}).encode()
    headers = bearer(token, **{"Content-Type": LINE_ITEM_TYPE, "Accept": LINE_ITEM_TYPE})
    return WireRequest(checked(container), body, headers, (token,), fallback={"Accept": ANY})


def read_line_items(response: Response, *, container: str) -> LineItemPage:
    """
    A page of line items, without those whose address is not of the container's origin.

    Args:
        container: An address of the origin that was asked.

    Raises:
        ValueError: It is no page of line items, or the next one is elsewhere; the message quotes nothing of it.

    Spec: LTI AGS 2.0, 3.2.
    """
    if response.status == 204 and not response.body.strip():
        return LineItemPage(())
    rows = read_json(response)
    if not isinstance(rows, list):
        raise ValueError("its answer holds no line items")  # noqa: TRY004 - what an answer holds is no argument's type
    items = (_line_item(row, container) for row in rows)
    return LineItemPage(tuple(item for item in items if item is not None), next_page(response, container))


def read_created(response: Response, *, container: str) -> LineItem:
    """
    The line item that was made; *container* as for :func:`read_line_items`.

    Raises:
        ValueError: The answer does not say which; it may have been made.

    Spec: LTI AGS 2.0, 3.2.5.
    """
    item = _line_item(read_json(response), container)
    if item is None:
        raise ValueError("its answer holds no line item")
    return item


def chosen(
    items: Iterable[LineItem], *, resource_link_id: str | None = None, resource_id: str | None = None
) -> LineItem | None:
    """The line item of a link, else the one that has the tool's id; the first of several, None if there is none."""
    found = list(items)
    of_link = (item for item in found if resource_link_id and item.resource_link_id == resource_link_id)
    of_tool = (item for item in found if resource_id and item.resource_id == resource_id)
    return next(of_link, None) or next(of_tool, None)


def _line_item(row: Any, container: str) -> LineItem | None:
    if not isinstance(row, Mapping):
        return None
    url, maximum = row.get("id"), row.get("scoreMaximum")
    # The platform chooses the address, and gets tokens there.
    if not isinstance(url, str) or len(url) > MAX_URL or not same_origin(url, container):
        return None
    label = row.get("label")
    return LineItem(
        url,
        label if isinstance(label, str) else "",
        maximum if isinstance(maximum, Decimal) else None,
        text_of(row.get("resourceId")),
        next((text for name in _LINK_NAMES if (text := text_of(row.get(name))) is not None), None),
    )

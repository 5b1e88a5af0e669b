"""Reads tables in bounded memory: Django's ``iterator`` holds a whole result where the database is MySQL."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet

#: Rows read at once.
PAGE = 1000


def pages(rows: QuerySet[Any], *fields: str, by: str = "pk", size: int = PAGE) -> Iterator[list[dict[str, Any]]]:
    """The *fields* of all *rows*, and their ``pk``: a list of dictionaries a page, ordered *by* an indexed column."""
    ordered = rows.order_by(by, "pk").values("pk", by, *fields)
    page = list(ordered[:size])
    while page:
        yield page
        last = page[-1]
        after = Q(**{f"{by}__gt": last[by]})
        if by != "pk":
            after |= Q(**{by: last[by], "pk__gt": last["pk"]})
        page = list(ordered.filter(**{f"{by}__gte": last[by]}).filter(after)[:size])

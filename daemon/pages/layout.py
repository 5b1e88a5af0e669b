"""The frame of every page, and the elements that pages are made of. Pure; HTML is escaped here alone, by htpy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

import htpy as h
from htpy import Node

from daemon.infra.text import age, iso, past, printable

#: The pages that every page leads to.
_NAVIGATION = (
    ("/", "Overview"),
    ("/learners", "Where is my grade?"),
    ("/activities", "Courses"),
    ("/parked", "Parked"),
    ("/quarantine", "Quarantine"),
    ("/keys", "Keys"),
    ("/actions", "Actions"),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """
    What surrounds a page.

    Args:
        path: Of this page.
        user: Who is logged in, and *token* for the form that logs out; None where no one is.
        logs_out: Whether there is that form: not where a web server before the daemon has the log-in.
        assets: The version of style and script.
    """

    path: str
    assets: str
    user: str | None = None
    token: str = ""
    logs_out: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """*refresh*: seconds after which the script shows the main part anew. *status*: of HTTP."""

    title: str
    content: Node
    refresh: int | None = None
    status: int = 200


def render_page(page: Page, frame: Frame) -> str:
    """A whole document."""
    title = text(page.title)
    return str(
        h.html(lang="en")[
            h.head[
                h.meta(charset="utf-8"),
                h.meta(name="viewport", content="width=device-width, initial-scale=1"),
                h.title[f"{title} · passbackd"],
                h.link(rel="stylesheet", href=f"/static/style.css?v={frame.assets}"),
                h.script(src=f"/static/refresh.js?v={frame.assets}", defer=True),
            ],
            h.body[
                h.a(".skip", href="#main")["To the content"],
                h.header[_header(frame)],
                h.main("#main", data_refresh=page.refresh, tabindex="-1")[h.h1[title], page.content],
                page.refresh is not None
                and h.footer[
                    h.p("#freshness", role="status")[f"With scripts it is shown anew every {page.refresh} seconds."],
                    h.button("#pause", type="button", hidden=True, aria_pressed="false")["Stop refreshing"],
                ],
            ],
        ]
    )


def _header(frame: Frame) -> Node:
    if frame.user is None:
        return h.strong["passbackd"]
    return (
        h.strong["passbackd"],
        h.nav(aria_label="Pages")[
            h.ul[
                (
                    h.li[h.a(href=path, aria_current="page" if path == frame.path else None)[words]]
                    for path, words in _NAVIGATION
                )
            ]
        ],
        h.form(".inline", method="post", action="/logout")[
            token_field(frame.token), h.span[frame.user], h.button(type="submit")["Log out"]
        ]
        if frame.logs_out
        else h.span(".inline")[frame.user],
    )


def token_field(token: str) -> Node:
    """The field of a form that no other site can fill in."""
    return h.input(type="hidden", name="token", value=token)


def text(words: str) -> str:
    """Words of the tool, a campus or a person, with control characters escaped."""
    return printable(words)


def moment(ms: int | None, zone: tzinfo | None) -> Node:
    """A time, to the second; nothing for None."""
    return None if ms is None else h.time(datetime=iso(ms))[past(ms, zone, seconds=True)]


def ago(ms: int | None, now: int, zone: tzinfo | None, *, never: str = "never") -> Node:
    """A time, and how long ago it was."""
    return never if ms is None else (moment(ms, zone), f" ({age(now - ms)} ago)")


def alarm(words: str) -> Node:
    """What asks for a person."""
    return h.strong(".alarm")[text(words)]


def data_table(
    caption: str, headings: Sequence[str], rows: Iterable[Sequence[Node]], *, numbers: Sequence[str] = ()
) -> Node:
    """
    A table, which a narrow screen shows as a list of rows.

    Args:
        numbers: The headings of columns of numbers.
    """
    return h.table(role="table")[
        h.caption[caption],
        h.thead(role="rowgroup")[
            h.tr(role="row")[
                (
                    h.th(role="columnheader", scope="col", class_={"number": heading in numbers})[heading]
                    for heading in headings
                )
            ]
        ],
        h.tbody(role="rowgroup")[_rows(headings, rows, numbers)],
    ]


def _rows(headings: Sequence[str], rows: Iterable[Sequence[Node]], numbers: Sequence[str]) -> Iterable[Node]:
    # A list of rows has no headings: each cell says what it is. Made once a column: what is in an element is quick.
    empty = [h.td(role="cell", data_label=heading, class_={"number": heading in numbers}) for heading in headings]
    line = h.tr(role="row")
    for row in rows:
        yield line[
            [cell[text(words) if isinstance(words, str) else words] for cell, words in zip(empty, row, strict=True)]
        ]

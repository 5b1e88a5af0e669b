"""What a visitor asks for: words of the query, the forms that send them, and groups that a form names."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import htpy as h
from aiohttp import web
from htpy import Node

from daemon.pages.access import RefusedError
from models.db.sql import written_id
from models.queries.search import MAX_WORD


@dataclass(frozen=True, slots=True)
class FilterField:
    """One field: what it is called in the query, its label, its value, and, where there are few, its choices."""

    name: str
    label: str
    value: str | None
    choices: Sequence[str] = ()


def query_word(request: web.Request, name: str) -> str | None:
    """A word of the query; None where it is empty. Raises :class:`RefusedError`."""
    return named_word(request.query, name)


def named_word(given: Mapping[str, str], name: str) -> str | None:
    """A word of a query or a form, likewise."""
    word = given.get(name, "").strip()
    if len(word) > MAX_WORD or "\0" in word:
        raise RefusedError(400, f"Look for an id of at most {MAX_WORD} characters.")
    return word or None


def named_number(given: Mapping[str, str], name: str) -> int:
    """A number that a query or a form has to hold. Raises :class:`RefusedError`."""
    number = written_id(given.get(name, ""))
    if number is None:
        raise RefusedError(400, "This address or form is not whole. Go back, load the page again, and repeat it.")
    return number


def fingerprint(*parts: str | None) -> str:
    """What a form says of a group, which may have changed since the page was made; its words may be long."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def filter_form(
    path: str, fields: Sequence[FilterField], kept: Mapping[str, str] | None = None, *, anew: str = "Show all"
) -> Node:
    """
    The form that narrows a page down. Pure.

    Args:
        kept: What the page is about, whatever it is narrowed down to.
        anew: The words of the link to the page without a filter.
    """
    whole = f"{path}?{urlencode(kept)}" if kept else path
    return h.form(".inline", method="get", action=path, role="search")[
        (h.input(type="hidden", name=name, value=value) for name, value in (kept or {}).items()),
        (_field(one) for one in fields),
        h.button(type="submit")["Show these"],
        any(one.value for one in fields) and h.a(href=whole)[anew],
    ]


def _field(field: FilterField) -> Iterator[Node]:
    yield h.label(for_=field.name)[field.label]
    if not field.choices:
        yield h.input(id=field.name, name=field.name, value=field.value or "", maxlength=MAX_WORD, autocomplete="off")
        return
    yield h.select(id=field.name, name=field.name)[
        h.option(value="")["all"],
        (h.option(value=choice, selected=choice == field.value)[choice] for choice in field.choices),
        # An address may ask for what no choice says: the form shows what is in force.
        field.value not in (None, *field.choices) and h.option(value=field.value, selected=True)[field.value],
    ]

"""Where is my grade: one box to look for a learner, by whatever the one who asks knows."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import htpy as h
from aiohttp import web
from htpy import Node

from daemon.pages.access import RefusedError, lead_to
from daemon.pages.course_filter import CourseAsked
from daemon.pages.grades import answer_content
from daemon.pages.layout import Page, text
from daemon.pages.site import Visit
from daemon.why.gather import gather
from daemon.why.known import Explanation, Terms
from models.queries.grades import Query
from models.queries.search import MAX_WORD, find_meaning

TITLE = "Where is my grade?"
#: What a word may be, the likeliest first, and how it is said.
_KINDS = {
    "learner": "a learner's id in the tool",
    "lti_user": "a learner's id at a campus",
    "sourcedid": "a sourcedid",
    "course": "a course",
    "assignment": "an assignment",
    "entry": "a stream entry",
}
#: Where those lead that have a page of their own.
_PAGES: dict[str, Callable[[str], str]] = {
    "course": lambda word: CourseAsked(word).path(),
    "assignment": lambda word: f"/assignments/{quote(word, safe='')}",
}
_ENTRY = re.compile(r"[0-9]{1,19}-[0-9]{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Search:
    """
    *word* as *kind*, and the other kinds of which it may be.

    *answer*: what is known of it; None for what has a page of its own.
    """

    word: str
    kind: str
    others: tuple[str, ...]
    answer: Explanation | None


async def show_learners(visit: Visit) -> Page | web.Response:
    """``/learners?q=WORD``; ``&as=KIND`` where the word may be of several."""
    word = visit.request.query.get("q", "").strip()
    if len(word) > MAX_WORD or "\0" in word:
        raise RefusedError(400, f"Look for an id of at most {MAX_WORD} characters.")
    if not word:
        return Page(TITLE, search_form(""))
    kinds = await _kinds(visit, word)
    wanted = visit.request.query.get("as", "")
    # An assignment that is not there has no page that could say so.
    kind = wanted if wanted in kinds or wanted in _KINDS.keys() - {"assignment"} else kinds[0]
    others = tuple(one for one in kinds if one != kind)
    if kind in _PAGES and (kind == wanted or not others):
        return lead_to(_PAGES[kind](word))
    answer = None if kind in _PAGES else await _answer(visit, word, kind)
    return Page(TITLE, search_page(Search(word, kind, others, answer), await visit.terms()))


async def _kinds(visit: Visit, word: str) -> list[str]:
    """Of which kinds the word is; a learner's id if it is not known."""
    meant = await find_meaning(word)
    found = [kind for kind in ("learner", "lti_user", "sourcedid", "course", "assignment") if getattr(meant, kind)]
    if await _learner_of(visit, word) is not None:
        found.append("entry")
    return found or ["learner"]


async def _learner_of(visit: Visit, entry_id: str) -> str | None:
    """Whose event an entry of the stream is; None if it is none, or has none."""
    entry = await visit.daemon.stream.entry(entry_id) if _ENTRY.fullmatch(entry_id) else None
    learner = None if entry is None else entry.get(b"user_id")
    return None if learner is None else learner.decode(errors="replace")


async def _answer(visit: Visit, word: str, kind: str) -> Explanation:
    learner = (await _learner_of(visit, word) or word) if kind == "entry" else word
    asked = {
        "lti_user": Query(lti_user_id=word),
        "sourcedid": Query(sourcedid=word),
    }.get(kind, Query(user_id=learner))
    return await gather(asked, now=visit.now)


def search_form(word: str) -> Node:
    """The box. Pure."""
    return h.form(".inline", method="get", action="/learners", role="search")[
        h.label(for_="q")["Learner, sourcedid, course, assignment or stream entry"],
        h.input("#q", type="search", name="q", value=word, maxlength=MAX_WORD, required=True, autocomplete="off"),
        h.button(type="submit")["Look for it"],
    ]


def search_page(found: Search, terms: Terms) -> Node:
    """The box, and what was found. Pure."""
    answer = found.answer
    kinds = found.others if answer is not None else (found.kind, *found.others)
    return (
        search_form(found.word),
        bool(found.others)
        and h.p[
            text(f"“{found.word[:80]}” is taken for {_KINDS[found.kind]}. It may also be ")
            if answer is not None
            else text(f"“{found.word[:80]}” may be "),
            _separated([h.a(href=_path(found.word, kind))[_KINDS[kind]] for kind in kinds]),
            ".",
        ],
        answer is not None and answer_content(answer, terms),
    )


def _path(word: str, kind: str) -> str:
    return f"/learners?{urlencode({'q': word, 'as': kind})}"


def _separated(nodes: list[h.Element]) -> Node:
    return [(node, ", " if place < len(nodes) - 1 else "") for place, node in enumerate(nodes)]

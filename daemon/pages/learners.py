"""Where is my grade: one box to look for a learner, by whatever the one who asks knows."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

import htpy as h
from aiohttp import web
from htpy import Node

from daemon.pages.access import RefusedError, lead_to
from daemon.pages.course_filter import CourseAsked
from daemon.pages.filters import FilterField, filter_form, query_word
from daemon.pages.grades import answer_content
from daemon.pages.layout import Page, text
from daemon.pages.site import Visit
from daemon.why.gather import gather
from daemon.why.known import Explanation, Terms
from models.queries.campuses import campuses_named
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
    "campus": "a campus",
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

    *within*: the campus's key and the course that narrow it down. *answer*: what is known of it; None for what has a
    page of its own.
    """

    word: str
    kind: str
    others: tuple[str, ...]
    within: tuple[str | None, str | None]
    answer: Explanation | None

    @property
    def is_of_several(self) -> bool:
        """Whether the answer may be of more than the one who asks means."""
        many = isinstance(self.answer, Explanation) and (self.answer.namesakes or self.answer.more_known)
        return many or any(self.within)


async def show_learners(visit: Visit) -> Page | web.Response:
    """``/learners?q=WORD``; ``&as=KIND`` says what it is, ``&consumer=KEY&course=ID`` narrow it down."""
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
    if kind == "campus":
        return await _campuses(word)
    within = (query_word(visit.request, "consumer"), query_word(visit.request, "course"))
    answer = None if kind in _PAGES else await _answer(visit, word, kind, within)
    return Page(TITLE, search_page(Search(word, kind, others, within, answer), await visit.terms()))


async def _campuses(word: str) -> Page | web.Response:
    """The campus of that key or name, or its addresses where it has several."""
    found = await campuses_named(word)
    if len(found) == 1:
        return lead_to(f"/campuses/{found[0][0]}")
    listed = h.ul[(h.li[h.a(href=f"/campuses/{campus_id}")[text(origin)]] for campus_id, origin in found)]
    said = f"“{word[:80]}” has {len(found)} addresses:" if found else f"No launch came from “{word[:80]}” yet."
    return Page(TITLE, (search_form(word), h.p[text(said)], bool(found) and listed))


async def _kinds(visit: Visit, word: str) -> list[str]:
    """Of which kinds the word is; a learner's id if it is not known."""
    meant = await find_meaning(word)
    found = [
        kind for kind in ("learner", "lti_user", "sourcedid", "course", "assignment", "campus") if getattr(meant, kind)
    ]
    if await _learner_of(visit, word) is not None:
        found.append("entry")
    return found or ["learner"]


async def _learner_of(visit: Visit, entry_id: str) -> str | None:
    """Whose event an entry of the stream is; None if it is none, or has none."""
    entry = await visit.daemon.stream.entry(entry_id) if _ENTRY.fullmatch(entry_id) else None
    learner = None if entry is None else entry.get(b"user_id")
    return None if learner is None else learner.decode(errors="replace")


async def _answer(visit: Visit, word: str, kind: str, within: tuple[str | None, str | None]) -> Explanation:
    learner = (await _learner_of(visit, word) or word) if kind == "entry" else word
    asked = {
        "lti_user": Query(lti_user_id=word),
        "sourcedid": Query(sourcedid=word),
    }.get(kind, Query(user_id=learner))
    consumer_key, course_id = within
    asked = replace(asked, consumer_key=consumer_key, course_id=course_id)
    return await gather(asked, now=visit.now, trees=visit.daemon.trees)


def search_form(word: str) -> Node:
    """The box. Pure."""
    return h.form(".inline", method="get", action="/learners", role="search")[
        h.label(for_="q")["Learner, sourcedid, course, assignment, campus or stream entry"],
        h.input("#q", type="search", name="q", value=word, maxlength=MAX_WORD, required=True, autocomplete="off"),
        h.button(type="submit")["Look for it"],
    ]


def search_page(found: Search, terms: Terms) -> Node:
    """The box, and what was found. Pure."""
    answer = found.answer
    kinds = found.others if answer is not None else (found.kind, *found.others)
    return (
        search_form(found.word),
        found.is_of_several and _narrowing_form(found),
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


def _narrowing_form(found: Search) -> Node:
    consumer_key, course_id = found.within
    fields = (FilterField("consumer", "Campus key", consumer_key), FilterField("course", "Course", course_id))
    return filter_form("/learners", fields, {"q": found.word, "as": found.kind})


def _path(word: str, kind: str) -> str:
    return f"/learners?{urlencode({'q': word, 'as': kind})}"


def _separated(nodes: list[h.Element]) -> Node:
    return [(node, ", " if place < len(nodes) - 1 else "") for place, node in enumerate(nodes)]

"""Parked grades by reason, who has to act, and having exactly one group sent again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import htpy as h
from aiohttp import web
from htpy import Node

from daemon.infra.text import counted
from daemon.pages.access import RefusedError
from daemon.pages.course_filter import CourseAsked
from daemon.pages.done import lead_back, mark_all
from daemon.pages.filters import FilterField, filter_form, named_number, query_word
from daemon.pages.layout import Page, alarm, data_table, text, token_field
from daemon.pages.parked_address import parked_group_fields, parked_group_path
from daemon.pages.site import Visit
from daemon.support.parked_words import ParkedReason, in_course_words, parked_reasons
from daemon.support.record import recorded_in_steps_by
from daemon.why.advice import PEOPLE
from daemon.why.known import Terms
from models.consumer import find_consumer
from models.queries.filter import AssignmentFilter
from models.queries.parked import MAX_GROUPS, ParkedGroup, group_of, read_parked
from models.queries.resend import Matched, match

PARKED_TITLE = "Parked grades"
#: Reasons on a page, and the courses of each.
MAX_SHOWN_REASONS, MAX_SHOWN_COURSES = 100, 50
_SCOPES = ("learner", "course", "campus")


@dataclass(frozen=True, slots=True)
class ParkedAsked:
    """What the page is narrowed down to; None: everything."""

    consumer: str | None = None
    course: str | None = None
    scope: str | None = None

    @property
    def form(self) -> Node:
        """The form that asks for it."""
        fields = (
            FilterField("consumer", "Campus key", self.consumer),
            FilterField("course", "Course", self.course),
            FilterField("scope", "About", self.scope, _SCOPES),
        )
        return filter_form("/parked", fields)


async def show_parked(visit: Visit) -> Page:
    """``/parked?consumer=KEY&course=ID&scope=SCOPE``."""
    asked = ParkedAsked(*(query_word(visit.request, name) for name in ("consumer", "course", "scope")))
    if asked.consumer is not None and await find_consumer(asked.consumer) is None:
        # An unknown key is an error, not an empty list.
        unknown = h.p(role="alert")[text(f"There is no campus with the key {asked.consumer[:255]!r}.")]
        return Page(PARKED_TITLE, (asked.form, unknown), status=404)
    groups = await read_parked(consumer_key=asked.consumer, course_id=asked.course, scope=asked.scope)
    return Page(PARKED_TITLE, parked_page(asked, groups, await visit.terms()))


def parked_page(asked: ParkedAsked, groups: Sequence[ParkedGroup], terms: Terms) -> Node:
    """The page's content. Pure."""
    return asked.form, not groups and h.p["Nothing is parked."], reasons_content(groups, terms)


def reasons_content(groups: Sequence[ParkedGroup], terms: Terms) -> Node:
    """Groups of parked grades by their reasons, each with a link to its page. Pure."""
    reasons = parked_reasons(groups)
    more = len(reasons) > MAX_SHOWN_REASONS or len(groups) == MAX_GROUPS
    return (
        (_reason(parked, terms) for parked in reasons[:MAX_SHOWN_REASONS]),
        more and h.p["These are the largest groups; there are more. Campus key and course narrow it down."],
    )


def _reason(parked: ParkedReason, terms: Terms) -> Node:
    left = parked.groups[MAX_SHOWN_COURSES:]
    return h.article[
        h.h2[alarm(parked.head(terms.zone))],
        _advice(parked),
        h.ul[(_course(group) for group in parked.groups[:MAX_SHOWN_COURSES])],
        bool(left) and h.p[f"{sum(group.number for group in left)} in {counted(len(left), 'more course')}"],
    ]


def _advice(parked: ParkedReason) -> Node:
    advice = parked.advice
    return h.p[h.strong[f"Who has to act: {PEOPLE[advice.who]}."], text(f" {advice.words}")]


def _course(group: ParkedGroup) -> Node:
    return h.li[
        h.a(href=parked_group_path(_named(group)))[text(in_course_words(group))],
        ", for example ",
        h.a(href=f"/assignments/{group.example}")[f"assignment {group.example}"],
        "; ",
        h.a(href=CourseAsked(group.course_id, consumer=group.consumer_key).path())["all learners of the course"],
    ]


def _named(group: ParkedGroup) -> dict[str, str]:
    return parked_group_fields(
        group.example, group.consumer_key, group.origin, group.course_id, group.scope, group.reason
    )


async def show_parked_group(visit: Visit) -> Page:
    """``/parked/group?example=ID&group=FINGERPRINT``: what a resend would send."""
    group = await _group(visit.request.query)
    matched = await match(_filter(group), now=visit.now)
    content = parked_group_page(group, matched, await visit.terms(), visit.token, operates=visit.operates)
    return Page("A group of parked grades", content)


async def resend_group(visit: Visit) -> web.Response:
    """``POST /parked/resend``: send the grades of a group again, and no other."""
    group = await _group(visit.form)
    wanted = _filter(group)
    async with recorded_in_steps_by("resend", _selection(group), visit.actor) as counts:
        number = (await match(wanted, now=visit.now)).number
        await mark_all(visit, wanted, counts, matched=number, force=False)
    return lead_back(visit, "/parked")


async def _group(given: Mapping[str, str]) -> ParkedGroup:
    group = await group_of(named_number(given, "example"))
    # Its example may be another one by now: the group is the same.
    if group is None or _named(group)["group"] != given.get("group"):
        raise RefusedError(409, "This group is not parked any more, or for another reason. Look at what is parked now.")
    return group


def _filter(group: ParkedGroup) -> AssignmentFilter:
    return AssignmentFilter(
        course_id=group.course_id,
        at_campus=group.campus_id,
        parked=True,
        parked_reason=group.reason,
        parked_scope=group.scope,
    )


def _selection(group: ParkedGroup) -> dict[str, object]:
    """What the record of actions says of it; not the reason, which may name a learner in the LMS's words."""
    return {
        "consumer": group.consumer_key,
        "origin": group.origin,
        "course": group.course_id,
        "parked": True,
        "scope": group.scope,
        "example": group.example,
    }


def parked_group_page(group: ParkedGroup, matched: Matched, terms: Terms, token: str, *, operates: bool) -> Node:
    """The page's content. Pure."""
    parked = ParkedReason([group])
    rows = [
        (
            h.a(href=f"/assignments/{row['id']}")[str(row["id"])],
            row["user_id"],
            row["usage_id"],
            row["sent_score"] or "",
        )
        for row in matched.first
    ]
    return (
        h.p[alarm(parked.head(terms.zone))],
        _advice(parked),
        h.p[text(in_course_words(group))],
        # No resend helps against the other: the learner's launch sends it.
        operates and parked.advice.who != "learner" and _resend_form(group, matched.number, token),
        data_table(f"The first {len(rows)}", ("assignment", "learner", "block", "acknowledged"), rows),
        h.p[h.a(href="/parked")["All that is parked"]],
    )


def _resend_form(group: ParkedGroup, number: int, token: str) -> Node:
    return h.form(method="post", action="/parked/resend")[
        token_field(token),
        (h.input(type="hidden", name=name, value=value) for name, value in _named(group).items()),
        h.p[
            f"{counted(number, 'grade')} would be sent again, as quickly as the campus allows. Do it once the cause is "
            "removed; no other group is changed."
        ],
        h.button(type="submit")[f"Send {counted(number, 'grade')} again"],
    ]

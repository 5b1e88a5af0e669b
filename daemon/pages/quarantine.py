"""Events that could not be applied: counted by reason and type, and one of them with what it said."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import htpy as h
from htpy import Node

from daemon.infra.text import printable
from daemon.pages.access import RefusedError
from daemon.pages.filters import FilterField, filter_form, fingerprint, query_word
from daemon.pages.layout import Page, alarm, data_table, moment, text
from daemon.pages.quarantine_forms import changing_forms
from daemon.pages.site import Visit
from daemon.support.quarantine import MAX_READ, of_type
from daemon.support.quarantine_words import (
    SHOWN_GROUPS,
    SHOWN_REASONS,
    event_group_words,
    of_reasons,
    reason_words,
)
from daemon.why.known import Terms
from models.event_types import EVENT_TYPES, UNKNOWN
from models.quarantine import EventFilter, EventGroup, QuarantinedEvent, by_reason, newest_of

#: Events that are counted, and that are shown one by one.
MAX_COUNTED, MAX_LISTED = 10_000, 50


@dataclass(frozen=True, slots=True)
class QuarantineShown:
    """
    What the page shows.

    *asked*: type, learner, campus key and course. *number*: of events among the newest; *cut*: whether older ones were
    not looked at.
    """

    asked: tuple[str | None, str | None, str | None, str | None]
    groups: Sequence[EventGroup]
    newest: Sequence[QuarantinedEvent]
    number: int
    cut: bool

    @property
    def form(self) -> Node:
        """The form that narrows the page down."""
        type_, user, consumer, course = self.asked
        fields = (
            FilterField("type", "Type", type_, (*EVENT_TYPES, UNKNOWN)),
            FilterField("user", "Learner", user),
            FilterField("consumer", "Campus key", consumer),
            FilterField("course", "Course", course),
        )
        return filter_form("/quarantine", fields)


async def show_quarantine(visit: Visit) -> Page:
    """``/quarantine?type=TYPE&user=ID&consumer=KEY&course=ID``."""
    type_, user, consumer, course = (query_word(visit.request, name) for name in ("type", "user", "consumer", "course"))
    among = await newest_of(EventFilter(user_id=user, consumer_key=consumer, course_id=course), MAX_COUNTED)
    wanted = await of_type(among, type_)
    shown = QuarantineShown(
        (type_, user, consumer, course),
        await by_reason(wanted, MAX_READ),
        await wanted.events().order_by("-id").limit(MAX_LISTED),
        await wanted.events().count(),
        cut=among.from_id is not None,
    )
    return Page("Quarantine", quarantine_page(shown, await visit.terms()))


def quarantine_page(shown: QuarantineShown, terms: Terms) -> Node:
    """The page's content. Pure."""
    ranked = of_reasons(shown.groups)
    more = len(ranked) > SHOWN_REASONS or len(shown.groups) == MAX_READ
    return (
        shown.form,
        shown.cut and h.p[f"Counted are the newest {MAX_COUNTED} events, before the type narrows them down."],
        (_reason(reason, groups) for reason, groups in ranked[:SHOWN_REASONS]),
        more and h.p["There are more reasons or groups, of fewer events: type, campus key and course narrow it down."],
        _newest(shown, terms),
    )


def _reason(reason: str, groups: Sequence[EventGroup]) -> Node:
    rest = groups[SHOWN_GROUPS:]
    return h.article[
        h.h2[alarm(reason_words(reason, groups))],
        h.ul[(h.li[h.a(href=group_path(group))[text(event_group_words(group))]] for group in groups[:SHOWN_GROUPS])],
        bool(rest) and h.p[f"{sum(group.number for group in rest)} in {len(rest)} more groups"],
    ]


def group_path(group: EventGroup) -> str:
    """The page of a group, whose reason is without quotes."""
    same = fingerprint(group.reason, group.type, group.consumer_key, group.course_id)
    return f"/quarantine/group?{urlencode({'newest': group.newest, 'group': same})}"


def _newest(shown: QuarantineShown, terms: Terms) -> Node:
    if not shown.newest:
        return h.p["Nothing is in quarantine." if not any(shown.asked) else "Nothing of this is in quarantine."]
    return (
        events_table("Events, the newest first", shown.newest, terms),
        shown.number > len(shown.newest) and h.p[f"These are {len(shown.newest)} of {shown.number}."],
    )


def events_table(caption: str, events: Sequence[QuarantinedEvent], terms: Terms) -> Node:
    """Events, a row each. Pure."""
    return data_table(
        caption,
        ("id", "read", "entry", "type", "learner", "course", "reason"),
        [
            (
                h.a(href=f"/quarantine/{one.id}")[str(one.id)],
                moment(one.at, terms.zone),
                one.entry_id,
                one.type,
                one.user_id or "",
                one.course_id or "",
                one.reason,
            )
            for one in events
        ],
        numbers=("id",),
    )


async def show_event_page(visit: Visit) -> Page:
    """``/quarantine/ID``."""
    event = await event_of(int(visit.request.match_info["id"]))
    forms = visit.operates and changing_forms(f"/quarantine/{event.id}", {}, 1, visit.token)
    return Page(f"Event {event.id}", event_content(event, forms, await visit.terms()))


async def event_of(event_id: int) -> QuarantinedEvent:
    """An event by its id. Raises :class:`RefusedError`."""
    event = await QuarantinedEvent.get_or_none(id=event_id)
    if event is None:
        raise RefusedError(404, f"There is no event {event_id} in quarantine: it was applied, dropped or never there.")
    return event


def event_content(event: QuarantinedEvent, forms: Node, terms: Terms) -> Node:
    """The page's content. Pure."""
    lines = {
        "Refused": event.reason,
        "Type": event.type,
        "Entry": event.entry_id,
        "Learner": event.user_id or "not named",
        "Campus key": event.consumer_key or "not named",
        "Course": event.course_id or "not named",
    }
    said = printable(event.content.decode(errors="backslashreplace"), "\n")
    return (
        h.dl[
            h.dt["Read"],
            h.dd[moment(event.at, terms.zone)],
            ((h.dt[name], h.dd[text(words)]) for name, words in lines.items()),
        ],
        h.section[h.h2["What it said"], h.pre[said]],
        event.truncated and h.p["Only the beginning was kept; a replay needs the whole entry from the stream."],
        forms,
        h.p[h.a(href="/quarantine")["All that is in quarantine"]],
    )

"""A group of events in quarantine; replaying and dropping it, or one event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import htpy as h
from aiohttp import web
from htpy import Node

from daemon.ingest.apply import Applier
from daemon.pages.access import RefusedError
from daemon.pages.done import lead_back
from daemon.pages.filters import fingerprint, named_number
from daemon.pages.layout import Page, alarm
from daemon.pages.quarantine import MAX_COUNTED, MAX_LISTED, event_of, events_table
from daemon.pages.quarantine_forms import MAX_REPLAYED, changing_forms
from daemon.pages.site import Visit
from daemon.support.quarantine import Replayer, drop_events, selection_of
from daemon.support.quarantine_words import event_group_words, reason_words, without_quotes
from daemon.why.known import Terms
from models.course import CourseTrees
from models.quarantine import EventFilter, EventGroup, QuarantinedEvent, in_order, newest_of

_TITLE = "A group of events"


@dataclass(frozen=True, slots=True)
class AlikeEvents:
    """A group as it was when a page named it. *ids*: its events, in the order of their entries."""

    group: EventGroup
    ids: Sequence[int]

    @property
    def named(self) -> dict[str, str]:
        """How a form names it: by its newest event, and by what they have in common."""
        one = self.group
        same = fingerprint(one.reason, one.type, one.consumer_key, one.course_id)
        return {"newest": str(one.newest), "group": same}

    @property
    def selection(self) -> dict[str, Any]:
        """What the record of actions says of it."""
        one = self.group
        # Not the reason, which quotes what may be a learner's.
        return {"type": one.type, "consumer": one.consumer_key, "course": one.course_id, "newest": one.newest}


async def show_event_group(visit: Visit) -> Page:
    """``/quarantine/group?newest=ID&group=FINGERPRINT``."""
    alike = await _alike(visit.request.query)
    first = await EventFilter(ids=tuple(alike.ids[:MAX_LISTED])).events()
    ordered = sorted(first, key=lambda event: alike.ids.index(event.id))
    forms = visit.operates and changing_forms("/quarantine", alike.named, len(alike.ids), visit.token)
    return Page(_TITLE, event_group_page(alike.group, ordered, forms, await visit.terms()))


def event_group_page(group: EventGroup, first: Sequence[QuarantinedEvent], forms: Node, terms: Terms) -> Node:
    """The page's content. Pure."""
    return (
        h.p[alarm(reason_words(group.reason, [group]))],
        h.p[event_group_words(group)],
        forms,
        events_table(f"The first {len(first)}, in the order of their entries", first, terms),
        h.p[h.a(href="/quarantine")["All that is in quarantine"]],
    )


async def replay_group(visit: Visit) -> web.Response:
    """``POST /quarantine/replay``."""
    alike = await _alike(visit.form)
    await _replay(visit, alike.ids, alike.selection)
    return lead_back(visit, "/quarantine")


async def replay_event(visit: Visit) -> web.Response:
    """``POST /quarantine/ID/replay``."""
    event = await event_of(int(visit.request.match_info["id"]))
    await _replay(visit, [event.id], selection_of(EventFilter(ids=(event.id,))))
    is_left = await QuarantinedEvent.exists(id=event.id)
    return lead_back(visit, f"/quarantine/{event.id}" if is_left else "/quarantine")


async def drop_group(visit: Visit) -> web.Response:
    """``POST /quarantine/drop``."""
    alike = await _alike(visit.form)
    return await _drop(visit, alike.ids, alike.selection)


async def drop_event(visit: Visit) -> web.Response:
    """``POST /quarantine/ID/drop``."""
    event = await event_of(int(visit.request.match_info["id"]))
    return await _drop(visit, [event.id], selection_of(EventFilter(ids=(event.id,))))


async def _replay(visit: Visit, ids: Sequence[int], selection: Mapping[str, Any]) -> None:
    settings, daemon = visit.site.config, visit.daemon
    applier = Applier(CourseTrees(), settings.outcomes.debounce, settings.egress.policy)
    replayer = Replayer(applier, daemon.clock, daemon.stream, visit.actor)
    await replayer.replay(ids[:MAX_REPLAYED], selection)


async def _drop(visit: Visit, ids: Sequence[int], selection: Mapping[str, Any]) -> web.Response:
    if visit.form.get("confirm") != "yes":
        raise RefusedError(400, "Nothing was deleted: say first, in the form, that the events are to go for good.")
    await drop_events(EventFilter(ids=tuple(ids)), selection, visit.actor)
    return lead_back(visit, "/quarantine")


async def _alike(given: Mapping[str, str]) -> AlikeEvents:
    """The group of an event: what is newer than it came after the page that named the group, and is left out."""
    newest = await QuarantinedEvent.get_or_none(id=named_number(given, "newest"))
    found = None if newest is None else await _group_of(newest)
    # Without ids a filter finds all events.
    if found is None or not found.ids or found.named["group"] != given.get("group"):
        raise RefusedError(409, "This group is not in quarantine any more, or for another reason. Look at it anew.")
    return found


async def _group_of(newest: QuarantinedEvent) -> AlikeEvents:
    reason, key, course = without_quotes(newest.reason), newest.consumer_key, newest.course_id
    among = await newest_of(EventFilter(consumer_key=key, course_id=course, to_id=newest.id), MAX_COUNTED)
    # None of a filter filters nothing out; here it is what an event that names none has.
    named = {
        **({"consumer_key__isnull": True} if key is None else {}),
        **({"course_id__isnull": True} if course is None else {}),
    }
    rows = await among.events().filter(type=newest.type, **named).values_list("id", "reason")
    ids = tuple(event_id for event_id, why in rows if without_quotes(why) == reason)
    group = EventGroup(len(ids), newest.type, key, course, reason, newest.id)
    return AlikeEvents(group, await in_order(EventFilter(ids=ids)))

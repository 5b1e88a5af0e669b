"""Overview: whether anyone has to act, now or later; the campuses, trouble first; the pace."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

import htpy as h
from htpy import Node

from daemon.infra.text import age, counted, past
from daemon.ingest.lag import stream_lag
from daemon.pages.course_filter import CourseAsked
from daemon.pages.layout import Page, ago, alarm, data_table, text
from daemon.pages.learners import search_form
from daemon.pages.plot import plot
from daemon.pages.site import Visit
from daemon.pages.states import states_table
from daemon.web.snapshot import Snapshot, snapshot
from daemon.web.status_words import status_lines
from daemon.why.advice import PEOPLE
from daemon.why.known import Terms
from daemon.why.trouble import CampusTrouble, campus_trouble
from models.db.together import together
from models.queries.campuses import read_troubled_campuses
from models.queries.pace import Pace, read_pace
from models.queries.status import CampusStatus, Status
from models.queries.structures import MissingStructure, read_missing_structures
from models.queries.views import CampusView
from models.states import OVERDUE_MS

#: Seconds after which the page is shown anew.
REFRESH_SECONDS = 10
#: Campuses in each table and list, those in trouble first, and those that are late by name.
MAX_CAMPUSES, MAX_NAMED_CAMPUSES = 200, 5
#: Courses without a structure that are named.
MAX_NAMED_COURSES = 5
_HOUR, _DAY = 3_600_000, 86_400_000


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that asks for a person. *urgent*: also at night. *path*: of the page that has more."""

    words: str
    urgent: bool = False
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """
    Everything at one moment.

    *hour*, *day*: how many attempts ended in each minute, and each half hour. *missing*: the structures for which most
    grades wait for long, and one more than are named.
    """

    shot: Snapshot
    troubled: Sequence[CampusView]
    hour: Pace
    day: Pace
    missing: Sequence[MissingStructure] = ()


async def show_overview(visit: Visit) -> Page:
    """``/``."""
    daemon = visit.daemon
    # The lag first: the rest then includes all that it counts as applied.
    lag = await stream_lag(daemon.stream)
    now, status = visit.now, await visit.status()
    shot, troubled, hour, day, missing, terms = await together(
        snapshot(now, lag, daemon.troubles(), status),
        _troubled(now, status),
        read_pace(now, _HOUR, 60),
        read_pace(now, _DAY, 48),
        read_missing_structures(before=now - OVERDUE_MS, most=MAX_NAMED_COURSES + 1),
        visit.terms(),
    )
    return Page("Overview", overview(Overview(shot, troubled, hour, day, missing), terms), refresh=REFRESH_SECONDS)


async def _troubled(now: int, status: Status) -> list[CampusView]:
    """The campuses to which grades do not go although some wait."""
    waiting = {
        one.campus_id
        for one in status.campuses
        if any(one.numbers.get(state) for state in ("due", "waiting", "claimed"))
    }
    return [one for one in await read_troubled_campuses(now=now) if one.campus_id in waiting]


def overview(seen: Overview, terms: Terms) -> Node:
    """The page's content. Pure."""
    shot, found = seen.shot, list(concerns(seen, terms))
    return (
        search_form(""),
        _answer(found, len(seen.troubled)),
        _campuses_in_trouble(seen.troubled, shot, terms),
        _backlog(shot, terms.zone),
        states_table(shot.status.assignments),
        _all_campuses(shot, terms.zone),
        h.h2["Attempts"],
        plot("The last hour, a bar a minute", seen.hour, terms.zone),
        plot("The last day, a bar a half hour", seen.day, terms.zone),
    )


def concerns(seen: Overview, terms: Terms) -> Iterator[Concern]:
    """What asks for a person, the urgent first. Pure."""
    shot = seen.shot
    if terms.daemon_fault is not None:
        yield Concern(terms.daemon_fault, urgent=True)
    for words in shot.troubles:
        yield Concern(f"This daemon is not ready: {words}.", urgent=True)
    late = _campuses_that_work_late(seen, terms)
    for campus in late[:MAX_NAMED_CAMPUSES]:
        longest = age(terms.now - (campus.oldest_due or terms.now))
        due = f"takes grades, but has {counted(campus.due, 'grade')} due, for up to {longest}."
        words = f"{campus.consumer} ({campus.origin}) {due}"
        yield Concern(words, urgent=True, path=f"/campuses/{campus.campus_id}")
    if len(late) > MAX_NAMED_CAMPUSES:
        yield Concern(f"So have those for {len(late) - MAX_NAMED_CAMPUSES} more campuses.", urgent=True)
    acting = [trouble for campus in seen.troubled if (trouble := campus_trouble(campus, terms)) is not None]
    for who in dict.fromkeys(trouble.who for trouble in acting if trouble.who != "no one"):
        number = sum(trouble.who == who for trouble in acting)
        noun = "campus is" if number == 1 else "campuses are"
        yield Concern(f"{number} {noun} in trouble, and {PEOPLE[who]} can act.")
    yield from _missing_structures(seen.missing, terms)
    parked = sum(campus.parked for campus in shot.status.campuses)
    if parked:
        yield Concern(f"{counted(parked, 'grade')} parked: each needs a person.", path="/parked")
    if shot.status.quarantined:
        events = counted(shot.status.quarantined, "event")
        yield Concern(f"{events} in quarantine: passbackd could not apply them.", path="/quarantine")


def _missing_structures(missing: Sequence[MissingStructure], terms: Terms) -> Iterator[Concern]:
    for one in missing[:MAX_NAMED_COURSES]:
        wait = f"{'waits' if one.number == 1 else 'wait'} for its structure since {past(one.since, terms.zone)}"
        words = f"{counted(one.number, 'grade')} of course {one.course_id} {wait}: {PEOPLE['tool']} can act."
        yield Concern(words, path=CourseAsked(one.course_id, state="waiting").path())
    if len(missing) > MAX_NAMED_COURSES:
        yield Concern("So do grades of more courses.")


def _campuses_that_work_late(seen: Overview, terms: Terms) -> list[CampusStatus]:
    """Those with the oldest grade first."""
    troubled = {campus.campus_id for campus in seen.troubled}
    late = [
        campus
        for campus in seen.shot.status.campuses
        if campus.campus_id not in troubled
        and campus.oldest_due is not None
        and terms.now - campus.oldest_due > OVERDUE_MS
    ]
    return sorted(late, key=lambda campus: campus.oldest_due or 0)


def _answer(found: Sequence[Concern], troubled: int) -> Node:
    urgent = [concern for concern in found if concern.urgent]
    if not found and troubled:
        campuses = "1 campus is" if troubled == 1 else f"{troubled} campuses are"
        return h.p(".well")[f"No one has to act. {campuses} in trouble, and passbackd goes on by itself: see below."]
    if not found:
        return h.p(".well")["All is well: no one has to act."]
    head = (
        alarm("This needs a person now.") if urgent else h.strong["Nothing is urgent. This can wait for working hours:"]
    )
    return h.p[head], h.ul[(h.li[_concern(one)] for one in found)]


def _concern(one: Concern) -> Node:
    words = alarm(one.words) if one.urgent else text(one.words)
    return words if one.path is None else h.a(href=one.path)[words]


def _campuses_in_trouble(troubled: Sequence[CampusView], shot: Snapshot, terms: Terms) -> Node:
    known = [(campus, trouble) for campus in troubled if (trouble := campus_trouble(campus, terms)) is not None]
    if not known:
        return None
    ordered = sorted(known, key=lambda one: (one[1].who == "no one", one[0].consumer, one[0].origin))
    statuses = {one.campus_id: one for one in shot.status.campuses}
    return h.section[
        h.h2["Campuses in trouble"],
        (_campus_in_trouble(campus, trouble, statuses) for campus, trouble in ordered[:MAX_CAMPUSES]),
        _more_campuses(ordered),
    ]


def _more_campuses(campuses: Sequence[object]) -> Node:
    left = len(campuses) - MAX_CAMPUSES
    return left > 0 and h.p[f"and {left} more: the search finds each by its key or its name."]


def _campus_in_trouble(campus: CampusView, trouble: CampusTrouble, known: Mapping[int | None, CampusStatus]) -> Node:
    status = known.get(campus.campus_id)
    name = text(f"{campus.consumer} ({campus.origin})")
    waits = "" if status is None else f" {counted(status.due, 'grade')} due, {status.parked} parked."
    return h.article[
        h.h3[
            h.a(href=f"/campuses/{campus.campus_id}")[name],
            ": ",
            alarm(campus.campus_state),
        ],
        h.p[text(trouble.words)],
        h.p[f"Who has to act: {PEOPLE[trouble.who]}.{waits}"],
    ]


def _backlog(shot: Snapshot, zone: tzinfo | None) -> Node:
    away = "" if shot.stream_lag is None else None
    lines = status_lines(shot, zone, away, daemon_answers=True)
    return h.section[h.h2["Backlog"], h.ul[(h.li[alarm(line) if alarms else text(line)] for line, alarms in lines)]]


def _all_campuses(shot: Snapshot, zone: tzinfo | None) -> Node:
    if not shot.status.campuses and not shot.idle:
        return h.p["No campus is known yet: `passbackd consumer add` or `passbackd platform add` adds one."]
    headings = ("campus", "address", "state", "due", "parked", "grades/min", "time left", "oldest due", "last success")
    ordered = sorted(shot.status.campuses, key=lambda one: (one.state not in ("down", "probing"), not one.parked))
    rows = [_row(campus, shot, zone) for campus in ordered[:MAX_CAMPUSES]]
    idle = shot.idle[: MAX_CAMPUSES - len(rows)]
    rows += [(one.name, "no launch yet", one.state, "0", "0", "0", "", "", "never") for one in idle]
    return data_table("Campuses", headings, rows, numbers=headings[3:6]), _more_campuses([*ordered, *shot.idle])


def _row(campus: CampusStatus, shot: Snapshot, zone: tzinfo | None) -> Sequence[Node]:
    left, oldest = shot.seconds_left(campus), campus.oldest_due
    return (
        h.a(href=f"/campuses/{campus.campus_id}")[text(campus.consumer)],
        campus.origin,
        alarm(campus.state) if campus.state in ("down", "probing") else campus.state,
        str(campus.due),
        alarm(str(campus.parked)) if campus.parked else "0",
        f"{shot.rate(campus).last_minute:.1f}",
        "unknown" if left is None else age(int(left * 1000)) if campus.due else "",
        "" if oldest is None else age(shot.now - oldest),
        ago(campus.last_success, shot.now, zone),
    )

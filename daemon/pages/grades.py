"""Grades as ``why`` explains them, in HTML. Pure."""

from collections.abc import Iterator, Sequence

import htpy as h
from htpy import Node

from actors.compute_grade import Grade
from daemon.infra.text import capitalized
from daemon.pages.layout import alarm, data_table, moment, text
from daemon.pages.parked_address import parked_group_fields, parked_group_path
from daemon.why.absent import absence, launches_words, moved_words, who_acts
from daemon.why.activity import Activity, group_head, group_words, groups_in_order, head
from daemon.why.advice import PEOPLE, Who
from daemon.why.asked import shown_words
from daemon.why.known import MAX_SHOWN_EVENTS, Absent, Explanation, Known, Terms, noun, protocol_words, title
from daemon.why.outlook import is_alarming, outlook, trouble_first
from daemon.why.points import part_cells, score_words
from daemon.why.summary import NAMESAKES, OPENS_AGAIN, SENT_AGAIN, summary
from daemon.why.words import explanation, reason
from models.queries.activity import ActivityGroup
from models.queries.grades import Query, Rejected
from models.queries.views import AssignmentView
from models.stale_event import StaleEvent


def answer_content(answer: Explanation, terms: Terms) -> Node:
    """What is known of the grades that were asked for, trouble first."""
    if answer.absent is not None:
        return _absent(answer, answer.absent, terms), _rejected(answer, terms), _late(answer, terms)
    ordered = sorted(answer.known, key=lambda known: trouble_first(known, terms))
    return (
        h.p[text(summary(answer, terms))],
        answer.namesakes and h.p[alarm(NAMESAKES)],
        bool(answer.launches) and h.p[text(launches_words(answer.launches, more=answer.rejected_more))],
        terms.daemon_fault and h.p[alarm(terms.daemon_fault)],
        _rejected(answer, terms),
        (grade_article(known, terms) for known in ordered),
        (
            h.p[text(f"Besides: {words} {OPENS_AGAIN}"), " ", *_acting("learner")]
            for words in moved_words(answer.moved, terms)
        ),
        _late(answer, terms),
    )


def activity_content(activity: Activity, terms: Terms) -> Node:
    """The grades of all learners of an activity or a course, in groups."""
    return activity_head(activity, terms), group_articles(activity, terms)


def activity_head(activity: Activity, terms: Terms) -> Node:
    """How many grades there are, and how many of them need a person."""
    return h.p[text(head(activity, terms))], terms.daemon_fault and h.p[alarm(terms.daemon_fault)]


def group_articles(activity: Activity, terms: Terms, *, at_least: bool = False) -> list[Node]:
    """
    Why the grades of each group are where they are, and who has to act.

    Args:
        at_least: Whether groups have more grades than are counted.
    """
    return [_group_article(group, terms, at_least=at_least) for group in groups_in_order(activity, terms)]


def _group_article(group: ActivityGroup, terms: Terms, *, at_least: bool) -> Node:
    words, title_words = group_words(group, terms), f"{'At least ' if at_least else ''}{group_head(group, terms)}"
    is_parked = group.state == "parked"
    same = parked_group_fields(
        group.example, group.consumer_key, group.origin, group.course_id, group.parked_scope, group.parked_reason
    )
    acting = "" if words.who == "no one" else f" {_acting_words(words.who)}"
    return h.article[
        h.h2[alarm(title_words) if is_parked else text(title_words)],
        h.p[text(words.reason)],
        words.who != "no one" and h.p[_acting(words.who)],
        h.p[
            h.a(href=f"/assignments/{group.example}")[f"Assignment {group.example}, for example"],
            is_parked and ("; ", h.a(href=parked_group_path(same))["all of the course parked for this reason"]),
        ],
        _to_pass_on(f"{title_words}. {words.reason}{acting}"),
    ]


def grade_article(known: Known, terms: Terms) -> Node:
    """One grade: what a list of several shows."""
    row = known.row
    return h.article[h.h2[h.a(href=f"/assignments/{row.id}")[text(title(row))]], grade_content(known, terms)]


def grade_content(known: Known, terms: Terms) -> Node:
    """Why a grade is where it is, who has to act, and of what it is made."""
    row = known.row
    state = alarm(row.state) if is_alarming(known, terms) else h.strong[row.state]
    return (
        h.p[
            state,
            text(f": {_whose(row)}, course {row.course_id}, {noun(row)} {row.usage_id}, "),
            f"assignment {row.id}, {protocol_words(row.protocol)}",
        ],
        h.p[text(explanation(known, terms))],
        known.shown is not None and h.p[text(shown_words(known))],
        h.p[_acting(outlook(known, terms).who)],
        _to_pass_on(f"{capitalized(_whose(row))}, {title(row)} (course {row.course_id}). {reason(known, terms)}"),
        isinstance(known.grade, Grade) and len(known.parts) > 1 and _parts(known, terms),
    )


def _whose(row: AssignmentView) -> str:
    at_campus = "" if row.lti_user_id is None else f"{row.lti_user_id} "
    return f"learner {row.user_id} ({at_campus}at {row.consumer})"


def _to_pass_on(words: str) -> Node:
    return h.details[h.summary["To pass on"], h.p[text(words)]]


def _acting_words(who: Who) -> str:
    return f"Who has to act: {PEOPLE[who]}."


def _acting(who: Who) -> Sequence[Node]:
    words = _acting_words(who)
    return [words if who == "no one" else h.strong[words]]


def _absent(answer: Explanation, absent: Absent, terms: Terms) -> Node:
    state, why = absence(absent, answer.rejected, terms)
    acting = who_acts(absent, state, terms)
    return (
        h.p[h.strong[state], ": ", text(why)],
        h.p[_acting(acting)],
        _to_pass_on(f"{_asked_words(absent.asked)}{why}{'' if acting == 'no one' else f' {_acting_words(acting)}'}"),
    )


def _asked_words(asked: Query) -> str:
    named = {
        "learner": asked.user_id,
        "learner at the campus": asked.lti_user_id,
        "sourcedid": asked.sourcedid,
        "course": asked.course_id,
        "activity": asked.usage_id,
    }
    words = ", ".join(f"{name} {value}" for name, value in named.items() if value is not None)
    return f"{capitalized(words)}: "


def _parts(known: Known, terms: Terms) -> Node:
    return data_table("The problems of this unit", ("problem", "points", "scored"), _part_rows(known, terms))


def _part_rows(known: Known, terms: Terms) -> Iterator[Sequence[Node]]:
    for part in known.parts:
        yield [str(cell) if cell is not None else "" for cell in part_cells(part, terms)]


def deliveries(known: Known, terms: Terms) -> Node:
    """The ledger of a grade."""
    if not known.lines:
        return h.p["Nothing was sent yet."]
    headings = ("when", "attempt", "version", "score", "result", "HTTP", "ms", "event", "what came of it")
    rows = [
        (
            moment(line.at, terms.zone),
            str(line.attempt),
            str(line.version),
            f"{line.score} (cut)" if line.clamped else score_words(line.score),
            line.result if line.result == "accepted" else h.strong[line.result],
            "" if line.http_status is None else str(line.http_status),
            "" if line.duration_ms is None else str(line.duration_ms),
            line.entry_id or "",
            line.description,
        )
        for line in known.lines
    ]
    more = known.more_lines and h.p[f"The ledger has more; these are the newest {len(known.lines)}."]
    return data_table("Attempts, the newest first", headings, rows, numbers=("attempt", "version", "HTTP", "ms")), more


def _rejected(answer: Explanation, terms: Terms) -> Node:
    if not answer.rejected:
        return None
    headings = ("read", "learner", "type", "course", "block", "event", "reason")
    rows = [(*_event(one, terms), one.reason) for one in answer.rejected[:MAX_SHOWN_EVENTS]]
    return h.section[
        h.h2[h.a(href="/quarantine")["In quarantine"]],
        h.p["These events could not be applied; passbackd's operator has to act."],
        data_table("Events, the newest first", headings, rows),
        h.p[SENT_AGAIN],
    ]


def _late(answer: Explanation, terms: Terms) -> Node:
    if not answer.late:
        return None
    headings = ("read", "learner", "type", "course", "block", "event", "of", "times")
    rows = [
        (*_event(one, terms), moment(one.modified_us // 1000, terms.zone), str(one.number))
        for one in answer.late[:MAX_SHOWN_EVENTS]
    ]
    return h.section[
        h.h2["Came too late"],
        h.p["These events changed nothing, since something newer was known."],
        data_table("Events, the newest first", headings, rows),
    ]


def _event(event: Rejected | StaleEvent, terms: Terms) -> tuple[Node, ...]:
    named = (event.user_id, event.type, event.course_id, event.usage_id, event.entry_id)
    return moment(event.at, terms.zone), *(one or "" for one in named)

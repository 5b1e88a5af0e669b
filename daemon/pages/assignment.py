"""An assignment: where its grade is, its attempts, and having it sent again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import htpy as h
from aiohttp import web
from htpy import Node

from daemon.pages.access import RefusedError
from daemon.pages.course_filter import CourseAsked
from daemon.pages.done import force_box, lead_back, mark_all
from daemon.pages.grades import deliveries, grade_content
from daemon.pages.layout import Page, text, token_field
from daemon.pages.site import Visit
from daemon.pages.timeline import timeline
from daemon.support.ask import ask_campuses
from daemon.support.record import recorded_in_steps_by
from daemon.why.gather import gather
from daemon.why.known import Explanation, Known, Terms, title
from daemon.why.waiting import needs_structure
from models.action import actions_about
from models.db.together import together
from models.queries.filter import AssignmentFilter
from models.queries.grades import asked_of

#: Seconds for which a campus without a free slot is waited for: a request lasts 30.
ASK_SECONDS = 10.0
#: Actions about an assignment that are shown.
MAX_ACTIONS = 20


async def show_assignment(visit: Visit) -> Page:
    """``/assignments/ID``."""
    return await _page(visit, await _known(visit))


async def ask_campus(visit: Visit) -> Page:
    """``POST /assignments/ID/ask``: the page with what the campus shows now."""
    answer = Explanation(known=(await _known(visit),))
    (known,) = (await ask_campuses(answer, visit.daemon.reader(), patience=ASK_SECONDS)).known
    return await _page(visit, known)


async def _page(visit: Visit, known: Known) -> Page:
    actions, terms = await together(actions_about(known.row.id, known.row.course_id, most=MAX_ACTIONS), visit.terms())
    content = assignment_page(known, actions, terms, visit.token, operates=visit.operates)
    return Page(title(known.row), content)


async def resend_one(visit: Visit) -> web.Response:
    """``POST /assignments/ID/resend``; ``force`` is for operators."""
    known, force = await _known(visit), visit.form.get("force") == "yes"
    if force and not visit.operates:
        raise RefusedError(403, "Only an operator may have a grade sent that the campus acknowledged already.")
    if known.row.state == "disabled":
        raise RefusedError(409, "The tool has switched this activity off. A new launch switches it on again.")
    wanted = AssignmentFilter(assignment_id=known.row.id)
    async with recorded_in_steps_by("resend", {"assignment": known.row.id, "force": force}, visit.actor) as counts:
        await mark_all(visit, wanted, counts, matched=1, force=force)
    return lead_back(visit, f"/assignments/{known.row.id}")


async def _known(visit: Visit) -> Known:
    assignment_id = int(visit.request.match_info["id"])
    asked = await asked_of(assignment_id)
    wanted = None if asked is None else replace(asked, assignment_id=assignment_id)
    answer = None if wanted is None else await gather(wanted, now=visit.now, trees=visit.daemon.trees)
    if answer is None or not answer.known:
        raise RefusedError(404, f"There is no assignment {assignment_id}. Look for its learner.")
    return answer.known[0]


def assignment_page(
    known: Known, actions: Sequence[Mapping[str, Any]], terms: Terms, token: str, *, operates: bool
) -> Node:
    """The page's content. *actions*: those about it. *token*: for its forms. Pure."""
    row = known.row
    return (
        grade_content(known, terms),
        _can_be_sent(known) and _resend_form(known, token, operates=operates),
        _waits_for_structure(known) and h.p["Sending it again does not help before the tool has sent the structure."],
        h.form(".inline", method="post", action=f"/assignments/{row.id}/ask")[
            token_field(token), h.button(type="submit")["Ask the campus what it shows"]
        ],
        h.section[h.h2["What happened"], timeline(known, actions, terms)],
        h.section[h.h2["What was sent"], deliveries(known, terms)],
        h.section[h.h2["Where it is registered"], _registration(known)],
    )


def _can_be_sent(known: Known) -> bool:
    is_settled = known.row.state == "clean" and known.has_nothing_to_send
    return known.row.state != "disabled" and not is_settled and not _waits_for_structure(known)


def _waits_for_structure(known: Known) -> bool:
    return known.row.state == "waiting" and needs_structure(known)


def _resend_form(known: Known, token: str, *, operates: bool) -> Node:
    return h.form(".inline", method="post", action=f"/assignments/{known.row.id}/resend")[
        token_field(token),
        h.button(type="submit")["Send it again"],
        known.overruled is not None
        and h.strong["The campus keeps a later grade that was not sent from here: this one may replace it."],
        operates and force_box(),
    ]


def _registration(known: Known) -> Node:
    row = known.row
    lines = {
        "Learner at the campus": row.lti_user_id or "not said by the launch",
        "Newest event": row.entry_id or "not known",
    }
    campus = h.a(href=f"/campuses/{row.campus_id}")[text(f"{row.consumer} ({row.origin})")]
    course, activity = CourseAsked(row.course_id), CourseAsked(row.course_id, row.usage_id)
    return h.dl[
        h.dt["Campus"],
        h.dd[campus],
        h.dt["Course"],
        h.dd[h.a(href=course.path())[text(f"{row.context_title or 'no title'} ({row.course_id})")]],
        h.dt["Activity"],
        h.dd[h.a(href=activity.path())[text(f"{row.resource_link_title or 'no title'} ({row.usage_id})")]],
        ((h.dt[name], h.dd[text(words)]) for name, words in lines.items()),
    ]

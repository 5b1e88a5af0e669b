"""Having grades of a course sent again: those that were selected, or all that a filter shows."""

from dataclasses import replace

from aiohttp import web

from daemon.pages.access import RefusedError
from daemon.pages.activities import MAX_LISTED_LEARNERS
from daemon.pages.course_filter import named_course
from daemon.pages.done import lead_back, mark_all
from daemon.pages.filters import named_number
from daemon.pages.site import Visit
from daemon.support.record import recorded_in_steps_by
from models.queries.resend import match


async def resend_of_course(visit: Visit) -> web.Response:
    """``POST /activities/resend?course=ID&...``: of what the filter shows by now, what is selected or all of it."""
    asked, force = named_course(visit.request.query), visit.form.get("force") == "yes"
    # What is selected is looked for within the filter: nothing else is sent.
    wanted = replace(await asked.filter(), assignment_ids=await _selected(visit))
    selection = {**asked.fields, "assignments": wanted.assignment_ids, "force": force}
    async with recorded_in_steps_by("resend", selection, visit.actor) as counts:
        number = (await match(wanted, now=visit.now)).number
        await mark_all(visit, wanted, counts, matched=number, force=force)
    return lead_back(visit, asked.path())


async def _selected(visit: Visit) -> tuple[int, ...] | None:
    """The assignments that were ticked; None: all. Raises :class:`RefusedError`."""
    which = visit.form.get("which")
    if which == "all":
        return None
    # The fields of the form, of which several have one name.
    ticked = (await visit.request.post()).getall("id", [])
    if which != "selected" or len(ticked) > MAX_LISTED_LEARNERS:
        raise RefusedError(400, "This form is not whole. Go back, load the page again, and repeat it.")
    if not ticked:
        raise RefusedError(400, "No grade was selected. Go back, and tick those that are to be sent again.")
    return tuple(named_number({"id": str(one)}, "id") for one in ticked)

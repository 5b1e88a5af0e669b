"""A course or an activity: all its learners by state, why their grades are there, and a page of them at a time."""

from dataclasses import replace

import htpy as h

from daemon.pages.access import RefusedError
from daemon.pages.course_filter import CourseAsked, asked_of_course, asked_place
from daemon.pages.course_page import MAX_EXPLAINED, CourseView, course_form, course_page, course_title
from daemon.pages.grades import activity_content, answer_content
from daemon.pages.layout import Page, text
from daemon.pages.site import Visit
from daemon.why.activity import Activity
from daemon.why.gather import gather_activity, gather_groups
from daemon.why.known import Terms
from models.db.together import together
from models.queries.course_grades import GradePlace, read_accepted, read_counts, read_course_grades

COURSES_TITLE = "Courses"
#: Learners on a page.
MAX_LISTED_LEARNERS = 100


async def show_activities(visit: Visit) -> Page:
    """``/activities?course=ID&usage=ID&state=STATE&consumer=KEY&after=PLACE``."""
    asked, after = asked_of_course(visit.request.query), asked_place(visit.request.query)
    if asked is None:
        return Page(COURSES_TITLE, (course_form(None), h.p["Name a course as the tool calls it."]))
    try:
        view, terms = await together(read_view(asked, after, now=visit.now), visit.terms())
    except RefusedError as refused:
        return Page(COURSES_TITLE, (course_form(asked), h.p(role="alert")[text(refused.words)]), status=refused.status)
    if not view.counts:
        return await _without_grades(visit, asked, terms)
    return Page(course_title(asked), course_page(view, terms, visit.token, operates=visit.operates))


async def _without_grades(visit: Visit, asked: CourseAsked, terms: Terms) -> Page:
    """A course or an activity in which no one has a grade, in the words of ``why``."""
    answer = await gather_activity(asked.course, asked.usage, now=visit.now, trees=visit.daemon.trees)
    if isinstance(answer, Activity):
        return Page(course_title(asked), (course_form(asked), activity_content(answer, terms)))
    absent = answer.absent
    is_known = bool(answer.rejected) or (absent is not None and absent.course_known and absent.block_known is not False)
    return Page(
        course_title(asked), (course_form(asked), answer_content(answer, terms)), status=200 if is_known else 404
    )


async def read_view(asked: CourseAsked, after: GradePlace | None, *, now: int) -> CourseView:
    """
    What is shown from a place on; why the grades are where they are only on the first page.

    Raises:
        RefusedError: There is no such campus.
    """
    wanted = await asked.filter()
    counts, found = await together(
        read_counts(asked.course, asked.usage, now=now),
        read_course_grades(wanted, after=after, now=now, most=MAX_LISTED_LEARNERS + 1),
    )
    view = CourseView(asked, counts)
    if after is None:
        explained = replace(wanted, not_clean=not view.explains_all)
        view = replace(view, activity=await gather_groups(explained, now=now, looked=MAX_EXPLAINED))
    if view.number == 0:
        return view
    grades = found[:MAX_LISTED_LEARNERS]
    further = grades[-1].place if len(found) > MAX_LISTED_LEARNERS else None
    return replace(view, grades=grades, accepted=await read_accepted(grades), further=further)

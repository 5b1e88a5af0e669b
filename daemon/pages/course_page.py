"""How a course or an activity is shown: its states, why its grades are there, and a page of its learners. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import htpy as h
from htpy import Node

from daemon.infra.text import counted
from daemon.pages.course_filter import CourseAsked
from daemon.pages.course_rows import row_words
from daemon.pages.done import force_box
from daemon.pages.filters import FilterField, filter_form
from daemon.pages.grades import activity_head, group_articles
from daemon.pages.layout import alarm, data_table, moment, text, token_field
from daemon.pages.states import STATE_MEANINGS
from daemon.why.absent import launches_words
from daemon.why.activity import Activity
from daemon.why.known import Terms
from models.queries.activity import MAX_ACTIVITY_GROUPS
from models.queries.course_grades import CourseGrade, GradeCount, GradePlace
from models.states import STATES

#: Activities of a course that are named, and groups that are shown outright.
MAX_SHOWN_ACTIVITIES, MAX_OPEN_GROUPS = 200, 10
#: Grades of which a page says why they are where they are: as many as it can look at while its reader waits.
MAX_EXPLAINED = 20_000


@dataclass(frozen=True, slots=True)
class CourseView:
    """
    What a page shows.

    Args:
        counts: Of the whole course or activity.
        activity: Why the grades that the filter shows are where they are: those that are not clean where there are more
            than :data:`MAX_EXPLAINED`, and no more than that; None but on the first page.
        grades: Those of this page.
        accepted: As :func:`models.queries.course_grades.read_accepted` gives it.
        further: The place after which the next page begins; None on the last one.
    """

    asked: CourseAsked
    counts: Sequence[GradeCount]
    activity: Activity | None = None
    grades: Sequence[CourseGrade] = ()
    accepted: Mapping[int, int] = field(default_factory=dict)
    further: GradePlace | None = None

    @property
    def number(self) -> int:
        """How many grades the filter shows."""
        return sum(count.number for count in self.counts if self.asked.includes(count))

    @property
    def explains_all(self) -> bool:
        """Whether clean grades are explained too."""
        return self.number <= MAX_EXPLAINED

    @property
    def is_cut(self) -> bool:
        """Whether there are more grades to explain than are."""
        explained = (count for count in self.counts if self.asked.includes(count) and count.state != "clean")
        return not self.explains_all and sum(count.number for count in explained) > MAX_EXPLAINED


def course_title(asked: CourseAsked) -> str:
    """What the page is called. Pure."""
    return f"Course {asked.course}" if asked.usage is None else f"Activity {asked.usage}"


def course_form(asked: CourseAsked | None, keys: Sequence[str] = ()) -> Node:
    """The form that asks for a course. *keys*: of the campuses that have it. Pure."""
    named = {} if asked is None else asked.fields
    fields = (
        FilterField("course", "Course", named.get("course")),
        FilterField("usage", "Activity", named.get("usage")),
        FilterField("state", "State", named.get("state"), STATES),
        FilterField("consumer", "Campus key", named.get("consumer"), keys),
    )
    return filter_form("/activities", fields, anew="Another course")


def course_page(view: CourseView, terms: Terms, token: str, *, operates: bool) -> Node:
    """The page's content. *token*: for its forms. Pure."""
    asked = view.asked
    return (
        course_form(asked, sorted({count.consumer_key for count in view.counts})),
        asked.usage is not None and h.p["Of the course ", _link(replace(asked, usage=None), asked.course)],
        _states(view),
        asked.state is not None and h.p[f"{asked.state}: {STATE_MEANINGS[asked.state]}."],
        None if view.activity is None else _whys(view.activity, view, terms),
        view.activity is not None and asked.usage is None and _activities(view),
        h.section[h.h2["Learners"], _learners(view, terms, token, operates=operates)],
    )


def _link(asked: CourseAsked, words: Node) -> Node:
    return h.a(href=asked.path())[text(words) if isinstance(words, str) else words]


def _states(view: CourseView) -> Node:
    """How many are in each state, each a link that filters."""
    asked, numbers = view.asked, dict.fromkeys(("all", *STATES), 0)
    for count in view.counts:
        if replace(asked, state=None).includes(count):
            numbers[count.state] += count.number
            numbers["all"] += count.number
    shown = {state: number for state, number in numbers.items() if number or state in (asked.state, "all")}
    return h.ul(".states", aria_label="States")[
        (
            h.li[
                h.a(
                    href=replace(asked, state=None if state == "all" else state).path(),
                    aria_current="true" if state == (asked.state or "all") else None,
                )[alarm(f"{number} {state}") if state == "parked" and number else f"{number} {state}"]
            ]
            for state, number in shown.items()
        )
    ]


def _whys(activity: Activity, view: CourseView, terms: Terms) -> Node:
    """The sentences of ``why``, of the groups that the filter shows."""
    if not activity.groups:
        return None
    articles = group_articles(activity, terms, at_least=view.is_cut)
    left = articles[MAX_OPEN_GROUPS:]
    return h.section[
        h.h2["Why" if view.explains_all else "Why, of what is not clean"],
        view.is_cut and h.p[f"Of the first {MAX_EXPLAINED}, by activity{_narrower(view.asked)}."],
        _head(activity, view, terms),
        articles[:MAX_OPEN_GROUPS],
        bool(left) and h.details[h.summary[_more_groups(len(activity.groups))], left],
    ]


def _narrower(asked: CourseAsked) -> str:
    fields = {"an activity": asked.usage, "a state": asked.state, "a campus": asked.consumer}
    free = [words for words, given in fields.items() if given is None]
    return f"; {' or '.join(free)} narrows it down" if free else ""


def _head(activity: Activity, view: CourseView, terms: Terms) -> Node:
    if view.explains_all and not view.asked.narrows:
        return activity_head(activity, terms)
    launches = launches_words(activity.rejected, more=activity.rejected_more) if activity.rejected else None
    return launches and h.p[text(launches)], terms.daemon_fault and h.p[alarm(terms.daemon_fault)]


def _more_groups(number: int) -> str:
    if number > MAX_ACTIVITY_GROUPS:
        return f"The rest of the largest {counted(MAX_ACTIVITY_GROUPS, 'group')}"
    return counted(number - MAX_OPEN_GROUPS, "more group")


def _activities(view: CourseView) -> Node:
    """The activities of a course, those first of which most is parked."""
    numbers: dict[str, list[int]] = {}
    for count in view.counts:
        if replace(view.asked, state=None).includes(count):
            both = numbers.setdefault(count.usage_id, [0, 0])
            both[0] += count.number
            both[1] += count.number if count.state == "parked" else 0
    ordered = sorted(numbers.items(), key=lambda one: (-one[1][1], -one[1][0], one[0]))
    rows = [
        (_link(replace(view.asked, usage=usage_id), usage_id), str(number), alarm(str(parked)) if parked else "0")
        for usage_id, (number, parked) in ordered[:MAX_SHOWN_ACTIVITIES]
    ]
    left = len(ordered) - len(rows)
    return (
        data_table("Activities", ("activity", "grades", "parked"), rows, numbers=("grades", "parked")),
        left > 0 and h.p[f"and {left} more, with fewer grades"],
    )


def _learners(view: CourseView, terms: Terms, token: str, *, operates: bool) -> Node:
    asked = view.asked
    if not view.grades:
        return h.p["No grade fits this filter." if view.number == 0 else "There are no more."]
    table = _table(view, terms, operates=operates)
    return (
        h.p[h.a(href=asked.path("/activities.csv"))[f"{counted(view.number, 'grade')} as a file (CSV)"]],
        _resend_form(view, table, token) if operates else table,
        view.further is not None and h.p[h.a(href=asked.path(after=view.further), rel="next")["Next learners"]],
    )


def _table(view: CourseView, terms: Terms, *, operates: bool) -> Node:
    """Of what an operator selects is named by its box."""
    of_course = view.asked.usage is None
    headings = (
        *(("send again",) if operates else ()),
        "assignment", "learner", "at the campus",
        *(("activity",) if of_course else ()),
        "campus", "state", "score", "per cent", "acknowledged", "who has to act", "reason",
    )  # fmt: skip
    rows = []
    for grade in view.grades:
        words = row_words(grade, view.accepted)
        rows.append(
            (
                *((_box(grade),) if operates else ()),
                h.a(href=f"/assignments/{grade.id}")[str(grade.id)],
                grade.user_id,
                grade.lti_user_id or "",
                *((_link(replace(view.asked, usage=grade.usage_id), grade.usage_id),) if of_course else ()),
                grade.consumer,
                h.span(".whole")[alarm(grade.state) if grade.state == "parked" else grade.state],
                grade.sent_score or "",
                words.percent and f"{words.percent} %",
                moment(grade.sent_at, terms.zone),
                words.who,
                words.reason,
            )
        )
    return data_table(f"{len(rows)} of {counted(view.number, 'grade')}", headings, rows, numbers=("score", "per cent"))


def _box(grade: CourseGrade) -> Node:
    """What the tool has switched off is not sent."""
    words = f"assignment {grade.id} of learner {grade.user_id}"
    is_off = grade.state == "disabled"
    return None if is_off else h.input(type="checkbox", name="id", value=str(grade.id), aria_label=text(words))


def _resend_form(view: CourseView, table: Node, token: str) -> Node:
    # The filter is in the address, which keeps each character of a name; a field has its line breaks changed.
    return h.form(".wide", method="post", action=view.asked.path("/activities/resend"))[
        token_field(token),
        table,
        force_box(),
        h.p["They go out as quickly as the campus allows. What the tool has switched off is not sent."],
        h.button(type="submit", name="which", value="selected")["Send the selected grades again"],
        " ",
        # Not within reach of who means one group and looks at the whole course.
        h.button(type="submit", name="which", value="all")[f"Send all {view.number} that this filter shows again"]
        if view.asked.state is not None
        else "A state has a button for all of its grades.",
    ]

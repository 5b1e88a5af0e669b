"""Why there is no graded assignment that fits what was asked, in plain words. Pure."""

from collections.abc import Sequence

from daemon.infra.text import counted, past
from daemon.why.advice import Who
from daemon.why.known import Absent, AbsentState, Terms, title
from models.queries.grades import MAX_EVENTS, Query, Rejected
from models.stale_event import StaleEvent

#: How many of a learner's other assignments are named.
MAX_NAMED = 5

_NOT_SEARCHED = (
    f"But of the many events about it in quarantine only the newest {MAX_EVENTS} were searched, and a launch may be "
    "among the others: `passbackd quarantine list` shows why they are there."
)


def absence(absent: Absent, rejected: Sequence[Rejected], terms: Terms) -> tuple[AbsentState, str]:
    """
    State and reason.

    While no daemon works, what the tool has sent may not be read yet; the reason says so.

    Args:
        rejected: What is in quarantine about the learner and the block that were asked for, the newest first.
    """
    only = "" if absent.asked.consumer_key is None else f"Only the campus '{absent.asked.consumer_key}' was looked at."
    retired = None if absent.retired_us is None else past(absent.retired_us // 1000, terms.zone)
    if rejected:
        return "quarantined", _join(_quarantined(absent, rejected, terms), _moved(absent, terms), _others(absent))
    if absent.moved or absent.learner_known or absent.elsewhere or _is_of_all_learners(absent.asked):
        as_of = f"All that was known until {retired} was deleted: the learner was retired." if retired else ""
        why = _moved(absent, terms) or _unregistered(absent)
        return "unregistered", _join(why, only, _about_block(absent), _others(absent), as_of, _unread(absent, terms))
    if retired:
        return "retired", (
            f"Retired: all that was known about this learner until {retired} was deleted, as the tool asked. What "
            "comes about an earlier time is refused; a new launch registers the learner anew."
        )
    return "unknown", _join(_unknown(absent.asked), only, _about_block(absent), _unread(absent, terms))


def who_acts(absent: Absent, state: AbsentState, terms: Terms) -> Who:
    """Who has to act where there is no assignment."""
    if state == "quarantined" or (state != "retired" and (terms.daemon_fault is not None or absent.rejected_more)):
        return "operator"
    mistyped = absent.block_known is False or absent.course_known is False
    if state != "unregistered" or absent.asked.sourcedid is not None or mistyped:
        return "no one"
    return "learner"


def launches_words(launches: Sequence[Rejected], *, more: bool) -> str:
    """That launches of an activity are in quarantine, besides what is registered, the newest first."""
    events = f"{counted(len(launches), 'launch event')} of it {'is' if len(launches) == 1 else 'are'}"
    return (
        f"Besides, {'at least ' if more else ''}{events} in quarantine, not applied, the newest since "
        f"'{launches[0].reason}': passbackd's operator has to act (`passbackd quarantine list`)."
    )


def moved_words(moved: Sequence[StaleEvent], terms: Terms) -> list[str]:
    """A sentence for each place that a newer launch gave to another learner; none is named."""
    return [
        f"on {past(event.modified_us // 1000, terms.zone)} a newer launch gave this learner's place at the campus (its "
        f"sourcedid) for block '{event.usage_id}' of the course '{event.course_id}' to another learner."
        for event in moved
    ]


def _moved(absent: Absent, terms: Terms) -> str:
    if not absent.moved:
        return ""
    return _join(
        "Not registered any more:",
        *moved_words(absent.moved, terms),
        "So there is nowhere to send this learner's grade to. Once this learner opens the activity from the campus "
        "again, what was earned so far is sent; if the campus did not mean to do that, its administrators have to act.",
    )


def _is_of_all_learners(asked: Query) -> bool:
    return asked == Query(course_id=asked.course_id, usage_id=asked.usage_id)


def _quarantined(absent: Absent, rejected: Sequence[Rejected], terms: Terms) -> str:
    # Without a launch there is no assignment: a refused launch is the likeliest reason.
    newest = next((event for event in rejected if event.type == "launch"), rejected[0])
    at_least = "at least " if absent.rejected_more else ""
    number = f"{at_least}{counted(len(rejected), 'event')}"
    whom = "it" if _is_of_all_learners(absent.asked) else "this learner"
    # A score alone registers nothing, so that correcting it does not help.
    no_launch = all(event.type in ("score.changed", "score.cleared") for event in rejected)
    opens = " No launch is among them: the learner also has to open the activity from the campus." if no_launch else ""
    what = "of an unknown type" if newest.type == "unknown" else f"a `{newest.type}`"
    return (
        f"Quarantined: no launch of what was asked for is registered, and {number} about {whom} could not be "
        f"applied. One, {what}, was read on {past(newest.at, terms.zone)} and refused: '{newest.reason}'. Where that "
        "can be fixed here, as an unknown consumer can, a replay (`passbackd quarantine replay`) then applies it as of "
        f"its own time; else the tool has to send a correct one.{opens}"
    )


def _unregistered(absent: Absent) -> str:
    asked = absent.asked
    if asked.usage_id is not None:
        what = "this activity"
    elif asked.course_id is not None:
        what = "any activity of this course"
    else:
        what = "any activity"
    if asked.sourcedid is not None:
        return f"Not registered: no launch of {what} has this sourcedid, so there is nowhere to send a grade to."
    moved = ", or a later launch took its grade to another activity" if absent.elsewhere else ""
    whose = "any learner" if _is_of_all_learners(asked) else "this learner"
    return (
        f"Not registered: there is no launch of {what} by {whose} for which a campus asked for a grade, so "
        "there is nowhere to send one to. Either it was not opened from a campus LMS, or the campus's link asks for no "
        f"grade{moved}. Once a learner opens it by a link that asks for one, what was earned so far is sent."
    )


def _unknown(asked: Query) -> str:
    if asked.user_id is not None:
        return (
            f"Unknown: nothing is on record about a learner '{asked.user_id}', neither a graded launch nor a score. "
            "Check the id: it was looked for among the tool's own ids, not the campus's (--lti-user)."
        )
    if asked.lti_user_id is not None:
        return (
            f"Unknown: no graded activity of the campus's learner '{asked.lti_user_id}' is registered. Check the id: "
            "it is the campus's own; for the tool's, which shows more, there is --user. A learner who was retired is "
            "not found by it any more."
        )
    return "Unknown: no graded activity with this sourcedid is registered. Check that it is whole, and not outdated."


def _about_block(absent: Absent) -> str:
    asked = absent.asked
    if absent.course_known is False:
        return f"No structure of the course '{asked.course_id}' is known either: check its id."
    if absent.block_known is False:
        return f"The structure of the course '{asked.course_id}' holds no block '{asked.usage_id}': check its id."
    return ""


def _unread(absent: Absent, terms: Terms) -> str:
    if absent.rejected_more:
        return _NOT_SEARCHED
    return "" if terms.daemon_fault is None else f"{terms.daemon_fault} A launch may not have been read yet."


def _others(absent: Absent) -> str:
    if not absent.elsewhere:
        return ""
    named = [title(row) for row in absent.elsewhere[:MAX_NAMED]]
    more = len(absent.elsewhere) - len(named)
    return f"This learner's registered activities: {'; '.join(named)}{f'; and {more} more' if more else ''}."


def _join(*sentences: str) -> str:
    return " ".join(filter(None, sentences))

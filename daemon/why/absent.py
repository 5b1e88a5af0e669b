"""Why there is no graded assignment that fits what was asked, in plain words. Pure."""

from collections.abc import Sequence

from daemon.infra.text import counted, past
from daemon.why.known import Absent, AbsentState, Terms, title
from models.queries.grades import Query, Rejected

#: How many of a learner's other assignments are named.
MAX_NAMED = 5


def absence(absent: Absent, rejected: Sequence[Rejected], terms: Terms) -> tuple[AbsentState, str]:
    """
    State and reason.

    Args:
        rejected: What is in quarantine about the learner and the block that were asked for, the newest first.
    """
    retired = None if absent.retired_us is None else past(absent.retired_us // 1000, terms.zone)
    if rejected:
        return "quarantined", _join(_quarantined(rejected, terms), _others(absent))
    if absent.learner_known or absent.elsewhere:
        as_of = f"All that was known until {retired} was deleted: the learner was retired." if retired else ""
        return "unregistered", _join(_unregistered(absent), _about_block(absent), _others(absent), as_of)
    if retired:
        return "retired", (
            f"Retired: all that was known about this learner until {retired} was deleted, as the tool asked. What "
            "comes about an earlier time is refused; a new launch registers the learner anew."
        )
    return "unknown", _join(_unknown(absent.asked), _about_block(absent))


def _quarantined(rejected: Sequence[Rejected], terms: Terms) -> str:
    # Without a launch there is no assignment: a refused launch is the likeliest reason.
    newest = next((event for event in rejected if event.type == "launch"), rejected[0])
    number = counted(len(rejected), "event")
    what = "of an unknown type" if newest.type == "unknown" else f"a `{newest.type}`"
    return (
        f"Quarantined: no launch is registered, and {number} about this learner could not be applied. One, "
        f"{what}, was read on {past(newest.at, terms.zone)} and refused: '{newest.reason}'. Once that is fixed, "
        "`passbackd quarantine replay` applies it as of its own time."
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
        return f"Not registered: no launch of {what} brought this sourcedid, so there is nowhere to send a grade to."
    moved = ", or a later launch took its grade to another activity" if absent.elsewhere else ""
    return (
        f"Not registered: this learner never opened {what} from a campus LMS{moved}, so there is nowhere to send a "
        "grade to. Once the learner opens it there, what was earned so far is sent."
    )


def _unknown(asked: Query) -> str:
    if asked.user_id is not None:
        return (
            f"Unknown: nothing is on record about a learner '{asked.user_id}', neither a launch nor a score. Check the "
            "id: it is the tool's own; for the campus's there is --lti-user."
        )
    if asked.lti_user_id is not None:
        return (
            f"Unknown: no launch brought the campus's learner '{asked.lti_user_id}'. Check the id: it is the campus's "
            "own; for the tool's there is --user."
        )
    return "Unknown: no launch brought this sourcedid. Check that it is whole."


def _about_block(absent: Absent) -> str:
    asked = absent.asked
    if absent.course_known is False:
        return f"No structure of the course '{asked.course_id}' is known either: check its id."
    if absent.block_known is False:
        return f"The structure of the course '{asked.course_id}' holds no block '{asked.usage_id}': check its id."
    return ""


def _others(absent: Absent) -> str:
    if not absent.elsewhere:
        return ""
    named = [title(row) for row in absent.elsewhere[:MAX_NAMED]]
    more = len(absent.elsewhere) - len(named)
    return f"This learner's registered activities: {'; '.join(named)}{f'; and {more} more' if more else ''}."


def _join(*sentences: str) -> str:
    return " ".join(filter(None, sentences))

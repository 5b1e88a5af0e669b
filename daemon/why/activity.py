"""The grades of many learners in words and JSON, by group. Pure."""

from dataclasses import dataclass
from typing import Any

from daemon.infra.text import counted, iso, past
from daemon.why.absent import launches_words
from daemon.why.advice import Who, about_parked, of_all
from daemon.why.document import launches_document
from daemon.why.known import Terms, campus_name
from daemon.why.trouble import LONG_DUE, campus_trouble
from models.delivery import DeliveryRecord, is_unexplained
from models.queries.activity import MAX_ACTIVITY_GROUPS, ActivityGroup
from models.queries.grades import Query, Rejected
from models.states import OVERDUE_MS

#: What waits for its campus, so that the campus's trouble is why.
_FOR_THE_CAMPUS = ("held", "retrying", "later", "overtaken", "put off", "due", "line item")
#: What goes on by itself, at the times of the group.
_AHEAD = ("held", "retrying", "later", "put off")
_WORDS = {
    "disabled": "The tool said that this is not graded any more",
    "nothing attempted": "Nothing to send: these learners have attempted nothing in it",
    "overruled": "Overruled: the campus keeps later grades, which were not sent from here",
    "cleared": "Cleared: the tool took these scores back, and the campus its grades",
    "taken over": "Taken over from before passbackd: these grades count as delivered, and passbackd has not sent them",
    "acknowledged": "Sent and acknowledged",
    "claimed": "Being sent",
    "structure": "Waiting for the structure of the course, which the tool has to send",
    "line item": "Waiting for the columns (line items) at the campus, which passbackd finds or makes",
    "overtaken": "Overtaken: the campus holds grades with a newer timestamp, and the newest ones are sent again with a "
    "later one",
    "held": "In doubt: an earlier request may still be stored there, and the newest grade follows",
    "retrying": "Retrying: the last attempt failed",
    "later": "Waiting for the time at which they are sent",
    "put off": "Waiting: the last attempt was put off",
    "due": "Due: they go out in turn while a daemon runs",
}


@dataclass(frozen=True, slots=True)
class Activity:
    """What is known of the grades of all learners of a course or a block, in groups."""

    asked: Query
    groups: tuple[ActivityGroup, ...]
    #: Launches in quarantine, the newest first.
    rejected: tuple[Rejected, ...] = ()
    #: Whether quarantine holds more of that course than was searched.
    rejected_more: bool = False


@dataclass(frozen=True, slots=True)
class GroupWords:
    """Why, and who has to act."""

    reason: str
    who: Who


def group_words(group: ActivityGroup, terms: Terms) -> GroupWords:
    """What is said of a group."""
    if group.why == "parked":
        taken_since = group.accepted_at is not None and group.accepted_at > (group.last_at or 0)
        reason, scope = group.parked_reason or "", group.parked_scope or "learner"
        advice = about_parked(reason, scope, taken_since=taken_since, protocol=group.protocol)
        return GroupWords(f"Parked: '{group.parked_reason}'. {of_all(advice.words, group.number)}", advice.who)
    words = _WORDS[group.why] if group.failure is None else _failed(group.failure, terms)
    trouble = campus_trouble(group, terms) if group.why in _FOR_THE_CAMPUS else None
    if trouble is not None:
        waiting = "Waiting: " if group.why in ("due", "put off") else f"{words}. But "
        return GroupWords(f"{waiting}{trouble.words}", trouble.who)
    if group.why == "structure":
        return GroupWords(f"{words}.", "tool")
    if group.why in ("due", "overtaken") and max(group.first_at or 0, group.blocked_until) < terms.now - OVERDUE_MS:
        return GroupWords(f"{words}. {LONG_DUE}", "operator")
    waits = group.why in (*_FOR_THE_CAMPUS, "claimed")
    return GroupWords(f"{words}.", "no one" if terms.daemon_fault is None or not waits else "operator")


def _failed(example: DeliveryRecord, terms: Terms) -> str:
    """How the attempts of a group ended, by the words to its example. No full stop."""
    said = f"for the example on {past(example.at, terms.zone)} with these words: '{example.description}'"
    if is_unexplained(example):
        return (
            f"Refused, {said}. The campus gave no reason that passbackd knows: it is asked a few times again, and what "
            "it still refuses is parked"
        )
    return f"Retrying: the last attempt failed, {said}"


def groups_in_order(activity: Activity, terms: Terms) -> list[ActivityGroup]:
    """Those first about which people have to act, then what is not sent; the largest first."""
    settled = ("acknowledged", "overruled", "cleared", "nothing attempted", "disabled")
    shown = activity.groups[:MAX_ACTIVITY_GROUPS]
    return sorted(shown, key=lambda one: (group_words(one, terms).who == "no one", one.why in settled, -one.number))


def head(activity: Activity, terms: Terms) -> str:
    """How many grades, and how many of them need a person."""
    asked, groups = activity.asked, activity.groups[:MAX_ACTIVITY_GROUPS]
    acting = sum(group.number for group in groups if group_words(group, terms).who != "no one")
    block = "" if asked.usage_id is None else f" for block {asked.usage_id}"
    more = "" if len(activity.groups) <= MAX_ACTIVITY_GROUPS else " at least"
    number = counted(sum(group.number for group in groups), "grade")
    of_these = f", of which {acting} {'needs' if acting == 1 else 'need'} a person to act" if acting else ""
    at = past(terms.now, terms.zone, seconds=True)
    words = f"As of {at}:{more} {number}{block} in course {asked.course_id}{of_these}."
    return f"{words} {launches_words(activity.rejected, more=activity.rejected_more)}" if activity.rejected else words


def group_head(group: ActivityGroup, terms: Terms) -> str:
    """Number, state, campus, block, when, and an example."""
    where = f"{counted(group.number, 'grade')} {group.state} at {campus_name(group)}, block {group.usage_id}"
    return f"{where}{_when(group, terms)}; for example assignment {group.example}"


def _when(group: ActivityGroup, terms: Terms) -> str:
    if group.first_at is None or group.last_at is None:
        return ""
    first, last = past(group.first_at, terms.zone), past(group.last_at, terms.zone)
    when = f"at {first}" if first == last else f"between {first} and {last}"
    return f", next {when}" if group.why in _AHEAD else f", since {first}" if first == last else f", {when}"


def activity_document(activity: Activity, terms: Terms) -> list[dict[str, Any]]:
    """
    An object a group, and one for launches in quarantine.

    Their keys are those of a single assignment, of which those are null that a group has none of.
    """
    empty = ("assignment_id", "user_id", "kind", "version_number", "sent_version", "score", "sent_score")
    return [
        *launches_document(activity.rejected, terms, more=activity.rejected_more),
        *(
            {
                **dict.fromkeys(empty),
                "sent_at": None,
                "due_at": None,
                "course_id": group.course_id,
                "usage_id": group.usage_id,
                "consumer": group.consumer,
                "protocol": group.protocol,
                "state": group.state,
                "reason": (words := group_words(group, terms)).reason,
                "deliveries": [],
                "number": group.number,
                "more_groups": len(activity.groups) > MAX_ACTIVITY_GROUPS,
                "first_at": iso(group.first_at),
                "last_at": iso(group.last_at),
                "example_assignment_id": group.example,
                "origin": group.origin,
                "campus_state": group.campus_state,
                "who_acts": words.who,
                "daemon_runs": terms.daemon_runs,
                "daemon_troubles": list(terms.daemon_troubles),
                "as_of": iso(terms.now),
            }
            for group in groups_in_order(activity, terms)
        ),
    ]

"""Who has to act about a grade that is parked, and what is to be done, in words. Pure."""

from dataclasses import dataclass
from typing import Literal

from actors.cause import KnownCause, cause_of
from models.consumer import ProtocolName

#: Who has to act; ``no one``: passbackd goes on by itself, or nothing is to be done.
Who = Literal["learner", "teacher", "campus", "operator", "tool", "no one"]

PEOPLE: dict[Who, str] = {
    "learner": "the learner",
    "teacher": "the teachers at the campus",
    "campus": "the campus's administrators",
    "operator": "passbackd's operator",
    "tool": "the tool's developers",
    "no one": "no one",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """Who has to act, and why they."""

    who: Who
    words: str


_OF_SCOPE: dict[str, Advice] = {
    "learner": Advice("campus", "This concerns this learner alone: the campus has to find out what its words mean."),
    "course": Advice(
        "teacher",
        "This concerns the whole course or activity at the campus: its teachers or administrators have to act.",
    ),
    "campus": Advice(
        "operator",
        "This may concern everything that goes to this campus: passbackd's operator and the campus have to act.",
    ),
}
_STOPPED = Advice(
    "operator",
    "passbackd has given up: once the campus takes grades again, its operator sends what does not come back by itself.",
)
_ADVICE: dict[KnownCause, Advice] = {
    "sourcedid": Advice(
        "learner",
        "The campus no longer takes the sourcedid of this launch: only a new launch of the activity by the learner "
        "helps, perhaps by everybody in that activity. No enrolment is at fault.",
    ),
    "enrolment": Advice(
        "campus", "This concerns this learner alone: the campus looks at the learner's enrolment there."
    ),
    "learner": Advice(
        "teacher",
        "This concerns the grade of this learner alone, which the campus takes no more: its teachers know why.",
    ),
    "activity": _OF_SCOPE["course"],
    "forbidden": Advice(
        "operator",
        "passbackd may not send anything to this address: its operator has to allow it, or the campus to correct it.",
    ),
    "content": Advice(
        "operator",
        "The campus refuses what passbackd sends, for any learner: passbackd's operator has to act.",
    ),
    "timestamp": Advice(
        "operator",
        "However late the timestamp was, the campus said that it holds a grade with a newer one: a clock is wrong, or "
        "the campus answers so to everything. passbackd's operator compares the clocks with `passbackd check --deep`, "
        "and the campus looks at what it holds of this learner.",
    ),
    "away": _STOPPED,
    "busy": _STOPPED,
    "processing": _STOPPED,
}
#: Where LTI 1.3 has something else to say.
_OF_PLATFORM: dict[KnownCause, Advice] = {
    "activity": Advice(
        "teacher",
        "The activity's column (line item) or its course takes no grades at the campus, or is gone there: its teachers "
        "or administrators have to act. A new launch of the activity brings the column that is right by then.",
    ),
    "scope": Advice(
        "campus",
        "Nothing was sent: the campus's administrators have to allow the tool that scope at the platform. The next "
        "launch of the activity that offers it sends the grades of all its learners.",
    ),
    "enrolment": Advice(
        "campus",
        "This concerns this learner alone: the campus does not know the learner in that course any more, and looks at "
        "the enrolment there.",
    ),
}
_UNEXPLAINED = Advice(
    "campus",
    "The campus refused it each time and gave no reason that passbackd knows: the campus's administrators have to find "
    "out what its words mean.",
)
_ADDRESS = Advice(
    "campus",
    "The campus takes no grades at this address: its administrators have to find out why, as a wrong address or grades "
    "that are switched off there. A new launch brings the address that is right by then.",
)
_OWN_ADDRESS = Advice(
    "teacher",
    "The campus takes no grades at this address, and has taken some at others: the activity's teachers or the campus's "
    "administrators have to act.",
)


def about_parked(reason: str, scope: str, *, taken_since: bool = False, protocol: ProtocolName = "lti-1.1") -> Advice:
    """
    Who has to act about parked grades.

    Args:
        reason: As the row has it.
        scope: ``learner``, ``course`` or ``campus``.
        taken_since: Whether the campus has taken other grades since.
        protocol: The version of LTI that the campus speaks.
    """
    cause = cause_of(reason, scope, protocol)
    if protocol == "lti-1.3" and cause in _OF_PLATFORM:
        return _OF_PLATFORM[cause]
    if cause == "address":
        return _OWN_ADDRESS if scope == "course" or taken_since else _ADDRESS
    if cause == "unknown" and scope == "learner" and " attempts failed, " in reason:
        return _UNEXPLAINED
    return _ADVICE.get(cause) or _OF_SCOPE[scope]


def of_all(words: str, number: int) -> str:
    """Words about one learner's grade, said of so many."""
    return words if number == 1 else words.replace("this learner alone", "each of these learners alone")

"""What keeps everything from a campus, in words for each cause. Pure."""

import re
import shlex
from dataclasses import dataclass
from typing import Protocol

from actors.cause import KnownCause, cause_of
from daemon.infra.text import past, upcoming
from daemon.why.advice import Who
from daemon.why.known import Terms, campus_name
from models.queries.views import CampusView

#: What a refused request says when it is the time that does not fit.
_OF_TIME = re.compile(r"time-?stamp|nonce|expired|clock", re.IGNORECASE)

#: Of grades that are due for long, although nothing is known to keep them back.
LONG_DUE = (
    "That is long: many grades may wait for this campus, or a daemon is in trouble; passbackd's operator looks at "
    "`passbackd status`."
)


@dataclass(frozen=True, slots=True)
class CampusTrouble:
    """*words*: sentences that begin with the campus. *again*: when it may get grades again, ms since 1970, if known."""

    words: str
    who: Who
    again: int | None = None


def campus_trouble(campus: CampusView, terms: Terms) -> CampusTrouble | None:
    """None where nothing keeps grades from the campus."""
    name = campus_name(campus)
    if campus.campus_state == "paused":
        return CampusTrouble(
            f"passbackd's operator has paused {name} since {past(campus.paused_at or 0, terms.zone)}: its grades go "
            "out once `passbackd consumer resume` is given.",
            "operator",
        )
    blocked = campus.blocked_until > terms.now
    if campus.tripped_at is not None:
        cause = cause_of(campus.campus_error)
        since, said = past(campus.tripped_at, terms.zone), _quoted(campus.campus_error)
        what = f"{name} {_WHAT.get(cause, _WHAT['away'])} since {since}{said}."
        sentences = filter(None, (what, campus_advice(campus.campus_error, campus), _probes(campus, terms, cause)))
        return CampusTrouble(" ".join(sentences), WHO.get(cause, "no one"), campus.blocked_until)
    if not blocked:
        return None
    # The last error may be that of one grade.
    said = _quoted(campus.campus_error) if cause_of(campus.campus_error) == "busy" else ""
    again = upcoming(campus.blocked_until, now=terms.now, zone=terms.zone)
    words = f"{name} is busy and asked for a pause{said}. It gets grades again at {again}."
    return CampusTrouble(words, "no one", campus.blocked_until)


#: Who has to act about an answer that concerns more than one grade; about the others: no one.
WHO: dict[KnownCause, Who] = {
    "signature": "operator",
    "certificate": "campus",
    "address": "campus",
    "content": "operator",
    "forbidden": "operator",
}
_WHAT: dict[KnownCause, str] = {
    "away": "has been down",
    "signature": "has refused passbackd's signature",
    "certificate": "has had a certificate that cannot be trusted",
    "address": "has taken no grades at the address that its launches name",
    "content": "has refused what passbackd sends",
}


class ConsumerNames(Protocol):
    """What a consumer is called."""

    @property
    def consumer(self) -> str: ...
    @property
    def consumer_key(self) -> str: ...


def campus_advice(said: str, names: ConsumerNames) -> str:
    """What has to be done so that a campus takes grades again that *said* so: a sentence, or empty if nothing."""
    match cause_of(said):
        case "signature":
            clock = ", or a clock is wrong (`passbackd check --deep` compares them)" if _OF_TIME.search(said) else ""
            name, key = shlex.quote(names.consumer), shlex.quote(names.consumer_key)
            return (
                f"As a rule the key or the secret does not fit{clock}: passbackd's operator has to compare the secret "
                f"with the campus's, and change it with `passbackd consumer add {name} --key {key} --secret-stdin "
                "--replace`."
            )
        case "certificate":
            return (
                "The campus's administrators have to install one that is valid, or passbackd's operator has to name "
                "its authority in egress.ca_file."
            )
        case "address":
            return (
                "The campus's administrators have to find out why: a wrong address, a login page before it, or grades "
                "that are switched off there; a new launch brings the address that is right by then."
            )
        case "content":
            return "passbackd's operator has to act."
        case _:
            return ""


def _probes(campus: CampusView, terms: Terms, cause: KnownCause) -> str:
    """How the campus is tried meanwhile."""
    probing = campus.campus_state == "probing"
    blocked = campus.blocked_until > terms.now
    at = f"at {upcoming(campus.blocked_until, now=terms.now, zone=terms.zone)}" if blocked else "any moment now"
    if cause in WHO:
        when = "now" if probing else f"the next {at}"
        return (
            f"Until that is corrected nothing goes there but one grade at a time as a probe, {when}; once one is "
            "taken, everything that waits goes out."
        )
    if probing:
        tried = "One grade is being tried there now to see whether it is back"
    else:
        tried = f"One grade at a time is tried there to see whether it is back, the next {at}"
    return f"{tried}; once it is, everything that waits goes out."


def _quoted(words: str) -> str:
    return f": '{words}'" if words else ""

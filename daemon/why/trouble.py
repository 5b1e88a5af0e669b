"""What keeps everything from a campus, in words for each cause. Pure."""

import re
import shlex
from dataclasses import dataclass
from typing import Protocol

from actors.cause import KnownCause, cause_of
from daemon.infra.text import past, upcoming
from daemon.why.advice import Who
from daemon.why.known import Terms, campus_name
from models.consumer import ProtocolName
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
            f"out once it is resumed (`{resume_command(campus)}`).",
            "operator",
        )
    blocked = campus.blocked_until > terms.now
    if campus.tripped_at is not None:
        cause = cause_of(campus.campus_error, None, campus.protocol)
        since, said = past(campus.tripped_at, terms.zone), _quoted(campus.campus_error)
        is_platform = campus.protocol == "lti-1.3"
        happens = (_WHAT_OF_PLATFORM.get(cause) if is_platform else None) or _WHAT.get(cause, _WHAT["away"])
        what = f"{name} {happens} since {since}{said}."
        sentences = filter(None, (what, campus_advice(campus.campus_error, campus), _probes(campus, terms, cause)))
        return CampusTrouble(" ".join(sentences), WHO.get(cause, "no one"), campus.blocked_until)
    if not blocked:
        return None
    # The last error may be that of one grade.
    is_of_it = cause_of(campus.campus_error, None, campus.protocol) == "busy"
    said = _quoted(campus.campus_error) if is_of_it else ""
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
    "token": "operator",
}
_WHAT: dict[KnownCause, str] = {
    "away": "has been down",
    "signature": "has refused passbackd's signature",
    "certificate": "has had a certificate that cannot be trusted",
    "address": "has taken no grades at the address that its launches name",
    "content": "has refused what passbackd sends",
}
_WHAT_OF_PLATFORM: dict[KnownCause, str] = {
    "signature": "has refused passbackd's access token",
    "token": "has given passbackd no access token",
    "token server": "has been unable to give passbackd an access token",
    "address": "has taken no grades at the line items that its launches name",
}


_OF_SCOPE = re.compile(r"without the scope|invalid_scope", re.IGNORECASE)
_SCOPE_ADVICE = (
    "passbackd's operator has to act, with the campus's administrators: the tool has to be allowed that scope at the "
    "platform. `passbackd platform check {key}` asks for a token anew."
)
#: *key*: the platform's; *clock*: what to say of clocks.
_PLATFORM_ADVICE: dict[KnownCause, str] = {
    "token": (
        "passbackd's operator has to act: `passbackd platform check {key}` asks for one and says what to correct. As a "
        "rule the client id, the token URL or its audience does not fit, or the platform cannot read the tool's key "
        "set{clock}."
    ),
    "token server": (
        "If that stays, passbackd's operator has to act: `passbackd platform check {key}` says more, as some platforms "
        "answer so to a key that they do not know."
    ),
    "signature": (
        "passbackd's operator has to act, with the campus: the platform gives access tokens, and refuses them for "
        "grades. As a rule the tool (its client id) is not allowed to pass grades back there{clock}. `passbackd "
        "platform check {key}` asks for a token anew."
    ),
}


class ConsumerNames(Protocol):
    """What a consumer is called."""

    @property
    def consumer(self) -> str: ...
    @property
    def consumer_key(self) -> str: ...
    @property
    def protocol(self) -> ProtocolName: ...


def resume_command(campus: ConsumerNames) -> str:
    """The command that has a paused campus's grades sent."""
    group = "consumer" if campus.protocol == "lti-1.1" else "platform"
    return f"passbackd {group} resume {shlex.quote(campus.consumer_key)}"


def campus_advice(said: str, names: ConsumerNames) -> str:
    """What has to be done so that a campus takes grades again that *said* so: a sentence, or empty if nothing."""
    cause = cause_of(said, None, names.protocol)
    clock = ", or a clock is wrong (`passbackd check --deep` compares them)" if _OF_TIME.search(said) else ""
    if names.protocol == "lti-1.3" and cause in _PLATFORM_ADVICE:
        words = _SCOPE_ADVICE if cause == "token" and _OF_SCOPE.search(said) else _PLATFORM_ADVICE[cause]
        return words.format(key=shlex.quote(names.consumer_key), clock=clock)
    match cause:
        case "signature":
            name, key = shlex.quote(names.consumer), shlex.quote(names.consumer_key)
            return (
                f"As a rule the key or the secret does not fit{clock}: passbackd's operator has to compare the secret "
                f"with the campus's, and change it (`passbackd consumer add {name} --key {key} --secret-stdin "
                "--replace`)."
            )
        case "certificate":
            authority = ", or passbackd's operator has to name its authority in egress.ca_file"
            return (
                "The campus's administrators have to install one that is valid"
                f"{'' if 'expired' in said else authority}."
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
    if cause in ("token", "token server"):
        asked = "asks for one now" if probing else f"asks for one again {at}"
        return (
            f"Without one nothing can be sent; passbackd {asked}. Once there is one, a grade goes there as a probe, "
            "and once that is taken, everything that waits goes out."
        )
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

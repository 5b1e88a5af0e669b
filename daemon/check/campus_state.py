"""What the database knows of a campus: that it refuses everything, is down, or has grades parked. Pure."""

from datetime import tzinfo
from shlex import quote

from actors.cause import cause_of
from daemon.check.findings import Finding, fault, ok, warning
from daemon.infra.text import age, counted, past
from daemon.why.trouble import WHO, campus_advice, resume_command
from models.queries.campus_health import CampusHealth

#: Milliseconds that a grade may be due at a campus that takes grades before the operator should look.
LATE_MS = 3_600_000


def state_findings(campus: CampusHealth, *, now: int, zone: tzinfo | None) -> list[Finding]:
    """
    What the operator has to look at.

    Args:
        now: Milliseconds since 1970, by the database's clock.
        zone: In which times are shown; None: the machine's.
    """
    name, found = f"{campus.consumer} at {campus.origin}", []
    waits = f"; {counted(campus.dirty, 'grade')} {'waits' if campus.dirty == 1 else 'wait'}" if campus.dirty else ""
    if campus.state == "paused":
        since = "" if campus.paused_at is None else f" since {past(campus.paused_at, zone)}"
        cure = f"`{resume_command(campus)}` has its grades sent"
        found.append(warning(name, f"paused by the operator{since}: nothing is sent there{waits}", cure))
    elif campus.tripped_at is not None:
        since = past(campus.tripped_at, zone)
        found.append(fault(name, f"down since {since}: {_last_error(campus, zone)}{waits}", _cure(campus)))
    elif campus.failing:
        severity = fault if cause_of(campus.last_error or "", None, campus.protocol) in WHO else warning
        found.append(severity(name, f"its last request failed: {_last_error(campus, zone)}{waits}", _cure(campus)))
    elif campus.due_since is not None and now - campus.due_since > LATE_MS:
        problem = f"a grade is due there for {age(now - campus.due_since)}, since {past(campus.due_since, zone)}{waits}"
        found.append(warning(name, problem, "see PassbackdGradesLate in docs/operate.md"))
    elif campus.state == "throttled":
        found.append(ok(name, "it asked for fewer requests, and gets them"))
    return found + _parked(name, campus, zone)


def _last_error(campus: CampusHealth, zone: tzinfo | None) -> str:
    words = campus.last_error or "what it said last is not kept"
    return words if campus.last_error_at is None else f"{words} ({past(campus.last_error_at, zone)})"


def _cure(campus: CampusHealth) -> str:
    advice = campus_advice(campus.last_error or "", campus).rstrip(".")
    return f"{advice[0].lower()}{advice[1:]}" if advice else "what waits goes out by itself once it answers"


def _parked(name: str, campus: CampusHealth, zone: tzinfo | None) -> list[Finding]:
    if not campus.parked:
        return []
    since = "" if campus.parked_since is None else f" since {past(campus.parked_since, zone)}"
    others = f", and for {counted(campus.reasons - 1, 'other reason')}" if campus.reasons > 1 else ""
    problem = f"{counted(campus.parked, 'grade')} parked for the campus's sake{since}: {campus.reason}{others}"
    key = quote(campus.consumer_key)
    cure = f"`passbackd parked --consumer {key}` says why; then `passbackd resend --parked --consumer {key}`"
    return [fault(name, problem, cure)]

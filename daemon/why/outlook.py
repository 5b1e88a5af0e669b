"""Who has to act about a grade, when passbackd goes on by itself, and which grades come first. Pure."""

from dataclasses import dataclass

from actors.cause import KnownCause, cause_of
from daemon.infra.text import upcoming
from daemon.why.advice import PEOPLE, Advice, Who, about_parked
from daemon.why.known import Known, Terms
from daemon.why.trouble import WHO, campus_trouble
from daemon.why.waiting import is_overdue, last_failure, needs_structure, ready_at
from models.delivery import is_unexplained
from models.queries.views import AssignmentView


@dataclass(frozen=True, slots=True)
class Outlook:
    """*next_at*: when passbackd goes on, milliseconds since 1970; None: at once, not by itself, or it need not."""

    who: Who
    next_at: int | None = None


def outlook(known: Known, terms: Terms) -> Outlook:
    """Who has to act, and what comes next without them."""
    row = known.row
    match row.state:
        case "disabled" | "clean":
            return Outlook("no one")
        case "parked":
            return Outlook(parked_advice(row).who)
        case "claimed":
            return Outlook("no one" if terms.daemon_fault is None else "operator")
    if row.state == "due" and known.has_nothing_to_send:
        return Outlook("no one")
    if needs_structure(known):
        return Outlook("tool")
    who, next_at = _of_line_item(row) if row.wants_line_item else _of_campus(known, terms)
    if who == "no one" and (terms.daemon_fault is not None or is_overdue(known, terms)):
        who = "operator"
    return Outlook(who, next_at if next_at is not None and next_at > terms.now else None)


def parked_advice(row: AssignmentView) -> Advice:
    """Who has to act about a parked grade."""
    taken_since = row.accepted_at is not None and row.accepted_at > (row.parked_at or 0)
    reason, scope = row.parked_reason or "", row.parked_scope or "learner"
    return about_parked(reason, scope, taken_since=taken_since, protocol=row.protocol)


def _of_line_item(row: AssignmentView) -> tuple[Who, int | None]:
    return WHO.get(cause_of(row.look_error or "", None, row.protocol), "no one"), row.look_at


def _of_campus(known: Known, terms: Terms) -> tuple[Who, int | None]:
    row = known.row
    trouble = campus_trouble(row, terms)
    if trouble is not None:
        return trouble.who, None if row.campus_state == "paused" else max(ready_at(row), trouble.again or 0)
    return WHO.get(_newest_cause(known), "no one"), ready_at(row)


def _newest_cause(known: Known) -> KnownCause:
    """What keeps back a grade that waits, by its newest delivery record; an older one says nothing of what comes."""
    row, line = known.row, last_failure(known)
    if line is None or line.result == "overtaken" or row.not_before <= line.at:
        return "unknown"
    # The campus is asked a few times more, until which nothing is known to be wrong.
    return "unknown" if is_unexplained(line) else cause_of(line.description, None, row.protocol)


def next_step(known: Known, terms: Terms) -> str | None:
    """Who has to act, as a sentence; None where there is nothing to be done."""
    row, ahead = known.row, outlook(known, terms)
    if ahead.who != "no one":
        return f"Who has to act: {PEOPLE[ahead.who]}."
    if row.state not in ("due", "waiting", "claimed") or known.has_nothing_to_send:
        return None
    at = "" if ahead.next_at is None else f", next at {upcoming(ahead.next_at, now=terms.now, zone=terms.zone)}"
    return f"Who has to act: no one; passbackd goes on by itself{at}."


def is_alarming(known: Known, terms: Terms) -> bool:
    """Whether it is parked, overdue, or kept back by a campus that is down, or by passbackd itself."""
    row = known.row
    if row.state == "parked" or is_overdue(known, terms):
        return True
    kept_back = row.tripped_at is not None or terms.daemon_fault is not None
    return kept_back and row.state in ("due", "waiting", "claimed") and not known.has_nothing_to_send


def trouble_first(known: Known, terms: Terms) -> tuple[bool, bool, bool]:
    """A key to sort by: those about which people have to act, then what is alarming, then what is not sent yet."""
    waits = known.row.state in ("due", "waiting", "claimed")
    return outlook(known, terms).who == "no one", not is_alarming(known, terms), not waits

"""Why a grade has not been sent yet, and when it will be. Pure."""

from datetime import timedelta

from actors.compute_grade import NoGrade
from actors.retry import UNEXPLAINED_TRIES, UNEXPLAINED_WAITS
from daemon.infra.text import duration, past, upcoming
from daemon.why.known import Known, Terms, campus_name
from models.delivery import DeliveryRecord, is_unexplained
from models.queries.grades import AssignmentView


def waiting(known: Known, terms: Terms) -> list[str]:
    """The sentences about a grade in the state ``waiting`` or ``due``."""
    row, campus = known.row, campus_name(known.row)
    if row.waiting_since is not None or (row.state == "due" and known.grade is NoGrade.UNKNOWN_BLOCK):
        return [_without_structure(row, terms)]
    trouble = _campus_trouble(row, terms, campus)
    if row.hold_until > terms.now:
        said = [_held(known, terms, campus)]
    elif row.not_before > terms.now and row.attempts > 0:
        said = [*_retrying(known, terms, campus)]
    elif row.due_at > terms.now:
        said = [_debounced(row, terms)]
    elif trouble is not None:
        # Such trouble costs no attempt, so only the campus keeps the grade back.
        return [f"Waiting: {trouble}"]
    elif row.not_before > terms.now:
        said = [_put_off(known, terms, campus)]
    else:
        said = _due(known, terms, campus)
    return said if trouble is None else [*said, f"Besides, {trouble}"]


def _without_structure(row: AssignmentView, terms: Terms) -> str:
    since = "" if row.waiting_since is None else f" since {past(row.waiting_since, terms.zone)}"
    return (
        f"Waiting{since} for the structure of the course: none that passbackd knows holds this block, so its grade "
        f"cannot be worked out. The tool has to send `course.structure` for the course '{row.course_id}'."
    )


def _held(known: Known, terms: Terms, campus: str) -> str:
    row, line = known.row, _last_failure(known)
    doubt = f" ('{line.description}')" if line is not None and line.result == "ambiguous" else ""
    follows = _ready_at(row)
    when = "then" if follows <= row.hold_until else f"at {_upcoming(follows, terms)}"
    return (
        f"In doubt: it is not known whether the last request to {campus} arrived{doubt}. So that no older grade can "
        f"land after a newer one, nothing is sent before {_upcoming(row.hold_until, terms)}; attempt "
        f"{row.attempts + 1} follows {when}."
    )


def _retrying(known: Known, terms: Terms, campus: str) -> list[str]:
    row, line = known.row, _last_failure(known)
    follows = f"attempt {row.attempts + 1} follows at {_upcoming(_ready_at(row), terms)}."
    if line is None:
        return [f"Retrying: attempt {row.attempts} at {campus} failed; {follows}"]
    if is_unexplained(line):
        said = [f"Refused: {_failed(line, campus, terms)}.", _asked_again(known, terms)]
    else:
        said = [f"Retrying: {_failed(line, campus, terms)}; {follows}"]
    if line.version < row.version_number:
        said.append("That attempt was of an older grade; the newest one goes out in its place.")
    return said


def _asked_again(known: Known, terms: Terms) -> str:
    """How often and until when a campus is asked that refuses for a reason that is not known."""
    row, follows = known.row, _ready_at(known.row)
    since = row.sent_at or 0
    number = max(1, sum(is_unexplained(line) and line.at > since for line in known.lines))
    tries = min(UNEXPLAINED_TRIES, terms.max_attempts)
    # The waits after the next try.
    last = follows + sum(UNEXPLAINED_WAITS[number : tries - 1], timedelta()) // timedelta(milliseconds=1)
    at, left = _upcoming(follows, terms), tries - number
    if left <= 1:
        asks = f"passbackd asks once more, at {at}"
    else:
        asks = f"passbackd asks {left} times more, next at {at} and for the last time about {_upcoming(last, terms)}"
    return f"It gave no reason that passbackd knows. {asks}; if the campus refuses it then, this grade is parked."


def _failed(line: DeliveryRecord, campus: str, terms: Terms) -> str:
    if is_unexplained(line):
        at = past(line.at, terms.zone)
        return f"{campus} refused attempt {line.attempt} on {at} with these words: '{line.description}'"
    return f"attempt {line.attempt} at {campus} failed on {past(line.at, terms.zone)}: '{line.description}'"


def _put_off(known: Known, terms: Terms, campus: str) -> str:
    line, again = _last_failure(known), _upcoming(_ready_at(known.row), terms)
    if line is None:
        return (
            f"Waiting: the last attempt at {campus} was put off before anything was sent; the next follows at {again}."
        )
    return (
        f"Waiting: {campus} did not take the last attempt on {past(line.at, terms.zone)}: '{line.description}'. That "
        f"concerns all grades there, so it is not counted; the next attempt follows at {again}."
    )


def _debounced(row: AssignmentView, terms: Terms) -> str:
    at = _upcoming(_ready_at(row), terms)
    if not row.composite:
        return f"Waiting: this grade is sent at {at}."
    delay, ceiling = duration(terms.debounce.delay_ms), terms.debounce.ceiling_ms
    latest = None if row.pending_since is None else row.pending_since + ceiling
    sent = f"Waiting: this unit's grade is sent {delay} after the last answer"
    if latest is None:
        return f"{sent}, at {at}."
    if latest <= row.due_at:
        return f"{sent}, but no later than {duration(ceiling)} after the first: at {at}."
    return f"{sent}, at {at}, at the latest {_upcoming(latest, terms)}."


def _due(known: Known, terms: Terms, campus: str) -> list[str]:
    row, line = known.row, _last_failure(known)
    said = []
    # The claim of a lost daemon, before the dispatcher rescues it; after that, its delivery record.
    lost_at = row.claimed_at if row.claimed_until is not None else None
    if line is not None and line.result == "unknown":
        lost_at = lost_at or line.at
    if lost_at is not None:
        said.append(
            f"Due: the daemon that was sending this to {campus} since {past(lost_at, terms.zone)} did not come back, "
            f"so attempt {row.attempts + 1} follows."
        )
    elif row.attempts > 0 and line is not None:
        said.append(f"Due: {_failed(line, campus, terms)}; attempt {row.attempts + 1} follows.")
    else:
        said.append(f"Due since {past(_ready_at(row), terms.zone)} at {campus}.")
    said.append(
        "It goes out within seconds while a daemon runs; if it stays so for minutes, passbackd's operator looks at "
        "`passbackd status`."
    )
    return said


def _campus_trouble(row: AssignmentView, terms: Terms, campus: str) -> str | None:
    """What keeps everything from this campus; None where nothing does."""
    if row.campus_state == "paused":
        return (
            f"passbackd's operator has paused {campus} since {past(row.paused_at or 0, terms.zone)}: its grades go out "
            "once `passbackd consumer resume` is given."
        )
    blocked = row.blocked_until > terms.now
    again = f"at {_upcoming(row.blocked_until, terms)}" if blocked else "any moment now"
    if row.tripped_at is None:
        words = f": '{row.campus_error}'" if row.campus_error else ""
        return f"{campus} is busy and asked for a pause{words}. It gets grades again {again}." if blocked else None
    tried = f"One grade at a time is tried there to see whether it is back, the next {again}"
    if row.campus_state == "probing":
        tried = "One grade is being tried there now to see whether it is back"
    return (
        f"{campus} has been down since {past(row.tripped_at, terms.zone)}: '{row.campus_error}'. {tried}; once it "
        "is, everything that waits goes out."
    )


def _ready_at(row: AssignmentView) -> int:
    """When the row may be sent, but for its campus; milliseconds since 1970."""
    return max(row.due_at, row.not_before, row.hold_until)


def _last_failure(known: Known) -> DeliveryRecord | None:
    """The newest delivery record, if it is of a failure."""
    newest = known.lines[0] if known.lines else None
    return newest if newest is not None and newest.result != "accepted" else None


def _upcoming(ms: int, terms: Terms) -> str:
    return upcoming(ms, now=terms.now, zone=terms.zone)

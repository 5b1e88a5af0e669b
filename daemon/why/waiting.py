"""Why a grade has not been sent yet, and when it will be. Pure."""

from datetime import timedelta

from actors.cause import cause_of
from actors.compute_grade import NoGrade
from actors.protocols.interface import CLEARED
from actors.retry import UNEXPLAINED_TRIES, UNEXPLAINED_WAITS
from daemon.infra.text import duration, past, upcoming
from daemon.why.known import Known, Terms, campus_name
from daemon.why.line_item import line_item_words
from daemon.why.overtaken import is_overtaken, overtaken_words
from daemon.why.trouble import LONG_DUE, campus_advice, campus_trouble
from models.delivery import HELD, DeliveryRecord, is_unexplained
from models.queries.views import AssignmentView
from models.states import OVERDUE_MS


def waiting(known: Known, terms: Terms) -> list[str]:
    """The sentences about a grade in the state ``waiting`` or ``due``."""
    row, campus = known.row, campus_name(known.row)
    if row.wants_line_item:
        return line_item_words(known, terms)
    if needs_structure(known):
        return [_without_structure(known, terms)]
    trouble = campus_trouble(row, terms)
    if row.hold_until > terms.now:
        said = _held(known, terms, campus)
    elif is_overtaken(known, terms):
        said = overtaken_words(known, terms, again_at=ready_at(row))
    elif row.not_before > terms.now and row.attempts > 0:
        said = _retrying(known, terms, campus)
    elif row.due_at > terms.now:
        said = [_debounced(row, terms)]
    elif trouble is not None:
        # Such trouble costs no attempt, so only the campus keeps the grade back.
        return [f"Waiting: {trouble.words}"]
    elif row.not_before > terms.now:
        said = _put_off(known, terms, campus)
    else:
        said = _due(known, terms, campus)
    return said if trouble is None else [*said, f"But {trouble.words}"]


def needs_structure(known: Known) -> bool:
    """Whether the tool has to send the course's structure first."""
    row = known.row
    if row.wants_line_item:
        return False
    return row.waiting_since is not None or (row.state == "due" and known.grade is NoGrade.UNKNOWN_BLOCK)


def ready_at(row: AssignmentView) -> int:
    """When the row may be sent, but for its campus; milliseconds since 1970."""
    return max(row.due_at, row.not_before, row.hold_until)


def is_overdue(known: Known, terms: Terms) -> bool:
    """Whether it is due for long, although nothing is known to keep it back."""
    row = known.row
    if row.state != "due" or known.has_nothing_to_send or row.wants_line_item or needs_structure(known):
        return False
    # A campus that was blocked until a moment ago has had no time to take what waited, nor what it refused just now.
    tried_at = known.lines[0].at if known.lines else 0
    latest = max(ready_at(row), row.blocked_until, tried_at)
    return campus_trouble(row, terms) is None and latest < terms.now - OVERDUE_MS


def last_failure(known: Known) -> DeliveryRecord | None:
    """The newest delivery record, if it is of a failure."""
    newest = known.lines[0] if known.lines else None
    return newest if newest is not None and newest.result not in HELD else None


def _without_structure(known: Known, terms: Terms) -> str:
    row = known.row
    since = "" if row.waiting_since is None else f" since {past(row.waiting_since, terms.zone)}"
    if known.by_own_structure:
        return (
            f"Waiting{since} for the structure of the course: the learner's own one does not hold this block, so its "
            f"grade cannot be worked out. The tool has to send `course.structure` for the course '{row.course_id}' "
            "with this learner's `user_id`: one that holds the block, or no blocks, so that the course's counts again."
        )
    return (
        f"Waiting{since} for the structure of the course: none that passbackd knows holds this block, so its grade "
        f"cannot be worked out. The tool has to send `course.structure` for the course '{row.course_id}'."
    )


def _held(known: Known, terms: Terms, campus: str) -> list[str]:
    row, line = known.row, last_failure(known)
    until, follows = _upcoming(row.hold_until, terms), ready_at(row)
    when = "then" if follows <= row.hold_until else f"at {_upcoming(follows, terms)}"
    if line is not None and line.code_major == "processing":
        what = "that the grade is taken back" if line.score == CLEARED else f"the score {line.score}"
        said = (
            f"In doubt: {campus} said on {past(line.at, terms.zone)} that it is still processing {what}: "
            f"'{line.description}'. That is the LMS's own word: it may store that at any time, also over a newer "
            f"one. So nothing is sent before {until}; the newest grade follows {when}."
        )
        return [said]
    if line is not None and line.result in ("ambiguous", "unknown"):
        said = f"it is not known whether the last request to {campus} arrived ('{line.description}')"
    else:
        said = f"an earlier request may still be stored in this grade's place at {campus}"
    doubt = (
        f"In doubt: {said}. So that no older grade can land after a newer one, nothing is sent before {until}; the "
        f"newest grade follows {when}."
    )
    return [doubt]


def _retrying(known: Known, terms: Terms, campus: str) -> list[str]:
    row, line = known.row, last_failure(known)
    follows = f"the next one follows at {_upcoming(ready_at(row), terms)}."
    if line is None:
        return [f"Retrying: the last attempt at {campus} failed; {follows}"]
    if is_unexplained(line):
        said = [f"Refused: {_failed(line, campus, terms)}.", _asked_again(known, terms)]
    else:
        said = [f"Retrying: {_failed(line, campus, terms)}; {follows}", *_advice(line, row)]
    if line.version < row.version_number:
        said.append("That attempt was of an older grade; the newest one goes out in its place.")
    return said


def _asked_again(known: Known, terms: Terms) -> str:
    """How often and until when a campus is asked that refuses for a reason that is not known."""
    row, follows = known.row, ready_at(known.row)
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
    at = past(line.at, terms.zone)
    if is_unexplained(line):
        return f"{campus} refused the attempt on {at} with these words: '{line.description}'"
    return f"the attempt at {campus} on {at} failed: '{line.description}'"


def _advice(line: DeliveryRecord, campus: AssignmentView) -> list[str]:
    """What has to be done about an answer that does not pass by itself."""
    return list(filter(None, [campus_advice(line.description, campus)]))


def _is_of_token(line: DeliveryRecord, row: AssignmentView) -> bool:
    """Whether a platform refused an access token, in whose place another is got."""
    is_platform = row.protocol == "lti-1.3"
    return is_platform and line.result == "retried" and cause_of(line.description, None, row.protocol) == "signature"


def _put_off(known: Known, terms: Terms, campus: str) -> list[str]:
    row, line, again = known.row, last_failure(known), _upcoming(ready_at(known.row), terms)
    # An attempt that was put off before anything was sent leaves no record.
    if line is None or line.at < (row.claimed_at or 0):
        return [f"Waiting: passbackd put off the last attempt at {campus}; the next one follows at {again}."]
    return [
        f"Waiting: {campus} did not take the attempt on {past(line.at, terms.zone)}: '{line.description}'.",
        *_advice(line, row),
        f"As such an answer says nothing of this grade, the attempt is not counted; the next one follows at {again}.",
    ]


def _debounced(row: AssignmentView, terms: Terms) -> str:
    at = _upcoming(ready_at(row), terms)
    if not row.composite:
        return f"Waiting: this grade is sent at {at}."
    delay, ceiling = duration(terms.debounce.delay_ms), terms.debounce.ceiling_ms
    latest = None if row.pending_since is None else row.pending_since + ceiling
    sent = f"Waiting: this unit's grade is sent {delay} after the last answer or change"
    if latest is None:
        return f"{sent}, at {at}."
    if latest <= row.due_at:
        return f"{sent}, but no later than {duration(ceiling)} after the first: at {at}."
    return f"{sent}, at {at}, at the latest {_upcoming(latest, terms)}."


def _due(known: Known, terms: Terms, campus: str) -> list[str]:
    row, line = known.row, last_failure(known)
    said = []
    # The claim of a lost daemon, before the dispatcher rescues it; after that, its delivery record.
    lost_at = row.claimed_at if row.claimed_until is not None else None
    if line is not None and line.result == "unknown":
        lost_at = lost_at or line.at
    if lost_at is not None:
        said.append(
            f"Due: the daemon that was sending this to {campus} since {past(lost_at, terms.zone)} did not come back, "
            "so the newest grade is sent once more."
        )
    elif line is not None and _is_of_token(line, row):
        said.append(
            f"Due: {campus} refused the access token of the attempt on {past(line.at, terms.zone)}: "
            f"'{line.description}'; passbackd gets another one and sends the grade again."
        )
    elif row.attempts > 0 and line is not None:
        said += [f"Due: {_failed(line, campus, terms)}; the next one follows.", *_advice(line, row)]
    else:
        said.append(f"Due since {past(ready_at(row), terms.zone)} at {campus}.")
    if is_overdue(known, terms):
        said.append(LONG_DUE)
    else:
        said.append("It goes out within seconds while a daemon runs, later if many grades wait for this campus.")
    return said


def _upcoming(ms: int, terms: Terms) -> str:
    return upcoming(ms, now=terms.now, zone=terms.zone)

"""
The state of one grade, in plain words that a support person can pass on. Pure.

The first sentences say why and what comes next; then come what would be sent and what the campus holds.
"""

from actors.compute_grade import Grade, NoGrade, wire_score
from daemon.infra.text import past
from daemon.why.known import Known, Terms, campus_name, noun
from daemon.why.waiting import waiting
from models.delivery import DeliveryRecord, is_unexplained
from models.queries.grades import AssignmentView

_WHO_ACTS = {
    "learner": "This concerns this learner alone: the campus looks at the learner's enrolment there.",
    "course": "This concerns the whole course or activity at the campus: its teachers or administrators have to act.",
    "campus": "This concerns everything that goes to this campus: passbackd's operator and the campus have to act.",
}
_WORDS_UNKNOWN = (
    "The campus refused it each time and gave no reason that passbackd knows: the campus's administrators have to find "
    "out what its words mean."
)
#: By whether it may concern the whole campus.
_RETURNS = {
    True: "It comes back by itself once the campus takes another grade. ",
    False: "It comes back by itself once the campus takes another grade at the same address. ",
}
_TRIES_AGAIN = "A new launch of the activity, a new score or `passbackd resend` tries again."


def reason(known: Known, terms: Terms) -> str:
    """One paragraph. Titles and LMS messages are in it as they came: the caller escapes them."""
    row = known.row
    match row.state:
        case "disabled":
            sentences = [_switched_off(row, terms), _campus_holds(known, terms)]
        case "parked":
            sentences = [_parked(known, terms), *_grade_now(known), _campus_holds(known, terms)]
        case "clean":
            sentences = _acknowledged(known, terms)
        case "claimed":
            sentences = [_under_way(row, terms), *_grade_now(known), _campus_holds(known, terms)]
        case _ if known.grade is NoGrade.NOTHING_ATTEMPTED and row.state == "due":
            sentences = [_nothing_yet(row), _campus_holds(known, terms)]
        case _:
            sentences = [*waiting(known, terms), *_grade_now(known), _campus_holds(known, terms)]
    if row.note:
        sentences.append(f"Note: this assignment {row.note.strip().rstrip(';')}.")
    return " ".join(sentences)


def _acknowledged(known: Known, terms: Terms) -> list[str]:
    row, sent = known.row, known.sent
    if row.sent_score is None or row.sent_at is None:
        nothing = f"Nothing to send: this learner has attempted nothing in this {noun(row)}."
        return [nothing, _may_still_hold(sent, terms)] if sent is not None else [nothing]
    said = [f"Sent {row.sent_score} to {campus_name(row)} on {past(row.sent_at, terms.zone)} and acknowledged."]
    if sent is not None and sent.clamped:
        said.append(_cut(known.grade))
    if sent is not None and sent.version < row.sent_version:
        said.append("A later change left the grade equal, so it was not sent again.")
    return said


def _may_still_hold(sent: DeliveryRecord, terms: Terms) -> str:
    return (
        f"What the campus acknowledged last, {sent.score} on {past(sent.at, terms.zone)}, was not taken back: "
        "it may still show there."
    )


def _switched_off(row: AssignmentView, terms: Terms) -> str:
    return (
        f"Switched off on {past(row.disabled_at or 0, terms.zone)}: the tool said that this activity is not graded any "
        "more, so nothing is sent. A new launch of the activity switches it on again."
    )


def _parked(known: Known, terms: Terms) -> str:
    row = known.row
    at = row.parked_at or 0
    # Row and delivery record are written in one transaction.
    line = next((line for line in known.lines if line.at == at), None)
    who = _WHO_ACTS.get(row.parked_scope or "", "")
    if line is not None and is_unexplained(line):
        head, who = f"Refused by {campus_name(row)} on", _WORDS_UNKNOWN
    elif line is not None and line.result == "refused" and line.http_status is not None:
        head = f"Refused by {campus_name(row)} on"
    elif line is not None and line.result in ("retried", "ambiguous"):
        head = f"Given up at {campus_name(row)} on"
    else:
        head = f"Not sent to {campus_name(row)} since"
    again = _RETURNS[row.parked_scope == "campus"] + _TRIES_AGAIN if row.returns_at is not None else _TRIES_AGAIN
    return f"{head} {past(at, terms.zone)}: '{row.parked_reason}'. {who} {again}".replace("  ", " ")


def _under_way(row: AssignmentView, terms: Terms) -> str:
    return (
        f"Being sent: attempt {row.attempts} at {campus_name(row)} began on "
        f"{past(row.claimed_at or terms.now, terms.zone, seconds=True)} and is over within a minute or two."
    )


def _nothing_yet(row: AssignmentView) -> str:
    return (
        f"Registered, and nothing to send yet: this learner has attempted nothing in this {noun(row)}. "
        "The first score is sent."
    )


def _grade_now(known: Known) -> list[str]:
    match known.grade:
        case Grade() as grade:
            score, is_cut = wire_score(grade)
            return [f"The grade to be sent is {score}.", *([_cut(grade)] if is_cut else [])]
        case NoGrade.NOTHING_ATTEMPTED:
            return [f"By now there is nothing to send: the learner has attempted nothing in this {noun(known.row)}."]
        case _:
            return []


def _cut(grade: Grade | NoGrade | None) -> str:
    """*grade*: what would be sent now, which need not be what was cut."""
    points = ""
    if isinstance(grade, Grade) and wire_score(grade)[1]:
        points = f" ({grade.earned:g} of {grade.possible:g} points)"
    return f"The grade{points} was cut to fit: LTI takes 0 to 1, no less and no more."


def _campus_holds(known: Known, terms: Terms) -> str:
    row = known.row
    if row.sent_at is None:
        return "The campus has acknowledged no grade yet."
    if row.sent_score is None:
        return "The campus is not known to hold a grade of this activity."
    return f"The campus holds {row.sent_score}, acknowledged on {past(row.sent_at, terms.zone)}."

"""
The state of one grade, in plain words that a support person can pass on. Pure.

The first sentences say why and what comes next; then come what would be sent and what the campus acknowledged.
"""

from actors.compute_grade import Grade, NoGrade, wire_score
from daemon.infra.text import past, upcoming
from daemon.why.cleared import cleared_words, clearing_words, instead_words, nothing_words
from daemon.why.known import Known, Terms, campus_name, noun
from daemon.why.outlook import next_step, parked_advice
from daemon.why.overtaken import kept_words, overruled_words
from daemon.why.points import answered, points, points_of
from daemon.why.waiting import waiting
from models.delivery import DeliveryRecord, is_unexplained
from models.queries.views import AssignmentView

#: By whether it may concern the whole campus.
_RETURNS = {
    True: "It comes back by itself once the campus takes another grade, and a few times without that.",
    False: "It comes back by itself once the campus takes another grade at the same address, and a few times without "
    "that.",
}
_MAY_DIFFER = "The campus may show another grade: the best of several, or one that a teacher has set."
_OF_ANOTHER = "A newer launch gave this place at the campus to this learner; it was another one's before."
_MAY_SHOW_THEIRS = "That one's grade may show there until this learner's is sent."
_BY_OWN_STRUCTURE = (
    "What counts in it is by this learner's own course structure, which the tool sent: others may have other problems."
)
_NOT_BY_US = (
    "passbackd did not send it; a later change is sent as usual. `passbackd reconcile` asks the campus what it holds."
)
_TRIES_AGAIN = (
    "Once the cause is gone, a new launch of the activity, a new score or sending it again (`passbackd resend`) helps."
)


def reason(known: Known, terms: Terms) -> str:
    """One paragraph. Titles and LMS messages are in it as they came: the caller escapes them."""
    step = next_step(known, terms)
    return " ".join([explanation(known, terms), *([] if step is None else [step])])


def explanation(known: Known, terms: Terms) -> str:
    """The paragraph without who has to act."""
    row = known.row
    match row.state:
        case "disabled":
            sentences = [_switched_off(row, terms), _campus_acknowledged(known, terms)]
        case "parked":
            sentences = [_parked(known, terms), *_grade_now(known, terms), _campus_acknowledged(known, terms)]
        case "clean":
            sentences = [*_acknowledged(known, terms), *filter(None, [answered(known, terms)])]
        case "claimed":
            sentences = [_under_way(row, terms), *_grade_now(known, terms), _campus_acknowledged(known, terms)]
        case _ if known.has_nothing_to_send and row.state == "due":
            sentences = [_nothing_yet(known), _campus_acknowledged(known, terms)]
        case _:
            sentences = [*waiting(known, terms), *_grade_now(known, terms), _campus_acknowledged(known, terms)]
    if known.by_own_structure and row.composite and isinstance(known.grade, Grade):
        sentences.append(_BY_OWN_STRUCTURE)
    if terms.daemon_fault is not None and row.state in ("due", "waiting", "claimed"):
        sentences.append(terms.daemon_fault)
    if row.learner_version:
        sentences.append(_OF_ANOTHER if row.sent_at is not None else f"{_OF_ANOTHER} {_MAY_SHOW_THEIRS}")
    if row.note:
        sentences.append(f"Note: this assignment {row.note.strip().rstrip(';')}.")
    return " ".join(sentences)


def _acknowledged(known: Known, terms: Terms) -> list[str]:
    row, sent = known.row, known.sent
    if row.is_taken_over:
        taken = f"Taken over from before passbackd: {row.sent_score} counts as delivered to {campus_name(row)}."
        return [taken, *points_of(row.sent_score or "", known.grade), _NOT_BY_US]
    if row.sent_score is None or row.sent_at is None:
        settled = overruled_words(known, terms) or list(filter(None, [cleared_words(known, terms)]))
        return settled or [_nothing(known), *([] if sent is None else [_may_still_hold(sent, terms)])]
    said = [
        f"Sent {row.sent_score} to {campus_name(row)} on {past(row.sent_at, terms.zone)} and acknowledged.",
        *points_of(row.sent_score, known.grade),
        *filter(None, [instead_words(known)]),
        _MAY_DIFFER,
    ]
    if sent is not None and sent.clamped:
        said.append(_cut(known.grade))
    # A launch that comes with the score makes a version, too, and is no change of the grade.
    if sent is not None and sent.version < row.sent_version and (known.answered_at or 0) > sent.at:
        said.append("A later change left the grade equal, so it was not sent again.")
    return said


def _nothing(known: Known) -> str:
    if known.grade is NoGrade.CLEARED:
        return nothing_words(known)
    return f"Nothing to send: this learner has attempted nothing in this {noun(known.row)}."


def _may_still_hold(sent: DeliveryRecord, terms: Terms) -> str:
    return (
        f"What the campus acknowledged last, {sent.score} on {past(sent.at, terms.zone)}, was not taken back: "
        "it may still show there."
    )


def _switched_off(row: AssignmentView, terms: Terms) -> str:
    return (
        f"The tool switched this activity off on {past(row.disabled_at or 0, terms.zone)}: it said that it is not "
        "graded any more, so nothing is sent. A new launch of the activity switches it on again."
    )


def _parked(known: Known, terms: Terms) -> str:
    row = known.row
    at = row.parked_at or 0
    # Row and delivery record are written in one transaction.
    line = next((line for line in known.lines if line.at == at), None)
    if line is None:
        head = f"Parked, which is not tried any more, at {campus_name(row)} since"
    elif line.http_status is None and line.result == "refused":
        head = f"Not sent to {campus_name(row)} since"
    elif line.result == "refused" or is_unexplained(line):
        head = f"Refused by {campus_name(row)} on"
    else:
        head = f"Given up at {campus_name(row)} on"
    advice = parked_advice(row)
    said = [f"{head} {past(at, terms.zone)}: '{row.parked_reason}'.", advice.words]
    if row.returns_at is not None:
        said.append(_RETURNS[row.parked_scope != "course"])
    # The learner's launch alone helps where the learner has to act.
    return " ".join(said if advice.who == "learner" else [*said, _TRIES_AGAIN])


def _under_way(row: AssignmentView, terms: Terms) -> str:
    began = past(row.claimed_at or terms.now, terms.zone, seconds=True)
    until = upcoming(row.claimed_until or terms.now, now=terms.now, zone=terms.zone)
    return (
        f"Being sent: a request for this grade at {campus_name(row)} began on {began}. It ends by {until} at the "
        "latest, or is made once more."
    )


def _nothing_yet(known: Known) -> str:
    if known.grade is NoGrade.CLEARED:
        return nothing_words(known)
    return (
        f"Registered, and nothing to send yet: this learner has attempted nothing in this {noun(known.row)}. "
        "The first score is sent."
    )


def _grade_now(known: Known, terms: Terms) -> list[str]:
    match known.grade:
        case Grade() as grade:
            score, is_cut = wire_score(grade)
            now = f"The newest grade is {points(grade)}: {score} to the campus."
            return [now, *([_cut(grade)] if is_cut else []), *filter(None, [answered(known, terms)])]
        case NoGrade.CLEARED:
            return [clearing_words(known)]
        case NoGrade.NOTHING_ATTEMPTED:
            return [f"There is nothing to send: the learner has attempted nothing in this {noun(known.row)}."]
        case NoGrade.CLEARED:
            return [
                f"The tool took back what the learner attempted in this {noun(known.row)}, so that no score is left."
            ]
        case _:
            return []


def _cut(grade: Grade | NoGrade | None) -> str:
    """*grade*: what would be sent now, which need not be what was cut."""
    of = f" ({points(grade)})" if isinstance(grade, Grade) and wire_score(grade)[1] else ""
    return f"The grade{of} was cut to fit: LTI takes 0 to 1, no less and no more."


def _campus_acknowledged(known: Known, terms: Terms) -> str:
    row = known.row
    if row.sent_score is not None:
        if row.is_taken_over:
            return f"The campus is taken to hold {row.sent_score} from before passbackd, which did not send it."
        return f"The campus acknowledged {row.sent_score} on {past(row.sent_at or 0, terms.zone)}. {_MAY_DIFFER}"
    kept = kept_words(known, terms)
    if kept is not None:
        return kept
    if known.cleared_at is not None:
        return f"The campus acknowledged on {past(known.cleared_at, terms.zone)} that its grade was taken back."
    if known.sent is not None:
        return _may_still_hold(known.sent, terms)
    none_yet = f"The campus has acknowledged no grade{' of this learner' if row.learner_version else ''} yet."
    return none_yet if row.sent_at is None else "The campus is not known to hold a grade of this activity."

"""A grade that the tool took back, in words. Pure."""

from actors.compute_grade import NoGrade
from daemon.infra.text import capitalized, past
from daemon.why.known import Known, Terms, campus_name, noun

_STILL_SHOWN = "Some LMSs go on showing it in their gradebook."


def cleared_words(known: Known, terms: Terms) -> str | None:
    """Of a settled grade that the campus has cleared; None if that is not what it acknowledged last."""
    if known.row.sent_score is not None or known.cleared_at is None:
        return None
    return (
        f"Cleared: the grade was taken back at {campus_name(known.row)} on {past(known.cleared_at, terms.zone)}, since "
        f"the tool took back this learner's score in this {noun(known.row)}. {_STILL_SHOWN}"
    )


def instead_words(known: Known) -> str | None:
    """Of a 0 in place of a grade that the LMS could not clear; None for any other grade."""
    if known.grade is not NoGrade.CLEARED or known.row.sent_score != "0":
        return None
    return f"It is sent in place of no grade: {_taken_back(known)}, and this LMS takes no grade back."


def clearing_words(known: Known) -> str:
    """Of a grade that is to be cleared."""
    if known.has_nothing_to_send:
        return f"There is nothing to send: {_taken_back(known)}, and the campus is not known to hold a grade of it."
    if "clear" in known.row.omitted.split():
        return f"{capitalized(_taken_back(known))}; as this LMS takes no grade back, 0 is sent in its place."
    return f"{capitalized(_taken_back(known))}, so the grade is to be cleared at the campus."


def nothing_words(known: Known) -> str:
    """Of a grade that was taken back before the campus held any."""
    return f"Nothing to send: {_taken_back(known)}, and the campus is not known to hold a grade of it."


def _taken_back(known: Known) -> str:
    return f"the tool took back what this learner had attempted in this {noun(known.row)}"

"""A grade whose timestamp the campus refused (LTI 1.3), or in whose place it kept a later one, in words. Pure."""

from daemon.infra.text import counted, past, upcoming
from daemon.why.known import Known, Terms, campus_name


def is_overtaken(known: Known, terms: Terms) -> bool:
    """Whether the grade is to be sent again since the campus refused its timestamp the last time."""
    newest = known.lines[0] if known.lines else None
    refused = newest is not None and newest.result == "overtaken" and known.overruled is None
    return refused and known.row.overtaken > 0 and known.row.due_at <= terms.now


def overtaken_words(known: Known, terms: Terms, *, again_at: int) -> list[str]:
    """Of a grade that is sent again with a later timestamp, at *again_at*."""
    row, newest = known.row, known.lines[0]
    when = f"at {upcoming(again_at, now=terms.now, zone=terms.zone)}" if again_at > terms.now else "within seconds"
    refused = (
        f"Overtaken: {campus_name(row)} refused the attempt on {past(newest.at, terms.zone)}, since it holds a grade "
        f"whose timestamp is as new or newer: '{newest.description}'. It does not say which grade that is, so "
        f"passbackd sends the newest one again with a later timestamp, {when}."
    )
    said = [refused]
    if row.overtaken > 1:
        said.append(
            f"The campus has refused it so {counted(row.overtaken, 'time')} in a row; each time the timestamp grows, "
            "and the pause too."
        )
    return said


def overruled_words(known: Known, terms: Terms) -> list[str]:
    """Of a grade that is settled, since the campus keeps a later one that was not sent from here."""
    line = known.overruled
    if line is None:
        return []
    score = f" {line.score}" if line.score else ""
    kept = (
        f"Overruled: {campus_name(known.row)} keeps a later grade, which was not sent from here: when passbackd sent "
        f"its grade{score} on {past(line.at, terms.zone)}, the campus said '{line.description}'. A teacher at the "
        "campus may have set that grade, so it remains; the next change of this learner's score is sent as usual."
    )
    return [kept, f"Sending this one again (`passbackd resend --assignment {known.row.id} --force`) replaces it."]


def kept_words(known: Known, terms: Terms) -> str | None:
    """What the campus keeps, while another grade is to be sent; None where it keeps none that it said."""
    line = known.overruled
    if line is None:
        return None
    return (
        f"On {past(line.at, terms.zone)} the campus kept a later grade, which was not sent from here, in place of "
        f"{line.score or 'the cleared one'}."
    )

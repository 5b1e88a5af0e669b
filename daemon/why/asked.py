"""What a campus shows when it is asked for a grade, in words. Pure."""

from actors.comparison import compare
from daemon.why.known import Known


def shown_words(known: Known) -> str:
    """Of a grade whose campus was asked."""
    shown, acknowledged = known.shown, known.row.sent_score
    if shown is None or shown.held is None:
        return f"What the campus shows is not known: {shown.why if shown else 'it was not asked'}."
    if not shown.held:
        if acknowledged is None:
            return "Asked now, the campus shows no grade."
        return (
            f"Asked now, the campus shows no grade, though it acknowledged {acknowledged}: the column there may have "
            "been made anew. `passbackd resend --assignment "
            f"{known.row.id} --force` sends it again."
        )
    words = f"Asked now, the campus shows {shown.held}"
    if acknowledged is None:
        return f"{words}."
    if compare(shown.held, acknowledged, ()) == "equal":
        return f"{words}, as it acknowledged."
    return (
        f"{words}, and acknowledged {acknowledged}: it may keep the best of several grades, round, or have one that a "
        "teacher has set."
    )

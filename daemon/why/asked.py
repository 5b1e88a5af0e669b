"""What a campus shows when it is asked for a grade, in words. Pure."""

from actors.comparison import compare
from daemon.why.known import Known


def shown_words(known: Known) -> str:
    """Of a grade whose campus was asked."""
    shown, acknowledged = known.shown, known.row.sent_score
    if shown is None or shown.held is None:
        return f"What the campus shows is not known: {shown.why if shown else 'it was not asked'}."
    if acknowledged is None:
        return _of_none(known, shown.held)
    if not shown.held:
        return (
            f"Asked now, the campus shows no grade, though it acknowledged {acknowledged}: the column there may have "
            f"been made anew. Sending it again (`passbackd resend --assignment {known.row.id} --force`) restores it."
        )
    words = f"Asked now, the campus shows {shown.held}"
    if compare(shown.held, acknowledged, ()) == "equal":
        return f"{words}, as it acknowledged."
    return (
        f"{words}, and acknowledged {acknowledged}: it may keep the best of several grades, round, or have one that a "
        "teacher has set."
    )


def _of_none(known: Known, held: str) -> str:
    """Of a campus that has acknowledged no grade, or that it took it back; it holds *held*, empty for none."""
    words = f"Asked now, the campus shows {held or 'no grade'}"
    if known.cleared_at is None:
        return f"{words}."
    if not held:
        return f"{words}, as it acknowledged."
    return (
        f"{words}, though it acknowledged that the grade was taken back: its gradebook may go on showing it, or a "
        "teacher has set it."
    )

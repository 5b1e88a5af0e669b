"""Asks campuses what they show of a few grades, for support; within each campus's limit, and for a bounded time."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from actors.read_back import NotReadError, Reader
from daemon.why.known import Explanation, Known, Shown
from models.clock_watch import catch_up
from models.queries.reconcile import reserve_for_reading
from models.queries.views import AssignmentView

#: Grades that are asked for at most, one after the other, and seconds for all of them.
MAX_ASKED, ASK_PATIENCE = 10, 60.0
#: Seconds between two tries to get a slot.
ASK_AGAIN = 0.5


async def ask_campuses(answer: Explanation, reader: Reader, *, patience: float = ASK_PATIENCE) -> Explanation:
    """
    The answer, with what the campuses show of up to :data:`MAX_ASKED` grades, or why that is not known.

    Args:
        patience: Seconds for which it waits for a campus that has no slot.

    Raises:
        Exception: A server was lost.
    """
    until = reader.clock.monotonic() + patience
    asked = []
    for number, known in enumerate(answer.known):
        why = f"no more than {MAX_ASKED} grades are asked for at once" if number >= MAX_ASKED else _why_not(known.row)
        shown = Shown(None, why) if why else await _ask(known.row, reader, until)
        asked.append(replace(known, shown=shown))
    return replace(answer, known=tuple(asked))


def not_asked(known: Sequence[Known], why: str) -> tuple[Known, ...]:
    """Grades for which no campus could be asked."""
    return tuple(replace(one, shown=Shown(None, why)) for one in known)


def _why_not(row: AssignmentView) -> str:
    if row.campus_state == "paused":
        return "passbackd's operator has paused it"
    if row.campus_state in ("down", "probing"):
        return "it takes no grades now, and only probes go there"
    if row.state == "disabled":
        return "the tool has switched the activity off"
    if row.learner_version and row.sent_score is None:
        # Nothing of one learner is shown to another.
        return "what it shows may be another learner's, who had this place before"
    return ""


async def _ask(row: AssignmentView, reader: Reader, until: float) -> Shown:
    while True:
        await catch_up(reader.clock)
        await reserve_for_reading(row.campus_id, reader.clock)
        try:
            reading = await reader.read(row.id)
        except NotReadError as error:
            if reader.clock.monotonic() > until:
                return Shown(None, str(error))
        else:
            return Shown(None, "it is not registered any more") if reading is None else Shown(reading.held, reading.why)
        await asyncio.sleep(ASK_AGAIN)

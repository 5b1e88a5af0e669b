"""What a form did, shown on the page to which it leads: that page can be loaded again without doing it twice."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import htpy as h
import structlog
from aiohttp import web
from htpy import Node

from daemon.infra.text import counted
from daemon.pages.access import lead_to
from daemon.pages.layout import moment, text
from daemon.pages.site import Visit
from daemon.support.keys import NONE_SIGNS
from daemon.support.quarantine import ReplayReport
from daemon.support.record import action_words
from daemon.support.resend import resend
from models.action import find_action
from models.db.sql import written_id
from models.queries.filter import AssignmentFilter

log = structlog.get_logger(__name__)

#: Failures of one form that the log names.
MAX_LOGGED_FAILURES = 20
_PAUSED = "Paused: nothing goes to any of its addresses until it is resumed; nothing is lost."
_RESUMED = "Resumed: its grades go out, to a campus that was down one at a time until it takes one."
_PENDING = "The new secret is stored beside the present one: the campus may change its own at any time."
_CHANGED = (
    "The secret is changed. A campus that was down is tried with one grade at once, and once it takes that, all that "
    "waits goes out; until then this page shows what it said before."
)


def lead_back(visit: Visit, path: str) -> web.Response:
    """Lead to a page that says what was done."""
    return lead_to(f"{path}{'&' if '?' in path else '?'}done={visit.recorded[-1]}" if visit.recorded else path)


def force_box() -> Node:
    """What operators tick to have grades sent that the campus has already, or in whose place a person has set one."""
    words = " also if the campus acknowledged exactly this score, or a teacher has set another one there"
    return h.label[h.input(type="checkbox", name="force", value="yes"), words]


async def mark_all(
    visit: Visit, wanted: AssignmentFilter, counts: dict[str, int], *, matched: int, force: bool
) -> None:
    """
    Mark all that is wanted to be sent again, and count that for the record of actions; failures are in the log.

    Args:
        matched: How many are wanted.
        force: Also where the campus acknowledged exactly this score already.
    """
    counts["matched"] = matched
    marked = await resend(wanted, now=lambda: visit.now, force=force)
    counts["marked"] = marked.number
    if marked.failed:
        counts["failed"] = len(marked.failed)
        for assignment_id, error in marked.failed[:MAX_LOGGED_FAILURES]:
            log.error("a grade could not be marked to be sent again", assignment=assignment_id, error=error)


async def done_content(visit: Visit) -> Node:
    """What the action did that the address of a page names; nothing where it names none."""
    action_id = written_id(visit.request.query.get("done", ""))
    action = None if action_id is None else await find_action(action_id)
    if action is None:
        return None
    # By whom and when: an address may be older than its reader thinks, or another's.
    by = f" ({action['account']}, "
    return h.p(".done", role="status")[text(done_words(action)), text(by), moment(action["at"], visit.zone), ")"]


def done_words(action: Mapping[str, Any]) -> str:
    """What an action did, as :func:`models.action.actions` gives it. Pure."""
    command, counts, selection = action["command"], action["counts"], action["selection"]
    words = {
        "resend": lambda: _resent(counts, forced=bool(selection.get("force"))),
        "quarantine replay": lambda: _replayed(counts),
        "quarantine drop": lambda: f"{counted(counts.get('events', 0), 'event')} dropped.",
        "keys new": lambda: f"The key {selection.get('key')} is made and published.",
        "keys withdraw": lambda: _withdrawn(selection),
        "consumer add": lambda: _PENDING if selection.get("pending") else _CHANGED,
    }
    words |= dict.fromkeys(("consumer pause", "platform pause"), lambda: _PAUSED)
    words |= dict.fromkeys(("consumer resume", "platform resume"), lambda: _RESUMED)
    return words.get(command, lambda: f"Done: {command} {action_words(selection)}.")()


def _resent(counts: Mapping[str, int], *, forced: bool) -> str:
    marked, failed = counts.get("marked", 0), counts.get("failed", 0)
    are = "is" if marked == 1 else "are"
    grades = f"{marked} of {counted(counts.get('matched', marked), 'grade')} {are} marked to be sent"
    equal = "" if forced else " A score that the campus acknowledged already is not sent twice."
    left = f" {failed} could not be marked: the daemon's log says why." if failed else ""
    return f"{grades} again, as soon as the campus can take it.{equal}{left}"


def _withdrawn(selection: Mapping[str, Any]) -> str:
    withdrawn, follows = f"The key {selection.get('key')} is withdrawn.", selection.get("signs now")
    if follows == NONE_SIGNS:
        return f"{withdrawn} No key signs now, and nothing goes out over LTI 1.3: make a new one, which does at once."
    if follows:
        return f"{withdrawn} {follows} signs now: a platform that does not know it yet refuses it until it fetches it."
    return withdrawn


def _replayed(counts: Mapping[str, int]) -> str:
    report = ReplayReport(sum(counts.values()), Counter(counts))
    return f"{report.words}.{' What was refused is still there.' if report.results['refused'] else ''}"

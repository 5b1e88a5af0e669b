"""The life of an assignment as far as it is on record, the newest first. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import htpy as h
from htpy import Node

from daemon.infra.text import past
from daemon.pages.layout import moment, text
from daemon.support.record import action_words
from daemon.why.known import Known, Terms
from daemon.why.outlook import outlook
from daemon.why.points import part_cells, score_words
from models.queries.views import AssignmentView

#: Moments that are shown.
MAX_MOMENTS = 200


class _Event(NamedTuple):
    """*at*: milliseconds since 1970."""

    at: int
    words: str


def timeline(known: Known, actions: Sequence[Mapping[str, Any]], terms: Terms) -> Node:
    """What happened, and what comes next. *actions*: those about it, as :func:`models.action.actions` gives them."""
    acted = (_Event(one["at"], words) for one in actions if (words := _acted(one, known.row)) is not None)
    moments = sorted([*_moments(known, terms), *acted], key=lambda one: one.at, reverse=True)
    ahead = outlook(known, terms).next_at
    more = len(moments) > MAX_MOMENTS
    return (
        ahead is not None and h.p[f"passbackd goes on by itself at {past(ahead, terms.zone, seconds=True)}."],
        h.ol(".timeline")[(h.li[moment(one.at, terms.zone), " ", text(one.words)] for one in moments[:MAX_MOMENTS]),],
        more and h.p[f"These are the newest {MAX_MOMENTS} of {len(moments)}."],
    )


def _acted(action: Mapping[str, Any], row: AssignmentView) -> str | None:
    """What someone did; None if it cannot have concerned this assignment."""
    selection, counts = action["selection"], action_words(action["counts"])
    who = f"{action['account']}: {action['command']}"
    if "assignment" in selection or "assignments" in selection:
        return f"{who}, {counts}"
    own = {"usage": row.usage_id, "consumer": row.consumer_key, "origin": row.origin, "user": row.user_id}
    if any(selection.get(name) not in (None, value) for name, value in own.items()):
        return None
    return f"{who} of several, of which this may be one: {action_words(selection)}; {counts}"


def _moments(known: Known, terms: Terms) -> Iterator[_Event]:
    row = known.row
    for part in known.parts:
        if part.modified is not None:
            block, points, _ = part_cells(part, terms)
            yield _Event(part.modified, f"The learner's newest score of {block}: {points}.")
    for line in known.lines:
        score = "" if line.score is None else f", {score_words(line.score)}"
        said = f": {line.description}" if line.description else ""
        yield _Event(line.at, f"Attempt {line.attempt}{score}: {line.result}{said}")
    if row.pending_since is not None:
        yield _Event(row.pending_since, "A change came that is not sent yet.")
    if row.waiting_since is not None:
        yield _Event(row.waiting_since, "It began to wait for a course structure that holds its block.")
    if row.claimed_at is not None and row.state == "claimed":
        yield _Event(row.claimed_at, "A request began.")
    if row.parked_at is not None:
        yield _Event(row.parked_at, f"Parked: {row.parked_reason}")
    if row.disabled_at is not None:
        yield _Event(row.disabled_at, "The tool switched the activity off.")

"""The forms that replay and drop what is in quarantine, and what came of it, in HTML. Pure."""

from collections.abc import Mapping

import htpy as h
from htpy import Node

from daemon.infra.text import counted
from daemon.pages.layout import text, token_field
from daemon.support.quarantine import ReplayReport
from daemon.support.quarantine_words import refusal_lines

#: Events that one form replays, the first in the order of their entries.
MAX_REPLAYED = 200


def changing_forms(path: str, named: Mapping[str, str], number: int, token: str) -> Node:
    """
    The forms for events.

    Args:
        path: Of the pages that take the forms, without their last part.
        named: How the forms name the events.
        number: Of the events.
    """
    events = "this event" if number == 1 else f"these {number} events"
    hidden = [h.input(type="hidden", name=name, value=value) for name, value in named.items()]
    return h.section[
        h.h2["What can be done"],
        h.form(method="post", action=f"{path}/replay")[
            token_field(token),
            hidden,
            h.p[
                "Once the cause is removed, a replay applies it as of its own entry; it cannot override what is newer."
            ],
            number > MAX_REPLAYED and h.p[f"The first {MAX_REPLAYED} of them at once; then the next ones."],
            h.button(type="submit")[f"Replay {events}"],
        ],
        h.form(method="post", action=f"{path}/drop")[
            token_field(token),
            hidden,
            h.label[h.input(type="checkbox", name="confirm", value="yes", required=True), f" Delete {events} for good"],
            h.button(type="submit")[f"Drop {events}"],
        ],
    ]


def replayed_content(report: ReplayReport, left: int) -> Node:
    """What a replay did. *left*: how many events were not replayed yet."""
    return (
        h.p(role="status")[f"{report.words}."],
        bool(report.refused) and h.ul[(h.li[text(line)] for line in refusal_lines(report.refused))],
        left > 0 and h.p[f"{counted(left, 'more event')} of this group were not replayed yet."],
        _back(),
    )


def dropped_content(number: int) -> Node:
    """What a drop did."""
    return h.p(role="status")[f"{counted(number, 'event')} dropped."], _back()


def _back() -> Node:
    return h.p[h.a(href="/quarantine")["All that is in quarantine"]]

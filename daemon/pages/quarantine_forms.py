"""The forms that replay and drop what is in quarantine, in HTML. Pure."""

from collections.abc import Mapping

import htpy as h
from htpy import Node

from daemon.pages.layout import token_field

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
            h.label[h.input(type="checkbox", name="confirm", value="yes", required=True), " Yes, delete for good"],
            h.button(".forever", type="submit")[f"Drop {events}"],
        ],
    ]

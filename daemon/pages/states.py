"""How many assignments are in each state, and what the states mean. Pure."""

from collections.abc import Mapping

from htpy import Node

from daemon.pages.layout import alarm, data_table

#: What each state of :data:`models.states.STATES` means, as `docs/operate.md` says it.
STATE_MEANINGS = {
    "clean": "the campus has acknowledged the newest score, or there is nothing to send",
    "due": "to be sent as soon as the campus has a free slot",
    "waiting": "to be sent later (delay, backoff, hold), or a course structure that holds its block has not come",
    "claimed": "being sent",
    "parked": (
        "the campus refused for good, or every attempt failed; a new score gets one try, a newer launch starts afresh"
    ),
    "disabled": "the tool said that it is not graded any more",
}


def states_table(states: Mapping[str, int]) -> Node:
    """*states*: how many assignments are in each."""
    rows = [
        (state, alarm(str(number)) if state == "parked" and number else str(number), STATE_MEANINGS[state])
        for state, number in states.items()
    ]
    return data_table("Assignments", ("state", "assignments", "what it means"), rows, numbers=("assignments",))

"""What ``quarantine list`` prints for people."""

from collections.abc import Sequence
from datetime import tzinfo

from daemon.cli.screen import console, table
from daemon.infra.text import past
from daemon.support.quarantine_words import (
    SHOWN_GROUPS,
    SHOWN_REASONS,
    event_group_words,
    of_reasons,
    reason_words,
)
from models.quarantine import EventGroup, QuarantinedEvent

_HEADINGS = ("id", "read", "entry", "type", "learner", "course", "reason")


def print_events(
    events: Sequence[QuarantinedEvent], groups: Sequence[EventGroup], number: int, where: tzinfo | None, *, cut: bool
) -> None:
    """
    Print how many of all *number* events there are for each reason, and the newest *events*.

    Args:
        where: The zone of times; None: the machine's.
        cut: Whether there may be more groups.
    """
    screen = console()
    if len(groups) > 1 or number > len(events):
        _print_groups(groups, cut=cut)
    rows = [
        (one.id, past(one.at, where), one.entry_id, one.type, one.user_id, one.course_id, one.reason) for one in events
    ]
    screen.print(table(_HEADINGS, rows, numbers=("id",)) if rows else "nothing is in quarantine")
    if number > len(events):
        screen.print(f"these are {len(events)} of {number}; --limit shows more")


def _print_groups(groups: Sequence[EventGroup], *, cut: bool) -> None:
    screen = console()
    ranked = of_reasons(groups)
    for reason, of_reason in ranked[:SHOWN_REASONS]:
        screen.print(reason_words(reason, of_reason))
        for group in of_reason[:SHOWN_GROUPS]:
            screen.print(f"  {event_group_words(group)}")
        if len(of_reason) > SHOWN_GROUPS:
            rest = of_reason[SHOWN_GROUPS:]
            screen.print(f"  {sum(group.number for group in rest)} in {len(rest)} more groups")
        screen.print()
    if len(ranked) > SHOWN_REASONS or cut:
        screen.print("there are more reasons or groups, of fewer events: --type, --consumer, --course narrow it down\n")

"""What ``quarantine list`` prints for people."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo

from daemon.cli.screen import console, table
from daemon.infra.text import counted, past, printable
from models.quarantine import EventGroup, QuarantinedEvent

#: Reasons that are shown, at most, and the groups of each.
SHOWN_REASONS, SHOWN_GROUPS = 40, 50

#: What a reason quotes of its event at its end: the value that is wrong, and what distinguishes the event from others.
_QUOTED = re.compile(r"""(: ['"].*)? \(\w+=.*\)$|: (['"]).*\2$""", re.DOTALL)

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
    of_reasons: dict[str, list[EventGroup]] = {}
    for group in _alike(groups):
        of_reasons.setdefault(group.reason, []).append(group)
    ranked = sorted(of_reasons.items(), key=lambda item: -sum(group.number for group in item[1]))
    for reason, of_reason in ranked[:SHOWN_REASONS]:
        screen.print(f"{counted(sum(group.number for group in of_reason), 'event')}: {printable(reason)}")
        for group in of_reason[:SHOWN_GROUPS]:
            screen.print(f"  {_line(group)}")
        if len(of_reason) > SHOWN_GROUPS:
            rest = of_reason[SHOWN_GROUPS:]
            screen.print(f"  {sum(group.number for group in rest)} in {len(rest)} more groups")
        screen.print()
    if len(ranked) > SHOWN_REASONS or cut:
        screen.print("there are more reasons or groups, of fewer events: --type, --consumer, --course narrow it down\n")


def without_quotes(reason: str) -> str:
    """A reason without what it quotes of its event: the same for events that are refused alike."""
    return _QUOTED.sub("", reason)


def _alike(groups: Sequence[EventGroup]) -> list[EventGroup]:
    """The groups, in one those whose reasons differ in nothing but what they quote; the largest first."""
    merged: dict[tuple[str, str, str | None, str | None], EventGroup] = {}
    for group in groups:
        reason = without_quotes(group.reason)
        key = (reason, group.type, group.consumer_key, group.course_id)
        same = merged.get(key)
        number, newest = (0, 0) if same is None else (same.number, same.newest)
        merged[key] = replace(group, reason=reason, number=number + group.number, newest=max(newest, group.newest))
    return sorted(merged.values(), key=lambda group: -group.number)


def _line(group: EventGroup) -> str:
    course = "" if group.course_id is None else f" in course {printable(group.course_id)}"
    consumer = "" if group.consumer_key is None else f", consumer key {printable(group.consumer_key)}"
    return f"{group.number} {printable(group.type)}{course}{consumer} (newest {group.newest})"

"""Events in quarantine, and what their replay did, in words. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from daemon.infra.text import counted, printable
from models.quarantine import EventGroup

#: Reasons that are shown, at most, and the groups of each.
SHOWN_REASONS, SHOWN_GROUPS = 40, 50
#: Refusals that a replay names one by one, and reasons that it names.
FEW, MAX_REASONS = 20, 40

#: What a reason quotes of its event at its end: the value that is wrong, and what distinguishes the event from others.
_QUOTED = re.compile(r"""(: ['"].*)? \(\w+=.*\)$|: (['"]).*\2$""", re.DOTALL)


def without_quotes(reason: str) -> str:
    """A reason without what it quotes of its event: the same for events that are refused alike."""
    return _QUOTED.sub("", reason)


def of_reasons(groups: Sequence[EventGroup]) -> list[tuple[str, list[EventGroup]]]:
    """
    Each reason with its groups, the largest first.

    Groups whose reasons differ in nothing but what they quote are one.
    """
    found: dict[str, list[EventGroup]] = {}
    for group in _alike(groups):
        found.setdefault(group.reason, []).append(group)
    return sorted(found.items(), key=lambda item: -sum(group.number for group in item[1]))


def _alike(groups: Sequence[EventGroup]) -> list[EventGroup]:
    merged: dict[tuple[str, str, str | None, str | None], EventGroup] = {}
    for group in groups:
        reason = without_quotes(group.reason)
        key = (reason, group.type, group.consumer_key, group.course_id)
        same = merged.get(key)
        number, newest = (0, 0) if same is None else (same.number, same.newest)
        merged[key] = replace(group, reason=reason, number=number + group.number, newest=max(newest, group.newest))
    return sorted(merged.values(), key=lambda group: -group.number)


def reason_words(reason: str, groups: Sequence[EventGroup]) -> str:
    """How many events of all groups there are for a reason."""
    return f"{counted(sum(group.number for group in groups), 'event')}: {printable(reason)}"


def event_group_words(group: EventGroup) -> str:
    """A group, without its reason."""
    course = "" if group.course_id is None else f" in course {printable(group.course_id)}"
    consumer = "" if group.consumer_key is None else f", consumer key {printable(group.consumer_key)}"
    return f"{group.number} {printable(group.type)}{course}{consumer} (newest {group.newest})"


def refusal_lines(refused: Mapping[str, Sequence[int]]) -> list[str]:
    """
    A line an event if these are few, else a line for all that are refused alike, the most first.

    *refused*: ids by reason.
    """
    if sum(map(len, refused.values())) <= FEW:
        return [
            f"event {event_id} stays in quarantine: {printable(reason)}"
            for reason, ids in refused.items()
            for event_id in ids
        ]
    alike: dict[str, list[int]] = {}
    for reason, ids in refused.items():
        alike.setdefault(without_quotes(reason), []).extend(ids)
    reasons = sorted(alike.items(), key=lambda item: -len(item[1]))
    lines = []
    for reason, ids in reasons[:MAX_REASONS]:
        stay = f"{len(ids)} events stay" if len(ids) > 1 else "1 event stays"
        lines.append(f"{stay} in quarantine, such as event {ids[0]}: {printable(reason)}")
    if len(reasons) > MAX_REASONS:
        left = sum(len(ids) for _, ids in reasons[MAX_REASONS:])
        lines.append(f"{left} more events stay for other reasons: see `passbackd quarantine list`")
    return lines

"""What operators did: an append-only record."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tortoise import fields
from tortoise.expressions import Q
from tortoise.models import Model
from tortoise.queryset import QuerySet

#: Characters of a system user, a host or a command.
MAX_WHO = 255
#: Actions among which those of one account are looked for at once: no index has them by account.
MAX_LOOKED_THROUGH = 10_000


class Action(Model):
    """A command that changed something. Rows are only added; a retirement takes the learner's id out of them."""

    id = fields.BigIntField(primary_key=True)
    # Milliseconds since 1970 by the database's clock.
    at = fields.BigIntField(db_index=True)
    # The system user, and before it the one who became it by sudo.
    account = fields.CharField(max_length=MAX_WHO)
    host = fields.CharField(max_length=MAX_WHO)
    command = fields.CharField(max_length=MAX_WHO)
    # What it was to change, and how many it changed: JSON objects without secrets.
    selection = fields.TextField()
    counts = fields.TextField()
    # The learner who was selected.
    user_id = fields.CharField(max_length=255, null=True, db_index=True)

    class Meta:
        table = "action"
        table_description = "What operators did"


async def record_action(
    command: str, selection: Mapping[str, Any], counts: Mapping[str, int], *, account: str, host: str, now: int
) -> int:
    """
    Record what a command did, in the caller's transaction if there is one. ``user`` of *selection* is a learner.

    Returns:
        The id under which it is on record.
    """
    chosen = {name: value for name, value in selection.items() if value not in (None, False) and name != "user"}
    recorded = await Action.create(
        at=now,
        account=account[:MAX_WHO],
        host=host[:MAX_WHO],
        command=command,
        selection=json.dumps(chosen, ensure_ascii=False),
        counts=json.dumps(dict(counts)),
        user_id=selection.get("user"),
    )
    return int(recorded.id)


async def forget_learner(user_id: str) -> None:
    """Take a learner out of the record; what was done stays."""
    await Action.filter(user_id=user_id).update(user_id=None)


async def actions(since_ms: int = 0) -> list[dict[str, Any]]:
    """
    What was done from *since_ms* on, the newest first.

    Returns:
        Of each ``at``, ``account``, ``host``, ``command``, ``selection`` and ``counts``.
    """
    return [_shown(row) for row in await Action.filter(at__gte=since_ms).order_by("-id")]


async def find_action(action_id: int) -> dict[str, Any] | None:
    """One of them, as :func:`actions` gives it; None if there is none of that id."""
    row = await Action.get_or_none(id=action_id)
    return None if row is None else _shown(row)


async def actions_about(assignment_id: int, course_id: str, *, most: int) -> list[dict[str, Any]]:
    """
    The newest actions about this assignment, as :func:`actions` gives them, among those of late.

    Those about several assignments of its course, which none of them names, are among them.
    """
    # An id is followed by a comma or a bracket: 5 is not 50.
    ends = [f'"assignment": {assignment_id}{end}' for end in ",}"]
    among = [f"{begin}{assignment_id}{end}" for begin in "[ " for end in ",]"]
    named = Q(*(Q(selection__contains=one) for one in ends), join_type="OR") | Q(
        Q(*(Q(selection__contains=one) for one in among), join_type="OR"), selection__contains='"assignments": ['
    )
    of_course = Q(
        ~Q(selection__contains='"assignment'),
        command="resend",
        selection__contains=f'"course": {json.dumps(course_id, ensure_ascii=False)}',
    )
    rows = await Action.filter(named | of_course, id__gte=await _floor(Action.all())).order_by("-id").limit(most)
    return [_shown(row) for row in rows]


@dataclass(frozen=True, slots=True)
class ActionPage:
    """*rows*: as :func:`actions` gives them. *older*: what continues with older ones; None if there are none."""

    rows: list[dict[str, Any]]
    older: int | None


async def action_page(*, account: str | None = None, before: int | None = None, most: int) -> ActionPage:
    """
    The newest actions, by their ids: *most* at most, among no more than :data:`MAX_LOOKED_THROUGH`.

    Args:
        account: Only those whose account has this at the start of a word.
        before: The ``older`` of the page before.
    """
    below = Action.all() if before is None else Action.filter(id__lt=before)
    floor = await _floor(below)
    wanted = (
        below.filter(id__gte=floor)
        if account is None
        else below.filter(Q(account__istartswith=account) | Q(account__icontains=f" {account}"), id__gte=floor)
    )
    rows = await wanted.order_by("-id").limit(most + 1)
    older = rows[most - 1].id if len(rows) > most else floor or None
    return ActionPage([_shown(row) for row in rows[:most]], older)


async def _floor(among: QuerySet[Action]) -> int:
    """The id from which on these are looked through; 0: all of them."""
    last = await among.order_by("-id").offset(MAX_LOOKED_THROUGH - 1).limit(1).values_list("id", flat=True)
    return int(str(last[0])) if last else 0


def _shown(row: Action) -> dict[str, Any]:
    return {
        "at": row.at,
        "account": row.account,
        "host": row.host,
        "command": row.command,
        "selection": {**json.loads(row.selection), **({"user": row.user_id} if row.user_id else {})},
        "counts": json.loads(row.counts),
    }

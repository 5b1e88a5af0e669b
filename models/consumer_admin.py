"""Adding, listing and removing campuses."""

from typing import Any

import asyncpg
from tortoise.transactions import in_transaction

from models import secrets
from models.campus import probe_now
from models.consumer import MAX_KEY, LtiConsumer
from models.db.sql import Statement


class ConsumerError(ValueError):
    """What was asked for cannot be done to this consumer; the message says why and what to do."""


class NameTakenError(ConsumerError):
    """Another consumer has this name; metrics and JSON know consumers by it."""


#: How often a statement that was picked out of a deadlock is tried again.
DEADLOCKS = 9

# Its grades may have waited for this: they start afresh. The dispatcher finds what is due.
_HURRY = Statement("""
    UPDATE graded_assignment SET attempts = 0, not_before = 0
    WHERE id IN (
        SELECT id FROM graded_assignment WHERE version_number > sent_version AND outcome_service_id IN (
            SELECT id FROM outcome_service WHERE lti_consumer_id = :consumer_id)
        ORDER BY id {for_update})
    RETURNING id""")

# What was refused for the campus's set-up alone may be accepted now. Any reviver bumps (rule 7).
_REVIVE = Statement("""
    UPDATE graded_assignment SET version_number = version_number + 1, due_at = :now, parked_at = NULL,
        parked_reason = NULL, parked_scope = NULL
    WHERE id IN (
        SELECT id FROM graded_assignment WHERE parked_scope = 'campus' AND outcome_service_id IN (
            SELECT id FROM outcome_service WHERE lti_consumer_id = :consumer_id)
        ORDER BY id {for_update})
    RETURNING id""")

_LIST = Statement("""
    SELECT consumer_name, consumer_key, instance_guid, paused_at, pending_secret, (
        SELECT COUNT(*) FROM graded_assignment
        JOIN outcome_service ON outcome_service.id = graded_assignment.outcome_service_id
        WHERE outcome_service.lti_consumer_id = lti_consumer.id) AS assignments
    FROM lti_consumer ORDER BY consumer_name""")

_LOCK = Statement("""
    SELECT id FROM graded_assignment WHERE outcome_service_id IN (
        SELECT id FROM outcome_service WHERE lti_consumer_id = :consumer_id)
    ORDER BY id {for_update}""")

_COUNT = Statement("""
    SELECT COUNT(*) AS number, COALESCE(SUM(CASE WHEN version_number > sent_version THEN 1 ELSE 0 END), 0) AS dirty
    FROM graded_assignment
    JOIN outcome_service ON outcome_service.id = graded_assignment.outcome_service_id
    WHERE outcome_service.lti_consumer_id = :consumer_id""")


async def add(name: str, key: str, secret: str, *, guid: str | None, now: int) -> bool:
    """
    Add a consumer; of a known key, change the name and the secret, and have what waited for that sent.

    Args:
        secret: As :mod:`models.encryption` seals it. It takes the place of a pending one too.
        now: Milliseconds since 1970 by the database's clock.

    Returns:
        Whether it is new.

    Raises:
        NameTakenError: Another key has this name.
    """
    known_id = await _add(name, key, secret, guid)
    if known_id is None:
        return True
    # Each for itself: whatever becomes of the others, the secret is changed.
    for statement, parameters in ((_REVIVE, {"now": now}), (_HURRY, {})):
        await _in_the_end(statement, consumer_id=known_id, **parameters)
    await probe_now(known_id, now=now)
    return False


async def pend(key: str, secret: str) -> None:
    """
    Keep a secret (as :mod:`models.encryption` seals it) for when the campus has changed its own.

    Raises:
        ConsumerError: There is no consumer with that key.
    """
    await secrets.pend((await known_consumer(key)).id, secret)


async def _add(name: str, key: str, secret: str, guid: str | None) -> int | None:
    """The id of the consumer that was changed; None for a new one."""
    async with in_transaction():
        other = await LtiConsumer.get_or_none(consumer_name=name)
        if other is not None and other.consumer_key != key:
            raise NameTakenError(
                f"{name!r} is the name of the consumer with the key {other.consumer_key!r}: choose another"
            )
        known = await LtiConsumer.get_or_none(consumer_key=key)
        if known is None:
            await LtiConsumer.create(
                consumer_name=name, consumer_key=key, consumer_secret=secret, instance_guid=guid or None
            )
            return None
        await LtiConsumer.filter(id=known.id).update(
            consumer_name=name,
            consumer_secret=secret,
            pending_secret=None,
            instance_guid=guid or known.instance_guid,
        )
        return int(known.id)


async def _in_the_end(statement: Statement, **parameters: Any) -> None:
    """Run what locks many rows; intake locks them in the order of its events, and may be the one that goes on."""
    for _ in range(DEADLOCKS):
        try:
            await statement.rows(**parameters)
        except (asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError):
            continue
        return
    await statement.rows(**parameters)


async def listing() -> list[dict[str, Any]]:
    """
    Every consumer: ``consumer`` (its name), ``key``, ``guid``, ``paused``, ``pending`` (whether it has such a secret),
    ``assignments`` (how many).
    """
    return [
        {
            "consumer": row["consumer_name"],
            "key": row["consumer_key"],
            "guid": row["instance_guid"],
            "paused": row["paused_at"] is not None,
            "pending": row["pending_secret"] is not None,
            "assignments": row["assignments"],
        }
        for row in await _LIST.rows()
    ]


async def pause(key: str, *, now: int) -> bool:
    """
    Let nothing go to this consumer's campuses until :func:`resume`; what is under way comes to its end.

    Returns:
        False if it was paused already.

    Raises:
        ConsumerError: There is none.
    """
    consumer = await known_consumer(key)
    return bool(await LtiConsumer.filter(id=consumer.id, paused_at__isnull=True).update(paused_at=now))


async def resume(key: str, *, now: int) -> bool:
    """
    Let its grades go again, at once; the dispatcher finds them.

    Returns:
        False if it was not paused.

    Raises:
        ConsumerError: There is none.
    """
    consumer = await known_consumer(key)
    changed = bool(await LtiConsumer.filter(id=consumer.id, paused_at__isnull=False).update(paused_at=None))
    await probe_now(consumer.id, now=now)
    return changed


async def remove(key: str) -> tuple[int, int]:
    """
    Remove a consumer with its services, assignments and ledger.

    Returns:
        How many assignments went, and how many of these had a grade that was not sent yet.

    Raises:
        ConsumerError: There is none.
    """
    async with in_transaction():
        consumer = await known_consumer(key)
        # As senders do, assignments first: a deadlock would end this command.
        await _LOCK.rows(consumer_id=consumer.id)
        count = await _COUNT.row(consumer_id=consumer.id)
        await LtiConsumer.filter(id=consumer.id).delete()
        return (0, 0) if count is None else (int(count["number"]), int(count["dirty"]))


async def known_consumer(key: str) -> LtiConsumer:
    """
    The consumer with that key.

    Raises:
        ConsumerError: There is none.
    """
    consumer = await LtiConsumer.get_or_none(consumer_key=key) if len(key) <= MAX_KEY else None
    if consumer is None:
        raise ConsumerError(f"there is no consumer with the key {key!r}: see `passbackd consumer list`")
    return consumer

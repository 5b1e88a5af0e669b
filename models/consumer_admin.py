"""Adding LTI 1.1 consumers; listing, pausing and removing campuses, over whichever version of LTI they are reached."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from tortoise.expressions import F
from tortoise.transactions import in_transaction

from models.assignment import GradedAssignment
from models.campus import probe_now
from models.changes import AFRESH_SET, UNPARK_SET
from models.consumer import MAX_GUID, LtiConsumer, find_consumer
from models.db.sql import Statement
from models.orphaned_claim import orphan_claims
from models.secrets import check_stored


class ConsumerError(ValueError):
    """This cannot be done to this consumer; the message says why and what to do."""


#: How often a statement that a deadlock ended is tried again.
MAX_RETRIES = 9


def _of_consumer(condition: str) -> str:
    """Selects a consumer's assignments and locks them in the order of their ids, as senders do."""
    return f"""SELECT id FROM graded_assignment WHERE {condition} AND outcome_service_id IN (
        SELECT id FROM outcome_service WHERE lti_consumer_id = :consumer_id)
        ORDER BY id {{for_update}}"""


_LOCK = Statement(_of_consumer("1 = 1"))

# What the campus refused for its set-up alone, or for a reason that may pass, may be accepted now.
_MAY_BE_ACCEPTED = "(parked_scope = 'campus' OR returns_at IS NOT NULL)"
_UNPARK = Statement(f"""
    UPDATE graded_assignment SET {UNPARK_SET} WHERE id IN ({_of_consumer(_MAY_BE_ACCEPTED)}) RETURNING id""")

_CLEAR_BACKOFF = Statement(f"""
    UPDATE graded_assignment SET {AFRESH_SET} WHERE id IN ({_of_consumer("version_number > sent_version")})
    RETURNING id""")

_LIST = Statement("""
    SELECT consumer_name AS consumer, consumer_key AS key, instance_guid AS guid, paused_at IS NOT NULL AS paused,
        pending_secret IS NOT NULL AS pending,
        CASE WHEN issuer IS NULL THEN 'lti-1.1' ELSE 'lti-1.3' END AS protocol,
        issuer, client_id, deployment_id, token_url, token_audience AS audience, product AS kind, (
            SELECT COUNT(*) FROM graded_assignment
            JOIN outcome_service ON outcome_service.id = graded_assignment.outcome_service_id
            WHERE outcome_service.lti_consumer_id = lti_consumer.id) AS assignments
    FROM lti_consumer ORDER BY consumer_name""")

_ORIGINS = Statement("""
    SELECT consumer_key AS key, origin FROM campus
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id ORDER BY campus.id""")


async def add(
    name: str,
    key: str,
    secret: str,
    *,
    guid: str | None,
    now: int,
    replace: bool = True,
    paused: bool = False,
    record: Callable[[], Awaitable[None]] | None = None,
) -> bool:
    """
    Add a consumer; of a known key, change the name and the secret, and have what waited for that sent.

    Args:
        secret: As :mod:`models.encryption` stores it. It replaces a pending one too.
        now: Milliseconds since 1970 by the database's clock.
        replace: Whether a known key may be changed.
        paused: Whether a new one gets nothing until it is resumed.
        record: Called at the end of the transaction that stores the secret.

    Returns:
        Whether it is new.

    Raises:
        ConsumerError: The key is known and may not be changed, or another key has this name; metrics and JSON know
            consumers by it.
        PlaintextRefusedError: The secret is not encrypted, and keys have been used.
    """
    paused_at = now if paused else None
    return await store_set_up(
        lambda: _add(name, key, secret, guid, replace=replace, paused_at=paused_at), record, now=now
    )


async def store_set_up(
    store: Callable[[], Awaitable[int | None]], record: Callable[[], Awaitable[None]] | None, *, now: int
) -> bool:
    """
    Store a campus's set-up and its record in one transaction, then send what waited for the set-up.

    Args:
        store: Stores it, and returns the id of the consumer if it was known; None if it is new.
        record: Called at the end of the transaction.
        now: Milliseconds since 1970 by the database's clock.

    Returns:
        Whether it is new.
    """
    async with in_transaction():
        known_id = await store()
        if record is not None:
            await record()
    if known_id is None:
        return True
    await send_what_waited(known_id, now=now)
    return False


async def send_what_waited(consumer_id: int, *, now: int) -> None:
    """After a change of a campus's set-up: unpark what it refused for that, end backoff, and probe it at once."""
    await _retry_deadlocks(_UNPARK, consumer_id=consumer_id, now=now)
    await _retry_deadlocks(_CLEAR_BACKOFF, consumer_id=consumer_id)
    await probe_now(consumer_id, now=now)


async def check_name(name: str, key: str, *, such_as: str = "") -> None:
    """
    Raise a :class:`ConsumerError` if another key has this name; metrics and JSON know consumers by it.

    *such_as*: a name to choose instead.
    """
    other = await LtiConsumer.get_or_none(consumer_name=name)
    if other is not None and other.consumer_key != key:
        example = f", such as {such_as!r}" if such_as else ""
        raise ConsumerError(
            f"{name!r} is the name of the consumer with the key {other.consumer_key!r}: choose another{example}"
        )


async def _add(
    name: str, key: str, secret: str, guid: str | None, *, replace: bool, paused_at: int | None
) -> int | None:
    """The id of the consumer that was changed; None for a new one."""
    await check_stored(secret)
    await check_name(name, key)
    columns: dict[str, Any] = {"consumer_name": name, "consumer_secret": secret, "pending_secret": None}
    if guid:
        columns["instance_guid"] = guid[:MAX_GUID]
    known = await LtiConsumer.get_or_none(consumer_key=key)
    if known is None:
        await LtiConsumer.create(consumer_key=key, paused_at=paused_at, **columns)
        return None
    _check_version(known)
    if not replace:
        raise ConsumerError(
            f"the key {key!r} is that of {known.consumer_name!r} already: nothing was changed; "
            "--replace changes its secret at once, --pending once the campus accepts the new one"
        )
    await LtiConsumer.filter(id=known.id).update(**columns)
    return int(known.id)


async def _retry_deadlocks(statement: Statement, **parameters: Any) -> None:
    """Run a statement that locks many rows; intake locks them in another order."""
    for _ in range(MAX_RETRIES):
        try:
            await statement.rows(**parameters)
        except (asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError):
            continue
        return
    await statement.rows(**parameters)


async def pend(key: str, secret: str, *, now: int) -> None:
    """
    Keep a secret beside the present one until the campus has accepted it; as :func:`add`.

    A campus that is down may have changed its own already, and is probed at once.
    """
    async with in_transaction():
        await check_stored(secret)
        consumer = _check_version(await known_consumer(key))
        await LtiConsumer.filter(id=consumer.id).update(pending_secret=secret)
    await probe_now(consumer.id, now=now)


async def listing() -> list[dict[str, Any]]:
    """
    Every consumer and platform: ``consumer`` (its name), ``key``, ``protocol`` ("lti-1.1", "lti-1.3"), ``paused``,
    ``assignments`` (how many), ``origins`` (from where it was launched, the newest last); of LTI 1.1 ``guid`` and
    ``pending`` (whether it has such a secret); of LTI 1.3 ``issuer``, ``client_id``, ``deployment_id``, ``token_url``,
    ``audience`` (None: the token URL) and ``kind`` (the product, if it is known).
    """
    origins: dict[str, list[str]] = {}
    for row in await _ORIGINS.rows():
        origins.setdefault(row["key"], []).append(row["origin"])
    return [
        {**row, "paused": bool(row["paused"]), "pending": bool(row["pending"]), "origins": origins.get(row["key"], [])}
        for row in await _LIST.rows()
    ]


async def set_guid(key: str, guid: str) -> bool:
    """
    Record of which instance of the LMS launches are taken; False if it is that one already.

    Args:
        guid: Its ``tool_consumer_instance_guid``, or :data:`models.consumer.ANY_INSTANCE`.
    """
    consumer = _check_version(await known_consumer(key))
    if consumer.instance_guid == guid[:MAX_GUID]:
        return False
    return bool(await LtiConsumer.filter(id=consumer.id).update(instance_guid=guid[:MAX_GUID]))


async def pause(key: str, *, now: int) -> bool:
    """Send nothing to this consumer until :func:`resume`; attempts under way go on. False if it was paused already."""
    consumer = await known_consumer(key)
    return bool(await LtiConsumer.filter(id=consumer.id, paused_at__isnull=True).update(paused_at=now))


async def resume(key: str, *, now: int) -> bool:
    """Send its grades again, from the next dispatch on. False if it was not paused."""
    consumer = await known_consumer(key)
    changed = bool(await LtiConsumer.filter(id=consumer.id, paused_at__isnull=False).update(paused_at=None))
    await probe_now(consumer.id, now=now)
    return changed


async def remove(key: str, *, now: int) -> tuple[int, int]:
    """
    Remove a consumer with its services, assignments and delivery records.

    Args:
        now: Milliseconds since 1970 by the database's clock.

    Returns:
        How many assignments it had, and how many of these had a grade that was not sent yet.
    """
    async with in_transaction():
        consumer = await known_consumer(key)
        # Assignments first, as senders do: a deadlock would end this command.
        locked = await _LOCK.rows(consumer_id=consumer.id)
        await orphan_claims([row["id"] for row in locked], now=now)
        assignments = GradedAssignment.filter(outcome_service__lti_consumer_id=consumer.id)
        dirty = await assignments.filter(version_number__gt=F("sent_version")).count()
        await LtiConsumer.filter(id=consumer.id).delete()
        return len(locked), dirty


def _check_version(consumer: LtiConsumer) -> LtiConsumer:
    """What changes an LTI 1.1 consumer alone has nothing to change in a platform of LTI 1.3."""
    if consumer.issuer is not None:
        raise ConsumerError(
            f"the key {consumer.consumer_key!r} is that of {consumer.consumer_name!r}, an LTI 1.3 platform, which has "
            "neither secret nor guid: `passbackd platform add --replace` changes it"
        )
    return consumer


async def known_consumer(key: str) -> LtiConsumer:
    """The consumer with that key, or a :class:`ConsumerError`, as in all functions here that take a key."""
    consumer = await find_consumer(key)
    if consumer is None:
        raise ConsumerError(
            f"there is no consumer with the key {key!r}, and no platform: see `passbackd consumer list`, "
            "`passbackd platform list`"
        )
    return consumer

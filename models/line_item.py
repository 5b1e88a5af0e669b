"""
Line items that are to be found or made: who looks for one, and what becomes of the assignments of its link.

A launch over LTI 1.3 may name the container of a course's line items alone. A line item that is made twice is there
twice (Moodle, Open edX), so that one daemon at a time looks for that of a link, by a lease in SQL that covers whatever
it may have sent. Times are milliseconds since 1970 by :mod:`models.db.clock`.
"""

import json
from dataclasses import dataclass

from tortoise.transactions import in_transaction

from models.assignment import GradedAssignment
from models.campus import OutcomeService, ensure_campus
from models.consumer import digest, origin
from models.db.sql import Statement, storable
from models.registration import move_to
from models.stream_position import lock_position

#: Characters of an error that are kept.
MAX_ERROR = 500


@dataclass(frozen=True, slots=True)
class WantedLineItem:
    """
    The right to look for a link's line item, and to make it, until the lease ends.

    *service_id*: of the :class:`models.campus.OutcomeService` that wants it. *token*: of the lease. *began*: seconds by
    the monotonic clock, before the lease began. *container*: ``lineitems`` of the launch. *offered*: scopes, separated
    by blanks; None: not said. *failures*: looks before this one that failed. *corrected_at*: as
    :class:`models.consumer.LtiConsumer` has it. *resource_link_id*: the platform's id of the link, if the launch said.
    *resource_id*: the tool's id of the activity. *label*: what a column that is made is called.
    """

    service_id: int
    token: int
    began: float
    container: str
    consumer_id: int
    consumer_key: str
    consumer_name: str
    corrected_at: int
    campus_id: int
    offered: str | None
    failures: int
    resource_link_id: str | None
    resource_id: str
    label: str


# Where a learner's assignment is registered and not disabled; a few of each campus over all daemons, and one at a time
# while it is down, those that waited longest first.
_CLAIM = Statement("""
    WITH wanted AS MATERIALIZED (
        SELECT outcome_service.id AS id, tripped_at, outcome_service.campus_id AS campus_id, ROW_NUMBER() OVER (
            PARTITION BY outcome_service.campus_id ORDER BY look_at, outcome_service.id) AS place
        FROM outcome_service
        JOIN campus ON campus.id = outcome_service.campus_id
        JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
        WHERE wanted_for IS NOT NULL AND found_id IS NULL AND look_at <= :now AND creator_until <= :now
            AND paused_at IS NULL AND blocked_until <= :now AND EXISTS (
                SELECT 1 FROM graded_assignment
                WHERE outcome_service_id = outcome_service.id AND disabled_at IS NULL)),
    looked_for AS MATERIALIZED (
        SELECT campus_id, COUNT(*) AS number FROM outcome_service
        WHERE wanted_for IS NOT NULL AND found_id IS NULL AND creator_until > :now GROUP BY campus_id),
    first AS MATERIALIZED (
        SELECT id FROM wanted LEFT JOIN looked_for ON looked_for.campus_id = wanted.campus_id
        WHERE place <= CASE WHEN tripped_at IS NULL THEN CAST(:each AS BIGINT) ELSE 1 END - COALESCE(number, 0)
        ORDER BY place, id LIMIT :most),
    locked AS MATERIALIZED (
        SELECT id FROM outcome_service WHERE id IN (SELECT id FROM first)
            AND found_id IS NULL AND creator_until <= :now
        ORDER BY id {lock_free:outcome_service})
    UPDATE outcome_service SET creator_token = {random}, creator_until = :until
    WHERE id IN (SELECT id FROM locked)
    RETURNING id, creator_token, lis_outcome_service_url, campus_id, lti_consumer_id, offered, look_failures,
        wanted_for,
        (SELECT consumer_key FROM lti_consumer WHERE lti_consumer.id = lti_consumer_id) AS consumer_key,
        (SELECT consumer_name FROM lti_consumer WHERE lti_consumer.id = lti_consumer_id) AS consumer_name,
        (SELECT corrected_at FROM lti_consumer WHERE lti_consumer.id = lti_consumer_id) AS corrected_at""")
_FAILED = Statement("""
    UPDATE outcome_service SET creator_until = 0, look_failures = look_failures + 1, look_error = :error,
        look_at = :look_at
    WHERE id = :service_id AND creator_token = :token RETURNING id""")


#: Looks that failed, one after the other, from which people are shown a link: what passes has passed by then.
SHOWN_FAILURES = 5
_MISSING = Statement("""
    SELECT consumer_name AS consumer, COUNT(*) AS number, MAX(look_error) AS reason
    FROM outcome_service JOIN lti_consumer ON lti_consumer.id = outcome_service.lti_consumer_id
    WHERE wanted_for IS NOT NULL AND found_id IS NULL AND look_failures >= :failures AND paused_at IS NULL AND EXISTS (
        SELECT 1 FROM graded_assignment WHERE outcome_service_id = outcome_service.id AND disabled_at IS NULL)
    GROUP BY 1 ORDER BY 1""")


@dataclass(frozen=True, slots=True)
class MissingLineItems:
    """How many links of a consumer have no line item after :data:`SHOWN_FAILURES` looks, and one reason why."""

    consumer: str
    number: int
    reason: str


async def missing_line_items() -> list[MissingLineItems]:
    """By consumer, without those that are paused; reads only."""
    return [MissingLineItems(**row) for row in await _MISSING.rows(failures=SHOWN_FAILURES)]


async def claim_wanted(*, now: int, began: float, lease_ms: int, most: int, each: int) -> list[WantedLineItem]:
    """
    Begin to look for line items of links, those first that have waited longest.

    Args:
        began: Seconds by the monotonic clock, taken before the call.
        lease_ms: Milliseconds after which no request of a look can land any more.
        most: Looks that begin, at most.
        each: Looks at one campus at a time over all daemons, at most; it is one while the campus is down.
    """
    rows = await _CLAIM.rows(now=now, until=now + lease_ms, most=most, each=each)
    return [
        WantedLineItem(
            service_id=row["id"],
            token=row["creator_token"],
            began=began,
            container=row["lis_outcome_service_url"],
            consumer_id=row["lti_consumer_id"],
            consumer_key=row["consumer_key"],
            consumer_name=row["consumer_name"],
            corrected_at=row["corrected_at"],
            campus_id=row["campus_id"],
            offered=row["offered"],
            failures=row["look_failures"],
            **json.loads(row["wanted_for"]),
        )
        for row in rows
    ]


async def look_failed(wanted: WantedLineItem, error: str, *, look_at: int) -> None:
    """
    No line item is known yet; the next look begins at *look_at*, milliseconds since 1970.

    That must be after whatever this look sent has landed. Nothing happens if the lease was another's since.
    """
    await _FAILED.rows(
        service_id=wanted.service_id, token=wanted.token, error=storable(error, MAX_ERROR), look_at=look_at
    )


async def line_item_found(wanted: WantedLineItem, url: str, *, now: int) -> list[int]:
    """
    Move the assignments of a link to its line item, from where they are sent at once.

    Returns:
        The ids of the assignments that are there now; none if the lease was another's since.
    """
    async with in_transaction():
        await lock_position()
        service = await OutcomeService.get_or_none(
            id=wanted.service_id, creator_token=wanted.token, found_id=None
        ).prefetch_related("lti_consumer")
        if service is None:
            return []
        campus_id = await ensure_campus(wanted.consumer_id, origin(url))
        target, _ = await OutcomeService.get_or_create(
            {
                "lis_outcome_service_url": url,
                "campus_id": campus_id,
                "offered": service.offered,
                "offered_us": service.offered_us,
                "deployment_id": service.deployment_id,
            },
            lti_consumer=service.lti_consumer,
            url_digest=digest(url),
        )
        known = {"found_id": target.id, "creator_until": 0, "look_failures": 0, "look_error": None}
        await OutcomeService.filter(id=service.id).update(**known)
        rows = await GradedAssignment.filter(outcome_service_id=service.id).order_by("id")
        return [await move_to(row, target, now=now) for row in rows]


async def used_instead(wanted: WantedLineItem, url: str) -> str | None:
    """The address of the line item that a link has; None if it has none yet, or this one."""
    service = await OutcomeService.get_or_none(id=wanted.service_id, found_id__isnull=False)
    found = None if service is None else await OutcomeService.get_or_none(id=service.found_id)
    return None if found is None or found.lis_outcome_service_url == url else found.lis_outcome_service_url

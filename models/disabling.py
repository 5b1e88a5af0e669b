"""Disabling ends assignments until a newer launch. Runs within intake's transaction."""

from collections.abc import Sequence

from models.assignment import GradedAssignment
from models.campus import OutcomeService
from models.consumer import digest
from models.destination import consumer_named, platform_named
from models.launch import EventResult, RegistrationError
from models.moment import Moment


async def disable(consumer_key: str, lis_result_sourcedid: str, *, moment: Moment, now: int) -> EventResult:
    """Send no grades of a sourcedid until a newer launch; raises RegistrationError if it or the consumer is unknown."""
    consumer = await consumer_named(consumer_key)
    rows = await GradedAssignment.filter(
        outcome_service__lti_consumer_id=consumer.id, sourcedid_digest=digest(lis_result_sourcedid)
    ).order_by("id")
    if not rows:
        raise RegistrationError("no launch of this consumer registered this sourcedid, so there is nothing to disable")
    return await _disable(rows, moment, now)


async def disable_line_item(
    issuer: str, client_id: str, lineitem: str, lti_user_id: str, *, moment: Moment, now: int
) -> EventResult:
    """As :func:`disable`, of one learner in one line item of an LTI 1.3 platform."""
    platform = await platform_named(issuer, client_id)
    rows = await GradedAssignment.filter(
        outcome_service__lti_consumer_id=platform.id,
        outcome_service__url_digest=digest(lineitem),
        sourcedid_digest=digest(lti_user_id),
    )
    return await _disable_found(rows, moment, now)


async def disable_link(
    issuer: str, client_id: str, lineitems: str, resource_link_id: str, lti_user_id: str, *, moment: Moment, now: int
) -> EventResult:
    """
    As :func:`disable_line_item`, of a link whose launch named the container alone: wherever the learner has it.

    That may be a line item that was found before the present one, if the learner has not launched since. Ids of links
    are of one deployment (LTI 1.3, 5.3.5), which the event does not name: an equal one of another deployment is
    disabled too.
    """
    platform = await platform_named(issuer, client_id)
    is_known = await OutcomeService.exists(
        lti_consumer_id=platform.id, lis_outcome_service_url=lineitems, wanted_for__isnull=False
    )
    rows = await GradedAssignment.filter(
        outcome_service__lti_consumer_id=platform.id,
        sourcedid_digest=digest(lti_user_id),
        resource_link_id=resource_link_id,
    ).order_by("id")
    return await _disable_found(rows if is_known else [], moment, now)


async def _disable_found(rows: Sequence[GradedAssignment], moment: Moment, now: int) -> EventResult:
    if not rows:
        raise RegistrationError(
            "no launch of this platform registered this learner for this line item, so there is nothing to disable"
        )
    return await _disable(rows, moment, now)


async def _disable(rows: Sequence[GradedAssignment], moment: Moment, now: int) -> EventResult:
    fresh = [row for row in rows if row.registered <= moment]
    if not fresh:
        return "stale"
    enabled = [row.id for row in fresh if row.disabled_at is None]
    await GradedAssignment.filter(id__in=[row.id for row in fresh]).update(
        registered_us=moment.modified_us, registered_place=moment.place
    )
    await GradedAssignment.filter(id__in=enabled).update(disabled_at=now)
    return "applied" if enabled else "unchanged"

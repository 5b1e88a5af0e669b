"""Where an assignment's grade goes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.db.sql import Statement


@dataclass(frozen=True, slots=True)
class Address:
    """Where an assignment's grade goes, and with which credentials."""

    outcome_service_id: int
    url: str
    campus_id: int
    #: Scheme, host and port.
    origin: str
    consumer_name: str
    consumer_key: str
    #: As :mod:`models.encryption` stores it.
    consumer_secret: str = field(repr=False)
    #: What the secret will be once the campus has changed its own, stored likewise; None if none is announced.
    pending_secret: str | None = field(default=None, repr=False)
    consumer_id: int = 0
    #: What the platform calls itself; None: the consumer speaks LTI 1.1.
    issuer: str | None = None
    #: The kind of LMS, if it is known.
    product: str | None = None
    #: What launches offered, separated by blanks; None: they did not say.
    offered: str | None = None
    #: The link whose line item is not known yet: nothing can be sent.
    wanted_for: str | None = None
    #: Seconds that the campus's clock is ahead of ours, if it is two or more.
    clock_offset: int = 0

    def offers(self, what: str) -> bool:
        """Whether launches offered this scope, or extension."""
        return what in (self.offered or "").split()


_ADDRESSES = Statement(
    """
    SELECT given.outcome_service_id AS outcome_service_id, given.campus_id AS campus_id, lis_outcome_service_url AS url,
        offered, wanted_for, origin, clock_offset, tripped_at, slow, lti_consumer.id AS consumer_id, issuer, product,
        consumer_name, consumer_key, consumer_secret, pending_secret
    FROM {given}
    JOIN outcome_service ON outcome_service.id = given.outcome_service_id
    JOIN campus ON campus.id = given.campus_id
    JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id""",
    given="outcome_service_id BIGINT, campus_id BIGINT",
)


@dataclass(frozen=True, slots=True)
class ClaimedCampus:
    """
    Where claimed assignments go, and the state of the campus there.

    *tripped_at*: when its breaker tripped, milliseconds since 1970; None while it is closed. *slow*: whether it is
    known to answer late.
    """

    address: Address
    tripped_at: int | None
    slow: bool


async def read_claimed_campuses(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[int, int], ClaimedCampus]:
    """
    Of assignments that are locked in this transaction, by ``outcome_service_id`` and ``campus_id``.

    Many assignments have the same: each is read once.
    """
    places = {(row["outcome_service_id"], row["campus_id"]) for row in rows}
    given = [{"outcome_service_id": service_id, "campus_id": campus_id} for service_id, campus_id in sorted(places)]
    return {
        (row["outcome_service_id"], row["campus_id"]): _as_campus(row) for row in await _ADDRESSES.rows(given=given)
    }


def _as_campus(row: dict[str, Any]) -> ClaimedCampus:
    tripped_at, slow = row.pop("tripped_at"), bool(row.pop("slow"))
    return ClaimedCampus(Address(**row), tripped_at, slow)

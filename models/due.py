"""
Which assignments may be claimed now: campuses with due rows and free slots, and their oldest due rows.

Only reads, and locks nothing: what is picked may be claimed by another daemon a moment later.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from models.assignment import DUE, RETRIED, Kind, row_kind
from models.campus import IN_FLIGHT, LIMIT, SLOW_MS
from models.db.sql import Statement
from models.states import READY_AT


@dataclass(frozen=True, slots=True)
class Capacity:
    """A campus that has due rows and may have requests. *free*: slots, less than 1 if all are taken."""

    campus_id: int
    free: int
    in_flight: int
    #: Whether it answers slowly, or has not answered a running request for longer than that.
    slow: bool
    #: Failed probes; None while the breaker is closed.
    trips: int | None
    #: The consumer, if it is an LTI 1.3 platform, which takes no grade without an access token.
    platform_id: int | None = None
    #: When an operator last corrected the consumer, milliseconds since 1970; 0: never.
    corrected_at: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """
    How many rows of a campus to pick.

    *remainder*: only ids with this remainder of the number of partitions. *newest*: its newest row, of those that were
    not tried yet, in place of the oldest.
    """

    campus_id: int
    number: int
    remainder: int | None = None
    newest: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """An assignment that is due."""

    assignment_id: int
    campus_id: int
    kind: Kind


# LIMIT keeps PostgreSQL from reading all due rows of all campuses for a hash table.
_CAPACITY = Statement(f"""
    SELECT campus_id, slots - in_flight AS free, in_flight, slow, trips, platform_id, corrected_at FROM (
        SELECT campus.id AS campus_id, {LIMIT} AS slots, {IN_FLIGHT} AS in_flight,
            CASE WHEN campus.slow OR EXISTS (
                SELECT 1 FROM graded_assignment AS running WHERE running.campus_id = campus.id
                    AND running.claimed_until IS NOT NULL AND running.claimed_at < :now - {SLOW_MS}
            ) THEN 1 ELSE 0 END AS slow,
            CASE WHEN campus.tripped_at IS NULL THEN NULL ELSE campus.trips END AS trips,
            CASE WHEN issuer IS NULL THEN NULL ELSE lti_consumer.id END AS platform_id,
            lti_consumer.corrected_at AS corrected_at
        FROM campus JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id
        WHERE {LIMIT} > 0 AND COALESCE(
            (SELECT 1 FROM graded_assignment WHERE campus_id = campus.id AND {RETRIED} = 0 AND {DUE} LIMIT 1),
            (SELECT 1 FROM graded_assignment WHERE campus_id = campus.id AND {RETRIED} = 1 AND {DUE} LIMIT 1)) = 1
    ) AS campuses""")

# Fresh and retried rows of a campus in turn, so that neither waits for the other's end; a row that was not tried since
# the breaker tripped is fresh. Each part reads its first rows from the index of due rows, once for all shares of a
# campus.
_RANKED = """
    SELECT id, campus_id, composite, place FROM (
        SELECT id, campus_id, composite, number, ROW_NUMBER() OVER (
            PARTITION BY campus_id, remainder ORDER BY turn, retried) AS place
        FROM (
            SELECT id, oldest.campus_id AS campus_id, composite, number, remainder, retried, ROW_NUMBER() OVER (
                PARTITION BY oldest.campus_id, remainder, retried ORDER BY ready_at) AS turn
            FROM ({oldest}) AS oldest JOIN given ON given.campus_id = oldest.campus_id
                AND (remainder IS NULL OR id % :partitions = remainder)
        ) AS in_turn
    ) AS ranked WHERE place <= number ORDER BY place"""

_ROW = f"id, composite, {READY_AT} AS ready_at"
_SHARED = "(SELECT DISTINCT campus_id, newest FROM given) AS shared"


def _first_of(condition: str, order: str, limit: str) -> str:
    return f"""FROM graded_assignment
        WHERE campus_id = shared.campus_id AND {condition} AND {DUE} ORDER BY {READY_AT} {order} LIMIT {limit}"""


_PARTS = (
    ("shared.newest = 0", f"{RETRIED} = 0", "ASC", "CAST(:look AS BIGINT)", 0),
    ("shared.newest = 1", f"{RETRIED} = 0", "DESC", "1", 0),
    ("1 = 1", f"{RETRIED} = 1", "ASC", "CAST(:look AS BIGINT)", 1),
)

_LATERAL = " UNION ALL ".join(
    f"""(SELECT due.id AS id, shared.campus_id AS campus_id, composite, {retried} AS retried, ready_at
        FROM {_SHARED} CROSS JOIN LATERAL (SELECT {_ROW} {_first_of(condition, order, limit)}) AS due WHERE {when})"""
    for when, condition, order, limit, retried in _PARTS
)
# SQLite knows no LATERAL, but looks up rows by the result of a subquery for each given row.
_BY_ROWID = " UNION ALL ".join(
    f"""SELECT due.id AS id, shared.campus_id AS campus_id, composite, {retried} AS retried, {READY_AT} AS ready_at
        FROM {_SHARED} CROSS JOIN graded_assignment AS due
        WHERE {when} AND due.id IN (SELECT id {_first_of(condition, order, limit)})"""
    for when, condition, order, limit, retried in _PARTS
)

#: A query over ``given`` (:data:`SHARES`) for the rows to pick, each with its ``place`` in the order of its share.
PICKED = _RANKED.format(oldest=_LATERAL)
PICKED_SQLITE = _RANKED.format(oldest=_BY_ROWID)
SHARES = "campus_id BIGINT, number BIGINT, remainder BIGINT, newest INT"

_PICK = Statement(
    f"WITH given AS (SELECT * FROM {{given}}) {PICKED}",
    sqlite=f"WITH given AS (SELECT * FROM {{given}}) {PICKED_SQLITE}",
    given=SHARES,
)

#: To find one row of a partition among the first due rows of a campus: so many are read for each, and so many in all.
#: Ids are spread evenly, so that more would hardly ever find one more.
_LOOK_FACTOR, _LOOK_MORE = 4, 16


async def read_capacity(*, now: int, max_per_campus: int) -> list[Capacity]:
    """The campuses with due rows that may have requests now. *now*: milliseconds since 1970."""
    return [
        Capacity(
            row["campus_id"],
            int(row["free"]),
            int(row["in_flight"]),
            bool(row["slow"]),
            row["trips"],
            row["platform_id"],
            row["corrected_at"],
        )
        for row in await _CAPACITY.rows(now=now, max_per_campus=max_per_campus)
    ]


def look_at(shares: Sequence[Share], partitions: int) -> int:
    """How many of the first due rows of each campus are looked at."""
    most = max(share.number for share in shares)
    within = any(share.remainder is not None for share in shares)
    return most * partitions * _LOOK_FACTOR + _LOOK_MORE if within else most


def as_given(shares: Sequence[Share]) -> list[dict[str, int | None]]:
    """The rows of :data:`SHARES`."""
    return [asdict(share) | {"newest": int(share.newest)} for share in shares]


async def pick(shares: Sequence[Share], *, now: int, partitions: int = 1) -> list[Due]:
    """The rows that have been due longest at each campus; fresh and retried ones in turn."""
    if not shares:
        return []
    rows = await _PICK.rows(given=as_given(shares), now=now, look=look_at(shares, partitions), partitions=partitions)
    return [Due(row["id"], row["campus_id"], row_kind(row)) for row in rows]

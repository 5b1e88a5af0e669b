"""
A campus: one consumer at one origin, and how many requests it may have at once.

LMSs meter a tool over all its URLs, so that the limit and the breaker belong to the pair. A claim is the record of a
request under way: the limit over all daemons is a count of claims (:mod:`models.claims`). Times are milliseconds since
1970 by :mod:`models.db.clock`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from tortoise import fields
from tortoise.models import Model

from models.consumer import MAX_ORIGIN, LtiConsumer
from models.db.sql import Statement, storable
from models.states import CAMPUS_STATE, CampusState
from models.value_class import value_class

#: Milliseconds between two probes, at least, also when a launch asks for one: at most four requests a minute.
MIN_PROBE_PAUSE_MS = 15_000

#: Milliseconds. A campus that takes longer for a request is slow; slow ones share half of a daemon's connections.
SLOW_MS = 1_000

#: Characters of the last error that are kept.
_MAX_ERROR = 2000


class Campus(Model):
    """One consumer at one origin; made by the first launch from there."""

    id = fields.BigIntField(primary_key=True)
    lti_consumer: fields.ForeignKeyRelation[LtiConsumer] = fields.ForeignKeyField(
        "models.LtiConsumer", related_name="campuses", on_delete=fields.CASCADE
    )
    # Scheme, host and port.
    origin = fields.CharField(max_length=MAX_ORIGIN)
    # When the breaker tripped; null while it is closed.
    tripped_at = fields.BigIntField(null=True)
    # No request before this: the breaker's pause, or what a throttling campus asked for.
    blocked_until = fields.BigIntField(default=0)
    # Failed probes, or throttled answers, one after the other; the pause grows with them.
    trips = fields.IntField(default=0)
    # When it last asked for fewer requests; null once it has its whole limit again.
    throttled_at = fields.BigIntField(null=True)
    # The limit while it is below ``outcomes.max_per_campus``; null: that.
    max_in_flight = fields.IntField(null=True)
    # Successes since that limit last grew.
    successes = fields.IntField(default=0)
    # When its first answer came; null: it never answered.
    answered_at = fields.BigIntField(null=True)
    slow = fields.BooleanField(db_default=False)
    # The assignment whose failure was the last signal, or, negative, the outcome service; null after a success.
    last_failed_assignment = fields.BigIntField(null=True)
    # The LMS's message, or the network's error.
    last_error = fields.TextField(null=True)
    last_error_at = fields.BigIntField(null=True)
    # The assignment for which it was said: it may name the learner.
    last_error_of = fields.BigIntField(null=True)
    # Seconds that its clock is ahead of the database's, by its last answer; 0 where they are less than two apart.
    clock_offset = fields.BigIntField(db_default=0)
    # ``passbackd reconcile`` reads there until then: senders leave it one slot.
    reading_until = fields.BigIntField(default=0)

    lti_consumer_id: int

    class Meta:
        table = "campus"
        table_description = "Consumers at their origins"
        unique_together = (("lti_consumer", "origin"),)


class OutcomeService(Model):
    """
    One ``lis_outcome_service_url``, or one line item's URL, of one consumer; the same URL may serve two consumers.

    A link that a launch gave no line item has the URL of the container in which one is to be found or made
    (:mod:`models.line_item`), and its own *wanted_for*; its assignments move to the line item once that is known.
    """

    id = fields.BigIntField(primary_key=True)
    lti_consumer: fields.ForeignKeyRelation[LtiConsumer] = fields.ForeignKeyField(
        "models.LtiConsumer", related_name="services", on_delete=fields.CASCADE
    )
    lis_outcome_service_url = fields.TextField()
    url_digest = fields.CharField(max_length=64)
    # The consumer at the URL's origin.
    campus: fields.ForeignKeyRelation[Campus] = fields.ForeignKeyField(
        "models.Campus", related_name="services", on_delete=fields.CASCADE
    )
    # What launches offered, separated by blanks: the scopes of LTI 1.3, the extensions of LTI 1.1; null: they did not
    # say.
    offered = fields.TextField(null=True)
    # When the newest launch that said so was made, microseconds since 1970: one that is older says nothing any more.
    offered_us = fields.BigIntField(db_default=0)
    # The deployment of LTI 1.3, if the launch said.
    deployment_id = fields.CharField(max_length=255, null=True)
    # The link whose line item is not known yet, as JSON; null: the URL is that of a line item, or of LTI 1.1.
    wanted_for = fields.TextField(null=True)
    # The service of the line item that was found or made for it: launches of the link belong there; null: not yet.
    found_id = fields.BigIntField(null=True)
    # Who looks for it, or makes it, until then: one at a time.
    creator_token = fields.BigIntField(null=True)
    creator_until = fields.BigIntField(db_default=0)
    # No look before this, how often it failed, and why the last time.
    look_at = fields.BigIntField(db_default=0)
    look_failures = fields.IntField(db_default=0)
    look_error = fields.TextField(null=True)
    # When it last took a grade, to the minute; null: never.
    accepted_at = fields.BigIntField(null=True)
    # Since then: when the LMS first refused the address itself (models.address); null: it did not.
    refused_at = fields.BigIntField(null=True)

    lti_consumer_id: int
    campus_id: int

    class Meta:
        table = "outcome_service"
        table_description = "Where campuses take grades"
        unique_together = (("lti_consumer", "url_digest"),)


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is stored of a campus's breaker and throttling; the columns of the same names."""

    campus_id: int
    tripped_at: int | None = None
    blocked_until: int = 0
    trips: int = 0
    throttled_at: int | None = None
    max_in_flight: int | None = None
    successes: int = 0
    answered_at: int | None = None
    slow: bool = False
    last_failed_assignment: int | None = None
    last_error: str | None = None
    last_error_at: int | None = None
    last_error_of: int | None = None
    clock_offset: int = 0


@value_class()
class Signal:
    """What an attempt says about its whole campus."""

    kind: Literal["success", "failure", "throttled", "neutral"]
    campus_id: int
    assignment_id: int
    #: When the attempt was claimed, milliseconds since 1970.
    claimed_at: int
    #: When the breaker had tripped as it was claimed; None: it was closed, and this was no probe.
    tripped_at: int | None = None
    #: How long the request took, in milliseconds; None if none ended.
    duration_ms: int | None = None
    #: Whether an answer came.
    answered: bool = False
    #: Seconds without requests that the campus asked for.
    after: float | None = None
    #: The LMS's message or the network's error; empty if there was none.
    error: str = ""
    #: The outcome service, where a failure may be that of its address alone.
    outcome_service_id: int | None = None
    #: Seconds that the campus's clock is ahead of ours, where that is other than what is stored; None: it is not.
    clock_offset: int | None = None

    @property
    def culprit(self) -> int:
        """Whose own failure it may be: the assignment, or, as a negative number, the outcome service."""
        return self.assignment_id if self.outcome_service_id is None else -self.outcome_service_id


# As SQL over `campus` and `lti_consumer`. The limit of a campus over all daemons: 0 while it may have no request, 1
# for a probe and for the first contact. `:max_per_campus` is the operator's.
_LIMIT = """CASE
    WHEN lti_consumer.paused_at IS NOT NULL OR campus.blocked_until > :now THEN 0
    WHEN campus.tripped_at IS NOT NULL OR campus.answered_at IS NULL THEN 1
    WHEN campus.max_in_flight IS NULL OR campus.max_in_flight > :max_per_campus THEN CAST(:max_per_campus AS BIGINT)
    ELSE campus.max_in_flight END"""

#: The limit of senders, who leave one slot to ``reconcile`` where there are two.
LIMIT = f"""({_LIMIT}
    - CASE WHEN campus.reading_until > :now AND {_LIMIT} > 1 THEN 1 ELSE 0 END)"""
READING_LIMIT = f"({_LIMIT})"

#: Requests under way there, of all daemons: claims, and those whose row is gone. As SQL over `campus` and
#: `lti_consumer`.
IN_FLIGHT = """((SELECT COUNT(*) FROM graded_assignment AS running
        WHERE running.campus_id = campus.id AND running.claimed_until IS NOT NULL)
    + (SELECT COUNT(*) FROM orphaned_claim
        WHERE orphaned_claim.consumer_key = lti_consumer.consumer_key AND orphaned_claim.origin = campus.origin
            AND orphaned_claim.claimed_until > :now))"""

#: Whether a quick success changes nothing about a campus, as SQL over `campus`.
UNTROUBLED = """CASE WHEN tripped_at IS NULL AND trips = 0 AND throttled_at IS NULL AND max_in_flight IS NULL
    AND answered_at IS NOT NULL AND NOT slow AND last_failed_assignment IS NULL THEN 1 ELSE 0 END"""

# All but the id.
_COLUMNS = Breaker.__slots__[1:]
_BREAKERS = (
    f"SELECT id AS campus_id, {', '.join(_COLUMNS)} FROM campus WHERE id IN (SELECT id FROM {{given}}) ORDER BY id"
)
_READ = Statement(_BREAKERS, given="id BIGINT")
_LOCK = Statement(f"{_BREAKERS} {{for_update}}", given="id BIGINT")
_SAVE = Statement(
    f"""
    UPDATE campus SET {", ".join(f"{name} = given.{name}" for name in _COLUMNS)}
    FROM {{given}} WHERE campus.id = given.campus_id RETURNING campus.id""",
    given="campus_id BIGINT, tripped_at BIGINT, blocked_until BIGINT, trips INT, throttled_at BIGINT, "
    "max_in_flight INT, successes INT, answered_at BIGINT, slow BOOLEAN, last_failed_assignment BIGINT, "
    "last_error VARCHAR, last_error_at BIGINT, last_error_of BIGINT, clock_offset BIGINT",
)

_PROBE_SOON = Statement("""
    UPDATE campus SET trips = 0, blocked_until = CASE
        WHEN blocked_until > COALESCE(last_error_at, 0) + :pause THEN COALESCE(last_error_at, 0) + :pause
        ELSE blocked_until END
    WHERE id = :id AND tripped_at IS NOT NULL RETURNING id""")

# With another time of tripping the breaker ignores the result of a probe that is still under way. A millisecond: people
# are shown since when the campus is down.
_PROBE_NOW = Statement("""
    UPDATE campus SET trips = 0, blocked_until = 0, tripped_at = tripped_at + 1
    WHERE lti_consumer_id = :consumer_id AND tripped_at IS NOT NULL RETURNING id""")
# A pause that a token server asked for is as long as the campus's.
_ASK_NOW = Statement("""
    UPDATE campus SET blocked_until = 0
    WHERE lti_consumer_id = :consumer_id AND tripped_at IS NULL AND blocked_until > :now AND EXISTS (
        SELECT 1 FROM lti_consumer WHERE lti_consumer.id = :consumer_id AND issuer IS NOT NULL) RETURNING id""")

_ENSURE = Statement("""
    INSERT INTO campus (lti_consumer_id, origin, blocked_until, trips, successes, reading_until)
    VALUES (:consumer_id, :origin, 0, 0, 0, 0)
    ON CONFLICT (lti_consumer_id, origin) DO NOTHING RETURNING id""")
_FIND = Statement("SELECT id FROM campus WHERE lti_consumer_id = :consumer_id AND origin = :origin")

_FURTHER = Statement("""
    SELECT id FROM campus AS other WHERE other.lti_consumer_id = :consumer_id AND other.id <> :id AND NOT EXISTS (
        SELECT 1 FROM outcome_service WHERE outcome_service.campus_id = :id AND outcome_service.id <> :service_id)
    LIMIT 1""")

_STATE_OF = Statement(f"""
    SELECT {CAMPUS_STATE} AS state, COALESCE(last_error, '') AS error
    FROM campus JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id WHERE campus.id = :id""")


async def ensure_campus(consumer_id: int, origin: str) -> int:
    """The id of the campus of that consumer at that origin (scheme, host and port); made if it is new."""
    parameters = {"consumer_id": consumer_id, "origin": origin}
    row = await _FIND.row(**parameters) or await _ENSURE.row(**parameters) or await _FIND.row(**parameters)
    assert row is not None  # noqa: S101 - another transaction made it
    return int(row["id"])


async def is_further_origin(service: OutcomeService) -> bool:
    """Whether this is the only service of its campus, and its consumer has another campus."""
    ids = {"consumer_id": service.lti_consumer_id, "id": service.campus_id, "service_id": service.id}
    return await _FURTHER.row(**ids) is not None


async def read_breakers(campus_ids: Iterable[int], *, lock: bool = False) -> list[Breaker]:
    """What is stored of these campuses. *lock*: keep others from changing them until the transaction ends."""
    rows = await (_LOCK if lock else _READ).rows(given=[{"id": campus_id} for campus_id in campus_ids])
    return [Breaker(**{**row, "slow": bool(row["slow"])}) for row in rows]


async def save_breakers(breakers: Sequence[Breaker]) -> None:
    """Store them, within the transaction that locked them."""
    given = [
        asdict(one) | {"last_error": None if one.last_error is None else storable(one.last_error, _MAX_ERROR)}
        for one in breakers
    ]
    if given:
        await _SAVE.rows(given=given)


async def forget_error(assignment_id: int) -> None:
    """Delete what a campus said last if it was for this assignment."""
    await Campus.filter(last_error_of=assignment_id).update(last_error=None, last_error_of=None)


async def probe_soon(campus_id: int) -> None:
    """A learner was launched from there: probe as soon as the least pause allows. After the transaction of that."""
    await _PROBE_SOON.rows(id=campus_id, pause=MIN_PROBE_PAUSE_MS)


async def probe_now(consumer_id: int, *, now: int) -> None:
    """The operator corrected the consumer: probe its campuses at once, and ask a platform for tokens again."""
    await _PROBE_NOW.rows(consumer_id=consumer_id, now=now)
    await _ASK_NOW.rows(consumer_id=consumer_id, now=now)
    await LtiConsumer.filter(id=consumer_id).update(corrected_at=now)


async def read_state(campus_id: int, *, now: int) -> tuple[CampusState, str]:
    """The state of a campus, and its last error."""
    row = await _STATE_OF.row(id=campus_id, now=now)
    return ("up", "") if row is None else (row["state"], row["error"])

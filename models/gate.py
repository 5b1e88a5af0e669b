"""
The gates of campuses, as all daemons see them and as they outlive a restart.

A campus is a consumer at one origin. It has a row here once there was trouble; a gate without one is open. Times are
milliseconds since 1970 by :mod:`models.db.clock`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tortoise import fields
from tortoise.models import Model

from models.consumer import MOST_ORIGIN
from models.db.sql import Statement, storable

if TYPE_CHECKING:
    from models.consumer import LtiConsumer

#: What ``status`` and ``passback_gate_state`` know. ``shut``: nothing goes there now. ``paused``: by the operator.
State = Literal["open", "shut", "probing", "paused"]
STATES: tuple[State, ...] = ("open", "shut", "probing", "paused")

#: Milliseconds between two probes, at least, also when a launch asks for one: at most four requests a minute.
LEAST_PAUSE_MS = 15_000


class Gate(Model):
    """The stored part of one campus's gate."""

    id = fields.BigIntField(primary_key=True)
    lti_consumer: fields.ForeignKeyRelation[LtiConsumer] = fields.ForeignKeyField(
        "models.LtiConsumer", related_name="gates", on_delete=fields.CASCADE
    )
    origin = fields.CharField(max_length=MOST_ORIGIN)
    # Since when the breaker is shut; null where it is not.
    shut_at = fields.BigIntField(null=True)
    # Nothing goes there before this: the breaker's pause, or what a busy campus asked for.
    closed_until = fields.BigIntField(default=0)
    # Probes that failed one after the other; the pause grows with them.
    failed_probes = fields.IntField(default=0)
    # When the last request that shut it or probed it began or failed.
    probed_at = fields.BigIntField(default=0)
    # A probe is under way until then, or lost.
    probe_until = fields.BigIntField(null=True)
    # What the campus, or the network, said last.
    reason = fields.TextField(default="")

    class Meta:
        table = "gate"
        table_description = "Campuses that are in trouble"
        unique_together = (("lti_consumer", "origin"),)


class Campus(NamedTuple):
    """What one gate stands before."""

    consumer_id: int
    #: Scheme, host and port.
    origin: str


class WaitingLine(NamedTuple):
    """Those who wait before a gate: with fresh work, or with work that was tried before."""

    campus: Campus
    retried: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """A campus to which nothing, or no more than a probe, goes now."""

    campus: Campus
    state: State
    reason: str
    #: Whether its breaker is shut.
    away: bool


# As SQL expressions over `lti_consumer` and a left-joined `gate`.
OF_SERVICE = """
    LEFT JOIN gate ON gate.lti_consumer_id = outcome_service.lti_consumer_id AND gate.origin = outcome_service.origin"""

STATE = """CASE
    WHEN lti_consumer.paused_at IS NOT NULL THEN 'paused'
    WHEN gate.shut_at IS NOT NULL AND gate.probe_until > :now THEN 'probing'
    WHEN gate.shut_at IS NOT NULL OR gate.closed_until > :now THEN 'shut'
    ELSE 'open' END"""

# Whether a request may go there now, be it as a probe.
PASSABLE = """lti_consumer.paused_at IS NULL AND (gate.id IS NULL OR (gate.closed_until <= :now
    AND (gate.shut_at IS NULL OR gate.probe_until IS NULL OR gate.probe_until <= :now)))"""

_HERE = "WHERE lti_consumer_id = :consumer_id AND origin = :origin"

_TROUBLES = Statement(f"""
    SELECT lti_consumer.id AS consumer_id, gate.origin AS origin, {STATE} AS state, gate.reason AS reason,
        CASE WHEN gate.shut_at IS NULL THEN 0 ELSE 1 END AS away
    FROM gate JOIN lti_consumer ON lti_consumer.id = gate.lti_consumer_id
    WHERE lti_consumer.paused_at IS NULL AND (gate.shut_at IS NOT NULL OR gate.closed_until > :now)
    UNION ALL
    SELECT lti_consumer.id, outcome_service.origin, 'paused', '', 0
    FROM lti_consumer JOIN outcome_service ON outcome_service.lti_consumer_id = lti_consumer.id
    WHERE lti_consumer.paused_at IS NOT NULL
    GROUP BY lti_consumer.id, outcome_service.origin""")

# Whoever shuts a gate that is shut already adds nothing: its pause belongs to the probes.
_SHUT = Statement("""
    INSERT INTO gate (lti_consumer_id, origin, shut_at, closed_until, failed_probes, probed_at, probe_until, reason)
    VALUES (:consumer_id, :origin, :now, :until, 0, :now, NULL, :reason)
    ON CONFLICT (lti_consumer_id, origin) DO UPDATE SET
        shut_at = excluded.shut_at, failed_probes = 0, probed_at = excluded.probed_at, probe_until = NULL,
        reason = excluded.reason,
        closed_until = CASE WHEN gate.closed_until > excluded.closed_until THEN gate.closed_until
            ELSE excluded.closed_until END
    WHERE gate.shut_at IS NULL
    RETURNING id""")

_TAKE_PROBE = Statement(f"""
    UPDATE gate SET probe_until = :until, probed_at = :now
    {_HERE} AND shut_at IS NOT NULL AND closed_until <= :now AND (probe_until IS NULL OR probe_until <= :now)
    RETURNING failed_probes, probe_until""")

# A probe that was lost, or that began before the consumer was mended, has no say any more.
_MINE = f"{_HERE} AND probe_until = :mine"

_PROBE_FAILED = Statement(f"""
    UPDATE gate SET probe_until = NULL, failed_probes = failed_probes + 1, probed_at = :now, closed_until = :until,
        reason = :reason
    {_MINE} AND shut_at IS NOT NULL RETURNING id""")

_RELEASE_PROBE = Statement(f"UPDATE gate SET probe_until = NULL {_MINE} RETURNING id")

_OPEN = Statement(f"DELETE FROM gate {_HERE} AND shut_at IS NOT NULL RETURNING id")

_CLOSE = Statement("""
    INSERT INTO gate (lti_consumer_id, origin, closed_until, failed_probes, probed_at, reason)
    VALUES (:consumer_id, :origin, :until, 0, :now, :reason)
    ON CONFLICT (lti_consumer_id, origin) DO UPDATE SET
        closed_until = excluded.closed_until, reason = excluded.reason
    WHERE gate.closed_until < excluded.closed_until
    RETURNING id""")

# A campus from which people come is perhaps well again. The least pause stays: launches can be many.
_HASTEN = Statement(f"""
    UPDATE gate SET failed_probes = 0,
        closed_until = CASE WHEN closed_until > probed_at + :pause THEN probed_at + :pause ELSE closed_until END
    {_HERE} AND shut_at IS NOT NULL RETURNING id""")

_TRY_NOW = Statement("""
    UPDATE gate SET failed_probes = 0, closed_until = 0, probe_until = NULL
    WHERE lti_consumer_id = :consumer_id AND shut_at IS NOT NULL RETURNING id""")


async def read_troubles(*, now: int) -> list[Trouble]:
    """Every campus whose gate is not open."""
    return [
        Trouble(Campus(row["consumer_id"], row["origin"]), row["state"], row["reason"], bool(row["away"]))
        for row in await _TROUBLES.rows(now=now)
    ]


async def shut(campus: Campus, *, now: int, until: int, reason: str) -> bool:
    """Let nothing go there before *until*, and then one probe at a time. False if it was shut already."""
    return bool(await _SHUT.rows(**_here(campus), now=now, until=until, reason=storable(reason, 500)))


@dataclass(frozen=True, slots=True)
class Probe:
    """The right to the one request that a shut gate lets through. *failed_before*: probes, one after the other."""

    until: int
    failed_before: int


async def take_probe(campus: Campus, *, now: int, lease_ms: int) -> Probe | None:
    """Take the one probe of a shut gate, for the time of a lease; None if it is not time, or another is under way."""
    row = await _TAKE_PROBE.row(**_here(campus), now=now, until=now + lease_ms)
    return None if row is None else Probe(row["probe_until"], row["failed_probes"])


async def probe_failed(campus: Campus, probe: Probe, *, now: int, until: int, reason: str) -> None:
    """Keep it shut; the next probe not before *until*."""
    await _PROBE_FAILED.rows(**_here(campus), mine=probe.until, now=now, until=until, reason=storable(reason, 500))


async def release_probe(campus: Campus, probe: Probe) -> None:
    """The probe came to no request, or to none that says anything of the campus: another may go at once."""
    await _RELEASE_PROBE.rows(**_here(campus), mine=probe.until)


async def reopen(campus: Campus) -> bool:
    """The campus works. False if the gate was not shut."""
    return bool(await _OPEN.rows(**_here(campus)))


async def close(campus: Campus, *, now: int, until: int, reason: str) -> None:
    """The campus is busy: let nothing go there before *until*, which is only ever raised."""
    await _CLOSE.rows(**_here(campus), now=now, until=until, reason=storable(reason, 500))


async def hasten(campus: Campus) -> None:
    """Somebody was launched from there: probe as soon as the least pause allows."""
    await _HASTEN.rows(**_here(campus), pause=LEAST_PAUSE_MS)


async def try_now(consumer_id: int) -> None:
    """The consumer was mended: probe at once."""
    await _TRY_NOW.rows(consumer_id=consumer_id)


def _here(campus: Campus) -> dict[str, Any]:
    return {"consumer_id": campus.consumer_id, "origin": campus.origin}

"""What is told of an attempt that has ended: one record, for the metrics and for one wide line in the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from models.attempt import Parked, Released, Retried, Uncertain

if TYPE_CHECKING:
    from actors.metrics import Metrics
    from actors.resolution import Verdict
    from models.attempt import Address, Claim, Ended

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """
    An attempt that has ended.

    *probe*: whether the campus's gate was shut, so that this was its probe. *now*: milliseconds since 1970.
    """

    claim: Claim
    address: Address
    verdict: Verdict
    ended: Ended
    probe: bool
    now: int

    @property
    def lag_ms(self) -> int:
        """Since the grade was due."""
        return max(self.now - self.claim.due_at, 0)

    @property
    def parked(self) -> Parked | None:
        """Why the row is out of the race, if this attempt took it out."""
        end = self.verdict.end
        parked = end.parked if isinstance(end, Uncertain) else end
        return parked if isinstance(parked, Parked) and self.ended.parked else None

    @property
    def retry_in_ms(self) -> int | None:
        """How long the next attempt waits; None if none follows, or at once."""
        end = self.verdict.end
        if self.parked or not isinstance(end, Released | Retried | Uncertain):
            return None
        until = max(end.not_before, end.hold_until) if isinstance(end, Uncertain) else end.not_before
        return max(until - self.now, 0) or None


def tell(told: Told, metrics: Metrics) -> None:
    """Count it and log it."""
    _count(told, metrics)
    fields = wide_line(told)
    if told.ended.fenced:
        log.error("an attempt ended after its claim had been taken over", **fields)
    else:
        log.info("an attempt ended", **fields)


def wide_line(told: Told) -> dict[str, Any]:
    """
    Every decision of the attempt, but nobody's name, secret or signature; what is not so or not known is left out.

    ``entry`` is the stream entry of the change that it sent, which the ledger line has too.
    """
    claim, verdict, line = told.claim, told.verdict, told.verdict.line
    fields = {
        "assignment": claim.assignment_id,
        "entry": claim.entry_id,
        "consumer": told.address.consumer_name,
        "origin": told.address.campus.origin,
        "kind": claim.kind,
        "version": claim.version,
        "attempt": claim.attempt,
        "forced": claim.must_go_out or None,
        "took_over": claim.took_over or None,
        "probe": told.probe or None,
        "result": verdict.result,
        "score": line and line.score,
        "clamped": (line and line.clamped) or None,
        "http_status": line and line.http_status,
        "code_major": line and line.code_major,
        "reason": (line and line.description) or None,
        "duration_ms": line and line.duration_ms,
        "lag_ms": told.lag_ms,
        "campus": None if verdict.health == "silent" else verdict.health,
        "retry_in_ms": told.retry_in_ms,
        "parked": told.parked and told.parked.scope,
        "gone": told.ended.gone or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _count(told: Told, metrics: Metrics) -> None:
    claim, verdict, consumer = told.claim, told.verdict, told.address.consumer_name
    if verdict.result not in ("empty", "released"):
        metrics.outcomes.labels(consumer, claim.kind, verdict.result).inc()
    if verdict.line is not None and verdict.line.clamped:
        metrics.clamped.labels(consumer).inc()
    if verdict.result == "accepted":
        metrics.delivery_lag.labels(claim.kind).observe(told.lag_ms / 1000)
        metrics.last_success.labels(consumer).set(told.now / 1000)
    if told.parked is not None:
        metrics.parked.labels(consumer, told.parked.scope).inc()
    if told.ended.fenced:
        metrics.fenced.inc()

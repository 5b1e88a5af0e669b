"""What is recorded of an attempt that has ended: one record, for the metrics and for one wide line in the log."""

import logging
from typing import Any

import structlog

from actors.metrics import Metrics
from models.finish import Finish, Finished
from models.signals import BreakerChange
from models.value_class import value_class

log = structlog.get_logger(__name__)

#: Outcomes without a request that are not counted.
_UNCOUNTED = ("empty", "released", "waiting")


@value_class()
class AttemptRecord:
    """An attempt that has ended. *now*: milliseconds since 1970."""

    end: Finish
    finished: Finished
    now: int

    @property
    def result(self) -> str:
        """What ``passback_outcomes_total`` counts."""
        return self.end.outcome if self.end.delivery is None else self.end.delivery.result

    @property
    def refuses_signature(self) -> bool:
        """Whether the campus refused signature or key: not the address by a redirect, nor we its certificate."""
        status = None if self.end.delivery is None else self.end.delivery.http_status
        return self.result == "misconfigured" and status is not None and not 300 <= status <= 399

    @property
    def lag_ms(self) -> int:
        """Since the grade was due."""
        return max(self.now - self.end.claim.due_at, 0)

    @property
    def parked_scope(self) -> str | None:
        """Why the row is parked, if this attempt parked it."""
        return self.end.parked_scope if self.finished.parked else None

    @property
    def retry_in_ms(self) -> int | None:
        """How long the next attempt waits; None if none follows, or at once."""
        if self.parked_scope is not None:
            return None
        return max(self.end.not_before - self.now, self.end.hold_until - self.now, 0) or None


def record_attempt(record: AttemptRecord, metrics: Metrics) -> None:
    """Count it and log it."""
    claim, result, delivery = record.end.claim, record.result, record.end.delivery
    consumer = claim.address.consumer_name
    if result not in _UNCOUNTED:
        metrics.of(metrics.outcomes, consumer, claim.kind, result).inc()
    if delivery is not None and delivery.clamped:
        metrics.clamped.labels(consumer).inc()
    if record.refuses_signature:
        metrics.signature_refused.labels(consumer).inc()
    if result == "accepted":
        metrics.of(metrics.delivery_lag, claim.kind).observe(record.lag_ms / 1000)
        metrics.of(metrics.last_success, consumer).set(record.now / 1000)
    if record.parked_scope is not None:
        metrics.parked.labels(consumer, record.parked_scope).inc()
    if record.finished.fenced:
        metrics.fenced.inc()
        log.error("attempt.fenced", **_wide_line(record))
    elif log.is_enabled_for(logging.INFO):
        log.info("attempt.finished", **_wide_line(record))


def _wide_line(record: AttemptRecord) -> dict[str, Any]:
    """
    Every decision of the attempt that is known, but no person's name, no secret and no signature.

    ``entry`` is the stream entry of the change that it sent, which the delivery record has too.
    """
    end, claim, delivery, signal = record.end, record.end.claim, record.end.delivery, record.end.signal
    fields = {
        "assignment": claim.assignment_id,
        "entry": claim.entry_id,
        "consumer": claim.address.consumer_name,
        "origin": claim.address.origin,
        "kind": claim.kind,
        "version": claim.version,
        "attempt": claim.attempt,
        "forced": claim.must_go_out or None,
        "probe": claim.tripped_at is not None or None,
        "result": record.result,
        "score": delivery and delivery.score,
        "clamped": (delivery and delivery.clamped) or None,
        "http_status": delivery and delivery.http_status,
        "code_major": delivery and delivery.code_major,
        # The LMS's message may name a learner who was retired meanwhile.
        "reason": None if record.finished.gone else (delivery and delivery.description) or None,
        "duration_ms": delivery and delivery.duration_ms,
        "lag_ms": record.lag_ms,
        "campus": None if signal is None or signal.kind == "neutral" else signal.kind,
        "retry_in_ms": record.retry_in_ms,
        "parked": record.parked_scope,
        "in_doubt": end.outcome == "in_doubt" or None,
        "gone": record.finished.gone or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def record_breaker(change: BreakerChange, *, consumer: str, origin: str) -> None:
    """Log that a campus went down, came back, or asked for fewer requests."""
    before, after = change.before, change.after
    names = {"consumer": consumer, "origin": origin}
    if before.tripped_at is None and after.tripped_at is not None:
        log.error("campus.down", reason=after.last_error, **names)
    elif before.tripped_at is not None and after.tripped_at is None:
        log.info("campus.up", **names)
    if after.throttled_at is not None and after.throttled_at != before.throttled_at:
        log.info("campus.throttled", max_in_flight=after.max_in_flight, reason=after.last_error, **names)

"""The metrics that Prometheus scrapes: one object a process."""

import math
from functools import partial
from itertools import product
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics

from models.event_types import EVENT_TYPES, UNKNOWN
from models.states import STATES

EVENT_RESULTS = ("applied", "unchanged", "stale", "quarantined")

#: Seconds: a campus answers within tens of milliseconds or not before the deadline.
_REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)
#: Seconds: from at once to the week of retries.
_LAG_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400, 604_800)


Family = TypeVar("Family", Counter, Gauge, Histogram)


class Metrics:
    """
    The contract's families, and what alerts need. Label ``consumer`` is its name; never a URL or a person.

    Args:
        started: When the process began, in seconds since 1970.
    """

    def __init__(self, version: str, started: float = 0.0) -> None:
        # When each counter began: a series more for each, which no alert and no panel uses.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        counter = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry)
        Info("passback_build", "The release that runs.", registry=self.registry).info({"version": version})
        gauge("passback_start_timestamp_seconds", "When this daemon began, in seconds since 1970.").set(started)
        self.ready = gauge("passback_ready", "Whether database, Redis and schema are ready, as /readyz has it.")
        self.events = counter("passback_events", "Stream entries by what they did.", ["type", "result"])
        self.outcomes = counter(
            "passback_outcomes", "Attempts to pass a grade back, by how they ended.", ["consumer", "kind", "result"]
        )
        self.request_seconds = histogram(
            "passback_outcome_request_duration_seconds",
            "From the first byte of a request to the last one of its answer.",
            ["consumer"],
            buckets=_REQUEST_BUCKETS,
        )
        self.in_flight = gauge("passback_outcome_requests_in_flight", "Requests that wait for an answer.", ["consumer"])
        self.delivery_lag = histogram(
            "passback_delivery_lag_seconds",
            "From a grade's being due to its acceptance.",
            ["kind"],
            buckets=_LAG_BUCKETS,
        )
        self.assignments = gauge("passback_assignments", "Graded assignments by state.", ["state"])
        self.oldest_due = gauge(
            "passback_oldest_due_timestamp_seconds",
            "When the longest due grade became due, in seconds since 1970; absent where none is due.",
            ["consumer"],
        )
        self.last_success = gauge(
            "passback_last_success_timestamp_seconds",
            "When a campus last accepted a grade, in seconds since 1970.",
            ["consumer"],
        )
        self.parked = counter(
            "passback_parked", "Grades that were parked, by whose matter it is.", ["consumer", "scope"]
        )
        self.campus_state = gauge(
            "passback_campus_state",
            "How many of a consumer's addresses are in that state; no grade is sent to one that is down or paused.",
            ["consumer", "state"],
        )
        self.signature_refused = counter(
            "passback_signature_refused",
            "Requests whose signature, key or access token a campus refused.",
            ["consumer"],
        )
        self.consumer_info = gauge(
            "passback_consumer_info", "1 for each consumer, with its key.", ["consumer", "consumer_key"]
        )
        self.consumer_origins = gauge(
            "passback_consumer_origins",
            "From how many origins (scheme, host and port) a consumer was launched; absent before the first.",
            ["consumer"],
        )
        self.missing_line_items = gauge(
            "passback_missing_line_items",
            "Links of LTI 1.3 whose line item was neither found nor made, after several looks; absent where all are.",
            ["consumer"],
        )
        self.clock_offset = gauge(
            "passback_clock_offset_seconds",
            "How far a campus's clock is ahead of ours, by the Date of its last answer.",
            ["consumer"],
        )
        self.certificate_until = gauge(
            "passback_certificate_expiry_timestamp_seconds",
            "When a campus's certificate runs out, in seconds since 1970, by the last connection made; of several"
            " addresses the first to do so.",
            ["consumer"],
        )
        self.intake_requests = counter(
            "passback_intake_requests", "Requests to the HTTP intake, by the status of the answer.", ["status"]
        )
        self.stream_lag = gauge("passback_stream_lag_entries", "Stream entries that are not applied yet.")
        self.stream_ahead = gauge(
            "passback_stream_ahead_seconds",
            "How far the newest id of the stream lies ahead of the database's clock; below 0 for an id of the past.",
        )
        self.redis_memory = gauge(
            "passback_redis_memory_used_ratio",
            "The part of Redis's maxmemory that is used; NaN without maxmemory, or where INFO is forbidden.",
        )
        self.redis_memory.set(math.nan)
        self.stream_resets = counter("passback_stream_resets", "How often the stream was found to be another one.")
        self.clock_steps = counter(
            "passback_clock_steps", "How often the database's clock stepped, or this daemon was suspended."
        )
        self.stream_gaps = counter(
            "passback_stream_gaps", "How often entries that were not read may have been lost from the stream."
        )
        self.intake_stalled = gauge(
            "passback_intake_stalled", "Whether entries wait and the position in the stream does not move."
        )
        self.quarantined = gauge("passback_quarantined_events", "Events in quarantine.")
        self.clamped = counter("passback_clamped", "Scores that lay outside 0 to 1.", ["consumer"])
        self.fenced = counter("passback_fenced", "Attempts whose claim had been taken over when they ended.")
        self._children: dict[tuple[object, ...], Any] = {}
        self._by_consumer = (
            self.outcomes,
            self.request_seconds,
            self.in_flight,
            self.oldest_due,
            self.last_success,
            self.parked,
            self.campus_state,
            self.signature_refused,
            self.consumer_info,
            self.consumer_origins,
            self.missing_line_items,
            self.clock_offset,
            self.certificate_until,
            self.clamped,
        )
        for state in STATES:
            self.assignments.labels(state)
        for event, result in product((*EVENT_TYPES, UNKNOWN), EVENT_RESULTS):
            self.events.labels(event, result)
        for kind in ("leaf", "composite"):
            self.delivery_lag.labels(kind)

    def of(self, family: Family, *labels: str) -> Family:
        """``family.labels(*labels)``, looked up once: prometheus_client does more for that than for the count."""
        key = (family, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = family.labels(*labels)
        return child

    def begin(self, consumer: str) -> None:
        """Start at 0 the counters of a consumer that alerts watch: from nothing to 1 is no increase."""
        for kind, result in product(("leaf", "composite"), ("accepted", "refused", "misconfigured")):
            self.outcomes.labels(consumer, kind, result)
        for scope in ("learner", "course", "campus"):
            self.parked.labels(consumer, scope)
        self.clamped.labels(consumer)
        self.signature_refused.labels(consumer)

    def consumers(self) -> set[str]:
        """The names for which there are series."""
        return {
            sample.labels["consumer"]
            for family in self._by_consumer
            for metric in family.collect()
            for sample in metric.samples
        }

    def forget(self, consumer: str) -> None:
        """Drop every series of a consumer that was removed or renamed, so that no alert goes on about it."""
        self._children.clear()
        for family in self._by_consumer:
            family.remove_by_labels({"consumer": consumer})

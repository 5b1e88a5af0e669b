"""What Prometheus is told. One object a process, handed to whoever counts."""

from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from models.assignment import STATES

#: What ``passback_events_total`` counts.
EVENT_TYPES = ("score.changed", "course.structure", "launch", "assignment.disabled", "user.retired", "unknown")
EVENT_RESULTS = ("applied", "unchanged", "stale", "quarantined")

#: Seconds: a campus answers within tens of milliseconds or not before the deadline.
_REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)
#: Seconds: from at once to the week of retries.
_LAG_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400, 604_800)


class Metrics:
    """
    The contract's families, and what alerts need. Label ``consumer`` is its name; never a URL or a person.

    Args:
        started: When the process began, in seconds since 1970.
    """

    def __init__(self, version: str, started: float = 0.0) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        Info("passback_build", "The release that runs.", registry=registry).info({"version": version})
        Gauge(
            "passback_start_timestamp_seconds", "When this daemon began, in seconds since 1970.", registry=registry
        ).set(started)
        self.ready = Gauge(
            "passback_ready", "Whether database, Redis and schema are ready, as /readyz has it.", registry=registry
        )
        self.events = Counter(
            "passback_events", "Stream entries by what they did.", ["type", "result"], registry=registry
        )
        self.outcomes = Counter(
            "passback_outcomes",
            "Attempts to pass a grade back, by how they ended.",
            ["consumer", "kind", "result"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "passback_outcome_request_duration_seconds",
            "From the first byte of a request to the last one of its answer.",
            ["consumer"],
            buckets=_REQUEST_BUCKETS,
            registry=registry,
        )
        self.in_flight = Gauge(
            "passback_outcome_requests_in_flight", "Requests that wait for an answer.", ["consumer"], registry=registry
        )
        self.delivery_lag = Histogram(
            "passback_delivery_lag_seconds",
            "From a grade's being due to its acceptance.",
            ["kind"],
            buckets=_LAG_BUCKETS,
            registry=registry,
        )
        self.assignments = Gauge("passback_assignments", "Graded assignments by state.", ["state"], registry=registry)
        self.oldest_due = Gauge(
            "passback_oldest_due_timestamp_seconds",
            "When the longest due grade became due, in seconds since 1970; absent where none is due.",
            ["consumer"],
            registry=registry,
        )
        self.last_success = Gauge(
            "passback_last_success_timestamp_seconds",
            "When a campus last accepted a grade, in seconds since 1970.",
            ["consumer"],
            registry=registry,
        )
        self.parked = Counter(
            "passback_parked",
            "Grades that were parked, by whose matter it is.",
            ["consumer", "scope"],
            registry=registry,
        )
        self.campus_state = Gauge(
            "passback_campus_state",
            "How many of a consumer's addresses are in that state; no grade is sent to one that is down or paused.",
            ["consumer", "state"],
            registry=registry,
        )
        self.clock_offset = Gauge(
            "passback_clock_offset_seconds",
            "How far a campus's clock is ahead of ours, by the Date of its last answer.",
            ["consumer"],
            registry=registry,
        )
        self.certificate_until = Gauge(
            "passback_certificate_expiry_timestamp_seconds",
            "When a campus's certificate runs out, in seconds since 1970, by the last connection made; of several"
            " addresses the first to do so.",
            ["consumer"],
            registry=registry,
        )
        self.stream_lag = Gauge(
            "passback_stream_lag_entries", "Stream entries that are not applied yet.", registry=registry
        )
        self.stream_resets = Counter(
            "passback_stream_resets", "How often the stream was found to be another one.", registry=registry
        )
        self.stream_gaps = Counter(
            "passback_stream_gaps",
            "How often entries that nobody had read may have been lost from the stream.",
            registry=registry,
        )
        self.quarantined = Gauge("passback_quarantined_events", "Events in quarantine.", registry=registry)
        self.clamped = Counter("passback_clamped", "Scores that lay outside 0 to 1.", ["consumer"], registry=registry)
        self.fenced = Counter(
            "passback_fenced", "Attempts whose claim had been taken over when they ended.", registry=registry
        )
        for state in STATES:
            self.assignments.labels(state)
        for event, result in product(EVENT_TYPES, EVENT_RESULTS):
            self.events.labels(event, result)
        for kind in ("leaf", "composite"):
            self.delivery_lag.labels(kind)

    def begin(self, consumer: str) -> None:
        """Have the counters of a consumer that alerts look at begin with 0: from nothing to 1 is no increase."""
        for kind, result in product(("leaf", "composite"), ("accepted", "refused", "misconfigured")):
            self.outcomes.labels(consumer, kind, result)
        for scope in ("learner", "course", "campus"):
            self.parked.labels(consumer, scope)
        self.clamped.labels(consumer)

"""The names and labels that dashboards are built on."""

import pytest
from prometheus_client import generate_latest

from actors.metrics import STATES, Metrics
from models import states

#: Family as it is exposed, its type and its labels.
FAMILIES = [
    ("passback_build_info", "gauge", ("version",)),
    ("passback_start_timestamp_seconds", "gauge", ()),
    ("passback_ready", "gauge", ()),
    ("passback_certificate_expiry_timestamp_seconds", "gauge", ("consumer",)),
    ("passback_events_total", "counter", ("type", "result")),
    ("passback_campus_state", "gauge", ("consumer", "state")),
    ("passback_clock_offset_seconds", "gauge", ("consumer",)),
    ("passback_outcomes_total", "counter", ("consumer", "kind", "result")),
    ("passback_outcome_request_duration_seconds", "histogram", ("consumer",)),
    ("passback_outcome_requests_in_flight", "gauge", ("consumer",)),
    ("passback_delivery_lag_seconds", "histogram", ("kind",)),
    ("passback_assignments", "gauge", ("state",)),
    ("passback_oldest_due_timestamp_seconds", "gauge", ("consumer",)),
    ("passback_last_success_timestamp_seconds", "gauge", ("consumer",)),
    ("passback_parked_total", "counter", ("consumer", "scope")),
    ("passback_stream_lag_entries", "gauge", ()),
    ("passback_stream_resets_total", "counter", ()),
    ("passback_stream_gaps_total", "counter", ()),
    ("passback_clock_steps_total", "counter", ()),
    ("passback_stream_ahead_seconds", "gauge", ()),
    ("passback_redis_memory_used_ratio", "gauge", ()),
    ("passback_intake_stalled", "gauge", ()),
    ("passback_intake_requests_total", "counter", ("status",)),
    ("passback_signature_refused_total", "counter", ("consumer",)),
    ("passback_consumer_info", "gauge", ("consumer", "consumer_key")),
    ("passback_consumer_origins", "gauge", ("consumer",)),
    ("passback_missing_line_items", "gauge", ("consumer",)),
    ("passback_quarantined_events", "gauge", ()),
    ("passback_clamped_total", "counter", ("consumer",)),
    ("passback_fenced_total", "counter", ()),
]


@pytest.fixture
def metrics():
    return Metrics("1.2.3")


@pytest.mark.parametrize(("name", "kind", "labels"), FAMILIES)
def test_a_family_is_exposed_with_its_type_and_labels(metrics, name, kind, labels):
    assert f"# TYPE {name} {kind}\n" in generate_latest(metrics.registry).decode()
    collectors = {
        exposed: collector for collector, names in metrics.registry._collector_to_names.items() for exposed in names
    }
    expected = () if name == "passback_build_info" else labels
    assert collectors[name]._labelnames == expected


def test_the_release_and_every_state_are_there_from_the_start(metrics):
    assert STATES == states.STATES
    assert metrics.registry.get_sample_value("passback_build_info", {"version": "1.2.3"}) == 1
    for state in STATES:
        assert metrics.registry.get_sample_value("passback_assignments", {"state": state}) == 0


def test_two_daemons_in_one_process_do_not_share_their_counters(metrics):
    other = Metrics("1.2.3")
    metrics.fenced.inc()
    assert other.registry.get_sample_value("passback_fenced_total") == 0


def test_what_alerts_count_begins_with_0(metrics):
    metrics.begin("Example University")
    value = metrics.registry.get_sample_value
    consumer = {"consumer": "Example University"}
    assert value("passback_events_total", {"type": "launch", "result": "quarantined"}) == 0
    assert value("passback_outcomes_total", {**consumer, "kind": "leaf", "result": "misconfigured"}) == 0
    assert value("passback_parked_total", {**consumer, "scope": "campus"}) == 0
    assert value("passback_clamped_total", consumer) == 0
    assert value("passback_signature_refused_total", consumer) == 0


def test_every_family_says_what_it_is(metrics):
    for family in metrics.registry.collect():
        assert family.documentation.endswith("."), family.name


def test_no_family_says_when_it_began(metrics):
    metrics.begin("Example University")
    assert "_created" not in generate_latest(metrics.registry).decode()


def test_a_consumer_that_was_forgotten_is_counted_anew():
    metrics = Metrics("test")
    for expected in (1, 2):
        metrics.of(metrics.outcomes, "one", "leaf", "accepted").inc()
        assert value(metrics, "one") == expected
    metrics.forget("one")
    assert value(metrics, "one") is None
    metrics.of(metrics.outcomes, "one", "leaf", "accepted").inc()
    assert value(metrics, "one") == 1


def value(metrics, consumer):
    labels = {"consumer": consumer, "kind": "leaf", "result": "accepted"}
    return metrics.registry.get_sample_value("passback_outcomes_total", labels)

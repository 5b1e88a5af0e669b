"""What the schema accepts is applied, as an entry of the stream; only for what no schema can say it is refused."""

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from actors.egress import Egress, EgressRefused
from actors.metrics import Metrics
from daemon.ingest.apply import Applier
from daemon.ingest.batch import Batches
from daemon.ingest.catch_up import CatchUp
from daemon.ingest.documents import (
    EVENTS,
    AssignmentDisabledEvent,
    LineItemDisabledEvent,
    LineItemsLaunchEvent,
    LinkDisabledEvent,
    UngradedLaunchEvent,
    UngradedPlatformLaunchEvent,
    UserRetiredEvent,
)
from daemon.ingest.lines import event_fields, read_document
from models.consumer import LtiConsumer
from models.course import CourseTrees
from models.db.clock import Clock
from models.scopes import LINEITEM_SCOPE
from models.stream_position import read_position
from tests.daemon.ingest import reading
from tests.daemon.ingest.documents import SCHEMA, made
from tests.daemon.ingest.reading import DEBOUNCE, quarantined, raw
from tests.models.rows import empty_tables

#: The year 2100, so that no generated moment lies ahead of it.
NOW = 4_102_444_800_000
VALIDATOR = Draft202012Validator(SCHEMA)
UNGRADED = (UngradedLaunchEvent, UngradedPlatformLaunchEvent)
ADDRESSES = ("lis_outcome_service_url", "lineitem", "lineitems")

# Without shrinking, which would try many a database for minutes.
some = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=[Phase.generate],
)


class LateClock(Clock):
    """Of the year 2100."""

    def now(self):
        return NOW


class Daemon:
    """What of a daemon applies entries, to a database that it has for itself."""

    def __init__(self, egress=None):
        self.metrics = Metrics("0")
        applier = Applier(CourseTrees(), DEBOUNCE, egress or Egress(allow_http=True))
        self.batches = Batches(applier, LateClock(), CatchUp(), self.metrics, self.enqueue)
        self.entries = 0

    async def enqueue(self, dirty):
        """The queue is away, as it may be."""

    async def take(self, *events):
        """Apply these as one batch; gives how many had each result."""
        before, entries = self.counted(), []
        for fields in events:
            self.entries += 1
            entries.append((f"{NOW}-{self.entries}", raw(fields)))
        await self.batches.take(await read_position(), entries)
        return dict(self.counted() - before)

    def counted(self):
        found = Counter()
        for metric in self.metrics.registry.collect():
            for sample in metric.samples:
                if sample.name == "passback_events_total":
                    found[sample.labels["result"]] += int(sample.value)
        return found


@pytest.fixture(autouse=True)
async def database(empty_database):
    """Open and empty."""


def entry_of(document):
    """Its fields on the stream, after its way through JSON."""
    assert VALIDATOR.is_valid(document)
    return event_fields(read_document(json.dumps(document).encode()))


async def add_campuses(fields):
    """Add the consumer and the platform that an event names."""
    if key := fields.get("oauth_consumer_key"):
        await LtiConsumer.create(consumer_name=f"consumer {key}"[:255], consumer_key=key, consumer_secret="secret")
    if client_id := fields.get("client_id"):
        names = {"issuer": fields.get("issuer"), "client_id": client_id}
        names |= {"consumer_name": f"1.3 {client_id}"[:255], "consumer_key": f"1.3 {client_id}"[:255]}
        await LtiConsumer.create(consumer_secret="", **names)


def may_be_sent_to(fields):
    egress = Egress(allow_http=True)
    try:
        for name in ADDRESSES:
            if fields.get(name):
                egress.check_url(fields[name])
    except EgressRefused:
        return False
    return True


def launch_before(event, fields):
    """The launch that registers what an event disables."""
    names = ("oauth_consumer_key", "lis_result_sourcedid", "issuer", "client_id", "lti_user_id", "modified")
    names += ("lineitem", "lineitems", "resource_link_id")
    common = {name: fields[name] for name in names if name in fields}
    if event is AssignmentDisabledEvent:
        return [reading.LAUNCH | common]
    if event is LineItemDisabledEvent:
        return [reading.LAUNCH_13 | common]
    return [reading.LAUNCH_13 | {"lineitem": ""} | common] if event is LinkDisabledEvent else []


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
@some
@given(data=st.data())
async def test_what_the_schema_accepts_is_applied_once_its_campus_is_known(event, data):
    fields = entry_of(data.draw(made(event)))
    assume(may_be_sent_to(fields))
    # No campus is added under a longer name.
    fields |= {name: fields[name][:255] for name in ("oauth_consumer_key", "issuer", "client_id") if name in fields}
    await empty_tables()
    await add_campuses(fields)
    daemon = Daemon()
    for launch in launch_before(event, fields):
        assert await daemon.take(launch) == {"applied": 1}
    assert await daemon.take(fields) == {"applied" if is_stored(event, fields) else "unchanged": 1}
    repeated = "applied" if event is UserRetiredEvent else "unchanged"
    assert await daemon.take(fields) == {repeated: 1}
    assert await quarantined() == []


def is_stored(event, fields):
    """Whether an event changes anything: a launch does not where no grade is wanted, and no column may be made."""
    scopes = fields.get("scopes")
    may_be_made = scopes is None or LINEITEM_SCOPE in scopes.split()
    return event not in UNGRADED and (event is not LineItemsLaunchEvent or may_be_made)


#: Names that generated events share, so that they are about the same things. No campus has the last one.
SHARED = {
    **dict.fromkeys(("user_id", "course_id", "usage_id", "resource_link_id", "lis_result_sourcedid"), ("a", "b")),
    **dict.fromkeys(("lti_user_id", "version", "tool_consumer_instance_guid"), ("1", "2")),
    **dict.fromkeys(("oauth_consumer_key", "issuer", "client_id"), ("one", "two", "unknown")),
    **dict.fromkeys(ADDRESSES, ("https://campus.example/1", "https://campus.example/2", "http://10.0.0.1")),
}
#: Why an event is refused that the schema accepts: what only database and settings say.
BY_DESIGN = (
    "unknown consumer ",
    "unknown platform, ",
    "so there is nothing to disable",
    "came before, and was different",
    "tool_consumer_instance_guid: the launch is from ",
    "is not a public address (private)",
)


@st.composite
def about_the_same(draw):
    """An event of any kind, as an entry, that shares its names with others."""
    fields = entry_of(draw(st.sampled_from(EVENTS).flatmap(made)))
    return fields | {name: draw(st.sampled_from(SHARED[name])) for name in SHARED if fields.get(name)}


@some
@given(events=st.lists(about_the_same(), min_size=5, max_size=40))
async def test_events_about_the_same_things_are_each_applied_or_refused_for_what_only_the_database_says(events):
    await empty_tables()
    for name in ("one", "two"):
        await add_campuses({"oauth_consumer_key": name})
        await add_campuses({"issuer": name, "client_id": name})
    results = await Daemon().take(*events)
    assert sum(results.values()) == len(events)
    for one in await quarantined():
        assert any(reason in one.reason for reason in BY_DESIGN), (one.reason, one.content)


CAMPUSES = {"oauth_consumer_key": "key", "issuer": "https://campus.example", "client_id": "client"}
BLOCKS = [{"usage_id": "c"}, {"usage_id": "p", "parent": "c", "points_possible": 2}]
TREE = {"type": "course.structure", "course_id": "c", "version": 1, "blocks": BLOCKS}
DISABLED_13 = {"type": "assignment.disabled", **{name: CAMPUSES[name] for name in ("issuer", "client_id")}}
DISABLED_13 |= {"lti_user_id": "sub", "lineitem": "https://campus.example/item"}
OUTCOME = "lis_outcome_service_url"


@pytest.mark.parametrize(
    ("documents", "reason"),
    [
        ([reading.LAUNCH | {"oauth_consumer_key": "other"}], "unknown consumer 'other': add it with"),
        ([reading.LAUNCH | {"oauth_consumer_key": "k" * 1024}], "unknown consumer 'kkk"),
        ([reading.LAUNCH | {"oauth_consumer_key": "1.3 client"}], "is the key of an LTI 1.3 platform"),
        ([reading.LAUNCH_13 | {"issuer": "https://other.example"}], "unknown platform, with issuer"),
        ([reading.DISABLED], "no launch of this consumer registered this sourcedid"),
        ([DISABLED_13], "no launch of this platform registered this learner"),
        ([TREE, TREE | {"blocks": BLOCKS[:1]}], "version 1 of this course's structure came before, and was different"),
        ([TREE | {"user_id": "u"}, TREE | {"user_id": "u", "blocks": []}], "version 1 of this learner's own structure"),
        ([TREE | {"blocks": [*BLOCKS, {"usage_id": "q"}]}], "blocks: "),
        (
            [reading.LAUNCH | {"tool_consumer_instance_guid": guid, "user_id": guid} for guid in ("a", "b")],
            "tool_consumer_instance_guid: the launch is from 'b'",
        ),
        ([reading.LAUNCH | {OUTCOME: "http://campus.example/o"}], f"{OUTCOME}: plain http is not allowed"),
        ([reading.LAUNCH | {OUTCOME: "https://10.0.0.1/o"}], f"{OUTCOME}: 10.0.0.1 is not a public address"),
        ([reading.LAUNCH_13 | {"lineitem": "https://10.0.0.1/o"}], "lineitem: 10.0.0.1 is not a public address"),
        ([reading.LAUNCH | {OUTCOME: f"https://{'h' * 400}/o"}], "its host is longer than 300 characters"),
        ([reading.SCORE | {"modified": "2099-12-31T23:59:59-23:00"}], "modified lies more than an hour ahead"),
    ],
)
async def test_what_no_schema_can_say_is_refused_with_its_reason(documents, reason):
    await add_campuses(CAMPUSES)
    entries = [entry_of(document) for document in documents]
    await Daemon(Egress()).take(*entries)
    (one,) = await quarantined()
    assert reason in one.reason
    assert one.entry_id == f"{NOW}-{len(entries)}"

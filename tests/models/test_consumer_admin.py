"""Adding, changing, listing and removing campuses."""

from functools import partial

import pytest

from models.assignment import GradedAssignment
from models.campus import Campus, OutcomeService
from models.consumer import LtiConsumer, origin
from models.consumer_admin import ConsumerError, listing, pause, pend, remove, resume
from models.consumer_admin import add as add_at
from models.delivery import Delivery, DeliveryRecord, write_deliveries
from tests.models.rows import changes, make_assignment, make_service, read_row, read_rows

pytestmark = pytest.mark.usefixtures("empty_database")

NOW = 50_000
CLEAN = {"version_number": 3, "sent_version": 3}
#: Dirty, and in backoff.
BACKED_OFF = {"version_number": 4, "sent_version": 3, "attempts": 9, "not_before": 99_000, "hold_until": 99_000}
#: What is said of an LTI 1.1 consumer in place of a platform's columns.
NO_PLATFORM = {"protocol": "lti-1.1"} | dict.fromkeys(
    ("issuer", "client_id", "deployment_id", "token_url", "audience", "kind")
)
OTHER_URL = "https://campus.example/p"


async def add(name="campus", key="key", secret="secret", *, guid=None):
    return await add_at(name, key, secret, guid=guid, now=NOW)


async def stored(key="key"):
    consumer = await LtiConsumer.get(consumer_key=key)
    return consumer.consumer_name, consumer.consumer_secret, consumer.instance_guid


@pytest.mark.parametrize(("guid", "expected"), [("guid", "guid"), (None, None), ("", None)])
async def test_a_consumer_is_added_and_a_blank_guid_is_none(guid, expected):
    assert await add(guid=guid) is True
    assert await stored() == ("campus", "secret", expected)


async def test_adding_a_known_key_changes_its_secret_and_name():
    await add(guid="guid")
    assert await add("renamed", "key", " other secret\n") is False
    assert await stored() == ("renamed", " other secret\n", "guid")
    await add("renamed", "key", "third", guid="other guid")
    assert await stored() == ("renamed", "third", "other guid")


async def test_a_name_that_another_key_has_is_refused_and_nothing_changed():
    await add()
    await add("other campus", "other key")
    for key in ("third key", "other key"):
        with pytest.raises(ConsumerError, match="'campus' is the name of the consumer with the key 'key'"):
            await add("campus", key, "other secret")
    assert await stored("other key") == ("other campus", "secret", None)
    assert not await LtiConsumer.exists(consumer_key="third key")


async def test_a_changed_secret_ends_the_backoff_of_that_consumers_dirty_rows_alone():
    service, other = await make_service(), await make_service("other campus")
    first = await make_assignment(service, **BACKED_OFF)
    second = await make_assignment(await make_service(url=OTHER_URL), **BACKED_OFF)
    others = [await make_assignment(service, **BACKED_OFF | CLEAN), await make_assignment(other, **BACKED_OFF)]
    before = await read_rows()
    await add(secret="other secret")
    assert await changes(first, before[0]) == {"attempts": 0, "not_before": 0}
    assert (await read_row(second))["not_before"] == 0
    assert [row for row in await read_rows() if row["id"] in others] == before[2:]


async def test_a_changed_secret_unparks_what_was_parked_for_the_campuss_set_up_or_may_be_so_and_nothing_else():
    service = await make_service()
    parked = {**BACKED_OFF, "parked_at": 1, "parked_reason": "HTTP 404"}
    for scope in ("campus", "learner", "course"):
        await make_assignment(service, **parked, parked_scope=scope)
    await make_assignment(service, **parked, parked_scope="learner", returns_at=1)
    await add(secret="other secret")
    rows = await read_rows()
    assert [(row["parked_at"], row["version_number"]) for row in rows] == [(None, 5), (1, 4), (1, 4), (None, 5)]
    assert (rows[0]["attempts"], rows[0]["due_at"]) == (0, NOW)


@pytest.mark.parametrize("change", [partial(add, secret="new"), partial(pend, "key", "new", now=NOW)])
async def test_a_changed_or_pending_secret_has_a_campus_that_is_down_probed_at_once_at_all_its_origins(change):
    here, other = await make_service(), await make_service("other campus")
    elsewhere = await make_service(url="https://elsewhere.example/o")
    await Campus.all().update(tripped_at=1, blocked_until=99_000, trips=5)
    await change()
    found = {row.id: (row.tripped_at, row.blocked_until, row.trips) for row in await Campus.all()}
    # With another time of tripping: a probe that is still under way is one of an earlier one.
    probed_now = (2, 0, 0)
    assert found == {here.campus_id: probed_now, elsewhere.campus_id: probed_now, other.campus_id: (1, 99_000, 5)}


async def test_the_list_is_sorted_by_name_and_counts_assignments():
    await add("b", "b", guid="guid")
    await add("a", "key a")
    services = [await make_service("b"), await make_service("b", OTHER_URL)]
    for service in services:
        await make_assignment(service, **CLEAN)
    origins = list(dict.fromkeys(map(origin, (service.lis_outcome_service_url for service in services))))
    assert await listing() == [
        {
            "consumer": "a",
            "key": "key a",
            "guid": None,
            "paused": False,
            "pending": False,
            **NO_PLATFORM,
            "assignments": 0,
            "origins": [],
        },
        {
            "consumer": "b",
            "key": "b",
            "guid": "guid",
            "paused": False,
            "pending": False,
            **NO_PLATFORM,
            "assignments": 2,
            "origins": origins,
        },
    ]


async def test_removing_deletes_services_assignments_and_delivery_records_and_nothing_of_others():
    service, other = await make_service(), await make_service("other campus")
    gone = [await make_assignment(service, **columns) for columns in (CLEAN, BACKED_OFF)]
    kept = await make_assignment(other)
    await write_deliveries(DeliveryRecord(one, 7, 1, 1, 1, "accepted", score="1") for one in (*gone, kept))
    assert await remove("key", now=NOW) == (2, 1), "one was not sent yet"
    assert [consumer["key"] for consumer in await listing()] == ["other campus"]
    assert [row.id for row in await GradedAssignment.all()] == [kept]
    assert [record.assignment_id for record in await Delivery.all()] == [kept]
    assert await OutcomeService.all().count() == await Campus.all().count() == 1


async def test_a_consumer_without_assignments_is_removed():
    await add()
    assert await remove("key", now=NOW) == (0, 0)


@pytest.mark.parametrize("key", ["key", "k" * 33])
@pytest.mark.parametrize(
    "work",
    [partial(remove, now=NOW), partial(pend, secret="s", now=NOW), partial(pause, now=NOW), partial(resume, now=NOW)],
)
async def test_an_unknown_key_says_where_to_look(work, key):
    with pytest.raises(ConsumerError, match=rf"no consumer with the key '{key}'.*passbackd consumer list"):
        await work(key)

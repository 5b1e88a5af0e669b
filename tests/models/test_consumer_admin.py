"""Adding, changing, listing and removing campuses."""

import pytest

from models.assignment import GradedAssignment
from models.campus import Campus, OutcomeService
from models.consumer import LtiConsumer
from models.consumer_admin import ConsumerError, listing, remove
from models.consumer_admin import add as add_at
from models.delivery import Delivery, DeliveryRecord, write_deliveries
from tests.models.rows import changes, make_assignment, make_service, read_row

pytestmark = pytest.mark.usefixtures("empty_database")

NOW = 50_000
CLEAN = {"version_number": 3, "sent_version": 3}
#: Dirty, and in backoff.
BACKED_OFF = {
    "version_number": 4,
    "sent_version": 3,
    "attempts": 9,
    "not_before": 99_000,
    "hold_until": 99_000,
}


async def add(*arguments, guid):
    return await add_at(*arguments, guid=guid, now=NOW)


async def service_of(key, url="https://campus.example/o"):
    consumer = await LtiConsumer.get(consumer_key=key)
    return await make_service(consumer.consumer_name, url)


async def stored(key="key"):
    consumer = await LtiConsumer.get(consumer_key=key)
    return consumer.consumer_name, consumer.consumer_secret, consumer.instance_guid


async def test_a_consumer_is_added():
    assert await add("campus", "key", "secret", guid="guid") is True
    assert await stored() == ("campus", "secret", "guid")


@pytest.mark.parametrize("guid", [None, ""])
async def test_a_blank_guid_is_none(guid):
    await add("campus", "key", "secret", guid=guid)
    assert await stored() == ("campus", "secret", None)


async def test_adding_a_known_key_changes_its_secret_and_name():
    await add("campus", "key", "secret", guid="guid")
    assert await add("renamed", "key", " other secret\n", guid=None) is False
    assert await stored() == ("renamed", " other secret\n", "guid")
    await add("renamed", "key", "third", guid="other guid")
    assert await stored() == ("renamed", "third", "other guid")


async def test_a_name_that_another_key_has_is_refused_and_nothing_changed():
    await add("campus", "key", "secret", guid=None)
    await add("other campus", "other key", "secret", guid=None)
    for key in ("third key", "other key"):
        with pytest.raises(ConsumerError, match="'campus' is the name of the consumer with the key 'key'"):
            await add("campus", key, "other secret", guid=None)
    assert await stored("other key") == ("other campus", "secret", None)
    assert not await LtiConsumer.exists(consumer_key="third key")


async def test_a_changed_secret_ends_the_backoff_of_that_consumers_grades():
    await add("campus", "key", "secret", guid=None)
    first = await make_assignment(await service_of("key"), **BACKED_OFF)
    second = await make_assignment(await service_of("key", "https://campus.example/p"), **BACKED_OFF)
    before = await read_row(first)
    await add("campus", "key", "other secret", guid=None)
    assert await changes(first, before) == {"attempts": 0, "not_before": 0}
    assert (await read_row(second))["not_before"] == 0


async def test_a_changed_secret_revives_what_the_campuss_set_up_had_parked_and_nothing_else():
    await add("campus", "key", "secret", guid=None)
    service = await service_of("key")
    parked = {**BACKED_OFF, "parked_at": 1, "parked_reason": "HTTP 404"}
    revived = await make_assignment(service, **parked, parked_scope="campus")
    others = [await make_assignment(service, **parked, parked_scope=scope) for scope in ("learner", "course")]
    await add("campus", "key", "other secret", guid=None)
    row = await read_row(revived)
    assert (row["parked_at"], row["version_number"], row["attempts"], row["due_at"]) == (None, 5, 0, NOW)
    for other in others:
        row = await read_row(other)
        assert (row["parked_at"], row["version_number"]) == (1, 4)


async def test_a_changed_secret_has_a_campus_that_is_down_probed_at_once():
    await add("campus", "key", "secret", guid=None)
    await add("other campus", "other key", "secret", guid=None)
    here, there = await service_of("key"), await service_of("other key")
    await Campus.all().update(tripped_at=1, blocked_until=99_000, trips=5)
    await add("campus", "key", "other secret", guid=None)
    found = {row.id: (row.tripped_at, row.blocked_until, row.trips) for row in await Campus.all()}
    assert found == {here.campus_id: (NOW, 0, 0), there.campus_id: (1, 99_000, 5)}


async def test_a_changed_secret_leaves_clean_rows_and_other_consumers_alone():
    await add("campus", "key", "secret", guid=None)
    await add("other campus", "other key", "secret", guid=None)
    clean = await make_assignment(await service_of("key"), **BACKED_OFF | CLEAN)
    other = await make_assignment(await service_of("other key"), **BACKED_OFF)
    before = [await read_row(clean), await read_row(other)]
    await add("campus", "key", "other secret", guid=None)
    assert [await read_row(clean), await read_row(other)] == before


async def test_the_list_is_sorted_by_name_and_counts_assignments():
    await add("b", "key b", "secret", guid="guid")
    await add("a", "key a", "secret", guid=None)
    service = await service_of("key b")
    await make_assignment(service)
    await make_assignment(await service_of("key b", "https://campus.example/p"), **CLEAN)
    assert await listing() == [
        {"consumer": "a", "key": "key a", "guid": None, "paused": False, "pending": False, "assignments": 0},
        {"consumer": "b", "key": "key b", "guid": "guid", "paused": False, "pending": False, "assignments": 2},
    ]


async def test_removing_takes_services_assignments_and_ledger_along_and_nothing_of_others():
    await add("campus", "key", "secret", guid=None)
    await add("other campus", "other key", "secret", guid=None)
    gone = await make_assignment(await service_of("key"), **CLEAN)
    kept = await make_assignment(await service_of("other key"))
    await write_deliveries(DeliveryRecord(one, 7, 1, 1, 1, "accepted", score="1") for one in (gone, kept))
    assert await remove("key") == (1, 0)
    assert [consumer["key"] for consumer in await listing()] == ["other key"]
    assert [row.id for row in await GradedAssignment.all()] == [kept]
    assert [line.assignment_id for line in await Delivery.all()] == [kept]
    assert await OutcomeService.all().count() == await Campus.all().count() == 1


async def test_a_consumer_without_assignments_is_removed():
    await add("campus", "key", "secret", guid=None)
    assert await remove("key") == (0, 0)


async def test_removing_a_consumer_says_how_many_grades_were_not_sent_yet():
    await add("campus", "key", "secret", guid=None)
    service = await service_of("key")
    await make_assignment(service, **CLEAN)
    await make_assignment(service, **BACKED_OFF)
    assert await remove("key") == (2, 1)
    assert await listing() == []


@pytest.mark.parametrize("key", ["key", "k" * 33])
async def test_removing_an_unknown_key_says_where_to_look(key):
    with pytest.raises(ConsumerError, match=rf"no consumer with the key '{key}'.*passbackd consumer list"):
        await remove(key)

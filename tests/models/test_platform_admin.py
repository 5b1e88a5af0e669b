"""Adding and changing LTI 1.3 platforms."""

from dataclasses import replace

import pytest

from models import consumer_admin
from models.campus import Campus, OutcomeService
from models.consumer import LtiConsumer
from models.consumer_admin import ConsumerError, listing, pend, set_guid
from models.due import read_capacity
from models.platform_admin import PlatformRecord, add_platform, platform_for_token
from tests.models.rows import make_assignment, make_service, read_row

pytestmark = pytest.mark.usefixtures("empty_database")

NOW = 50_000
PLATFORM = PlatformRecord(
    name="campus",
    key="key",
    issuer="https://lms.example",
    client_id="client",
    token_url="https://lms.example/token",
    token_audience="https://lms.example/audience",
    deployment_id="7",
    product="moodle",
)


async def add(platform=PLATFORM, **more):
    return await add_platform(platform, now=NOW, **more)


async def only():
    (row,) = await listing()
    return {name: row[name] for name in ("consumer", "key", "protocol", "issuer", "client_id", "token_url", "audience")}


async def test_a_platform_is_listed_with_what_it_was_added_with_and_has_no_secret():
    assert await add() is True
    (row,) = await listing()
    assert row == {
        "consumer": "campus",
        "key": "key",
        "guid": None,
        "paused": False,
        "pending": False,
        "protocol": "lti-1.3",
        "issuer": "https://lms.example",
        "client_id": "client",
        "deployment_id": "7",
        "token_url": "https://lms.example/token",
        "audience": "https://lms.example/audience",
        "kind": "moodle",
        "assignments": 0,
        "origins": [],
    }
    assert (await LtiConsumer.get()).consumer_secret == ""


async def test_a_known_key_is_changed_only_where_that_is_wished_for():
    await add()
    before = await only()
    changed = replace(
        PLATFORM, name="renamed", client_id="other", token_audience=None, deployment_id=None, product=None
    )
    with pytest.raises(ConsumerError, match="nothing was changed; --replace"):
        await add(changed)
    assert await only() == before
    assert await add(changed, replace=True) is False
    assert await only() == before | {"consumer": "renamed", "client_id": "other"}
    row = await LtiConsumer.get()
    assert (row.deployment_id, row.product, row.signing_kid) == ("7", "moodle", None)
    await add(replace(changed, token_audience=PLATFORM.token_url), replace=True)
    assert (await only())["audience"] == PLATFORM.token_url


async def test_the_audience_of_another_token_server_or_product_does_not_stay():
    own, server = PLATFORM.token_audience, "https://lms.example/other"
    for before, change, audience in (
        ("moodle", {"product": "canvas", "token_url": server}, None),
        ("moodle", {"product": "canvas"}, None),
        ("moodle", {"token_url": server}, None),
        ("moodle", {"token_url": server, "token_audience": "given"}, "given"),
        ("moodle", {"product": "moodle"}, own),
        (None, {"product": "moodle"}, own),
    ):
        await add(replace(PLATFORM, product=before))
        await add(replace(PLATFORM, **{"token_audience": None, "product": None, **change}), replace=True)
        assert (await only())["audience"] == audience, change
        await consumer_admin.remove("key", now=NOW)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"key": "other", "client_id": "other"}, "'campus' is the name of the consumer with the key 'key'"),
        ({"key": "other", "name": "other"}, "'campus', with the key 'key', has the client id 'client' at https"),
        ({"key": "old", "name": "old", "client_id": "other"}, "is that of 'old', an LTI 1.1 consumer.*--key"),
    ],
)
@pytest.mark.parametrize("replacing", [False, True])
async def test_a_platform_in_anothers_place_is_refused_and_nothing_is_stored(other, words, replacing):
    await consumer_admin.add("old", "old", "secret", guid=None, now=NOW)
    await add()
    before = await listing()
    with pytest.raises(ConsumerError, match=words):
        await add(replace(PLATFORM, **other), replace=replacing)
    assert await listing() == before


async def test_the_same_client_id_at_another_issuer_is_another_platform():
    await add()
    await add(replace(PLATFORM, name="other", key="other", issuer="https://other.example"))
    assert [row["client_id"] for row in await listing()] == ["client", "client"]


async def test_a_changed_platform_gets_what_waited_for_that_at_once():
    await add()
    service = await make_service()
    parked = {"version_number": 4, "sent_version": 3, "parked_at": 1, "parked_scope": "campus", "not_before": 99_000}
    assignment = await make_assignment(service, **parked)
    await Campus.all().update(tripped_at=1, blocked_until=99_000)
    await add(replace=True)
    row = await read_row(assignment)
    assert (row["parked_at"], row["not_before"]) == (None, 0)
    assert (await Campus.get()).blocked_until == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda: consumer_admin.add("campus", "key", "secret", guid=None, now=NOW),
        lambda: pend("key", "secret", now=NOW),
        lambda: set_guid("key", "guid"),
    ],
)
async def test_a_platform_gets_neither_secret_nor_guid(change):
    await add()
    before = await listing()
    with pytest.raises(ConsumerError, match=r"an LTI 1.3 platform.*platform add --replace"):
        await change()
    assert await listing() == before


async def test_nothing_is_stored_if_it_cannot_be_recorded():
    async def fail():
        raise OSError("no log")

    with pytest.raises(OSError, match="no log"):
        await add(record=fail)
    assert await listing() == []


@pytest.mark.parametrize("change", ["replace", "resume"])
async def test_a_corrected_platform_is_asked_at_once_although_its_token_server_asked_for_a_pause(change):
    await add()
    service = await make_service("campus", "https://lms.example/items/1")
    await LtiConsumer.all().update(consumer_key="key", issuer="https://lms.example", client_id="client")
    await make_assignment(service, version_number=2, sent_version=1, due_at=1)
    await Campus.all().update(blocked_until=NOW + 900_000, answered_at=1)
    assert await read_capacity(now=NOW, max_per_campus=4) == []
    if change == "replace":
        await add(replace=True)
    else:
        await consumer_admin.resume("key", now=NOW)
    (campus,) = await read_capacity(now=NOW, max_per_campus=4)
    assert campus.corrected_at == NOW


@pytest.mark.parametrize(
    ("operators", "named", "deployment"),
    [
        (None, [], None),
        (None, [None], None),
        (None, ["1", None, "1"], "1"),
        (None, ["1", "2"], None),
        ("7", ["1", "2"], "7"),
        ("7", ["1"], "7"),
    ],
)
async def test_a_token_is_asked_for_in_the_deployment_that_all_launches_name(operators, named, deployment):
    await add(replace(PLATFORM, deployment_id=operators))
    for number, one in enumerate(named):
        service = await make_service("campus", f"https://lms.example/items/{number}")
        await OutcomeService.filter(id=service.id).update(deployment_id=one)
    platform = await LtiConsumer.get()
    assert (await platform_for_token(platform.id)).deployment_id == deployment
    assert (await LtiConsumer.get()).deployment_id == operators, "what the operator said is left alone"
    assert await platform_for_token(platform.id + 1) is None

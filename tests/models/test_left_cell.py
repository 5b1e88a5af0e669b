"""A row that comes into a cell of a platform which another row has left does not know what that one sent there."""

import json
from typing import Any

import pytest
from tortoise.transactions import in_transaction

from models import consumer_admin
from models.assignment import GradedAssignment
from models.changes import Change, change
from models.claims import claim
from models.consumer import LtiConsumer, digest
from models.db.sql import CHUNK, connection, is_postgres, reader
from models.left_cell import LeftCell
from models.moment import Moment
from models.platform_admin import PlatformRecord, add_platform
from models.retirement import retire
from models.stream_position import read_position
from tests.models.claiming import DEBOUNCE, campuses_answered, ended, lease
from tests.models.launching import CLEAN, LAUNCH, NOW, NOW_US, launch, launched
from tests.models.rows import read_row
from tests.models.test_platform_launches import ISSUER, ITEM, OTHER_ITEM, OVER_13

LINK = {"resource_link_id": "link"}
SENT = CLEAN | {"stamp": NOW // 1000 + 90}


@pytest.fixture(autouse=True)
async def platform(two_consumers):
    values = {"consumer_name": "platform", "consumer_key": "uni", "consumer_secret": ""}
    await LtiConsumer.create(**values, issuer=ISSUER, client_id="client")


async def removed_and_added_again():
    await consumer_admin.remove("uni", now=NOW)
    await add_platform(PlatformRecord("platform", "uni", ISSUER, "client", f"{ISSUER}/t"), now=NOW)
    return await launch(OVER_13, later=9, **LINK)


async def retired_and_launched_anew():
    async with in_transaction():
        await retire("learner", await read_position(), moment=Moment(NOW_US + 1), now=NOW)
    return await launch(OVER_13, later=9, **LINK)


async def given_to_another_learner():
    await launch(OVER_13, later=1, lis_result_sourcedid="another", **LINK)
    return await launch(OVER_13, later=9, user_id="another learner", **LINK)


async def left_for_another_line_item():
    await launch(OVER_13, later=1, lis_outcome_service_url=OTHER_ITEM, **LINK)
    return await launch(OVER_13, later=9, user_id="another learner", **LINK)


DOORS = [removed_and_added_again, retired_and_launched_anew, given_to_another_learner, left_for_another_line_item]


async def next_claim(assignment_id):
    await campuses_answered()
    (made,) = await claim([assignment_id], lease(NOW), most=1)
    return made


@pytest.mark.parametrize("door", DOORS)
async def test_the_next_row_of_a_cell_is_ordered_until_it_has_sent_a_score(door):
    await launched(OVER_13, columns=SENT, **LINK)
    _, assignment_id = await door()
    first = await next_claim(assignment_id)
    assert first.is_ordered
    await ended(first, "empty", now=NOW)
    assert (await read_row(assignment_id))["sent_version"] == first.version, "nothing is dirty that has no score"
    for outcome, is_ordered in (("overtaken", True), ("accepted", True), ("accepted", False)):
        await change([Change(assignment_id, "leaf")], now=NOW, debounce=DEBOUNCE)
        made = await next_claim(assignment_id)
        assert made.is_ordered == is_ordered
        await ended(made, outcome, now=NOW, score="0.5")


async def test_a_row_leaves_its_cell_only_if_it_may_have_sent_a_score():
    for number, (outcome, how, leaves) in enumerate(
        (
            ("empty", {}, False),
            ("waiting", {}, False),
            ("released", {"given_back": True}, False),
            (None, {}, True),
            ("in_doubt", {"hold_until": NOW + 1}, True),
            ("overruled", {"result": "overtaken"}, True),
            ("retried", {"result": "unknown"}, True),
            ("accepted", {"score": "0.5"}, True),
        )
    ):
        await launched(OVER_13, user_id=str(number), lis_result_sourcedid=str(number))
        before, made = await LeftCell.all().count(), await next_claim((await GradedAssignment.get()).id)
        if outcome is not None:
            await ended(made, outcome, now=NOW, **how)
        async with in_transaction():
            await retire(str(number), await read_position(), moment=Moment(NOW_US + 1), now=NOW)
        assert await LeftCell.all().count() - before == int(leaves), outcome


async def test_a_row_of_lti_1_1_leaves_nothing():
    await launched(LAUNCH, columns=SENT, user_id="of lti 1.1")
    await consumer_admin.remove("key", now=NOW)
    assert not await LeftCell.exists()


async def test_another_cell_of_the_same_line_item_or_learner_is_not_ordered():
    await launched(OVER_13, columns=SENT, **LINK)
    await retired_and_launched_anew()
    for cell in ({"lis_result_sourcedid": "another"}, {"lis_outcome_service_url": OTHER_ITEM}):
        _, assignment_id = await launch(OVER_13, later=9, user_id=str(cell), **cell)
        assert (await read_row(assignment_id))["ordered_version"] == 0


async def test_a_cell_that_is_left_twice_is_on_record_once_and_names_no_learner():
    for later in (0, 10):
        await launched(OVER_13, later=later, columns=SENT, **LINK)
        await removed_and_added_again()
        await consumer_admin.remove("uni", now=NOW)
        await add_platform(PlatformRecord("platform", "uni", ISSUER, "client", f"{ISSUER}/t"), now=NOW)
    (left,) = await LeftCell.all().values()
    assert not {ITEM, "sub", "learner"} & set(map(str, left.values()))
    assert len(left["digest"]) == 64


class Counting:
    """Runs statements, and counts the rows that are given to one of them at most."""

    def __init__(self) -> None:
        self.is_postgres = is_postgres()
        self.most = 0

    async def execute_query_dict(self, query: str, values: list[Any]) -> list[dict[str, Any]]:
        given = [json.loads(value) for value in values if str(value).startswith("[")]
        self.most = max([self.most, *map(len, given)])
        return await connection().execute_query_dict(query, values)


async def test_the_cells_of_a_platform_that_is_removed_are_noted_a_chunk_at_a_time():
    row = await GradedAssignment.get(id=await launched(OVER_13, columns=SENT, **LINK))
    others = [{"id": row.id + number, "sourcedid_digest": digest(str(number))} for number in range(1, CHUNK + 1)]
    await GradedAssignment.bulk_create(row.clone().update_from_dict(one) for one in others)
    counting = Counting()
    token = reader.set(counting)
    try:
        assert await consumer_admin.remove("uni", now=NOW) == (CHUNK + 1, 0)
    finally:
        reader.reset(token)
    assert await LeftCell.all().count() == CHUNK + 1
    assert counting.most == CHUNK

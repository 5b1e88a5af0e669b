"""A grade that the campus accepts, from the message to the row."""

import pytest

from tests.actors.campuses import make_composite, other_campus, structured
from tests.actors.sending import KEY, PATH, SOURCEDID, on_one_engine, scored
from tests.fakes import lms as fake
from tests.models.rows import PROBLEM, make_assignment, read_lines, read_row


async def test_a_leaf_is_sent_signed_with_its_newest_score(sending, lms, leaf):
    await sending.send(leaf)
    (request,) = lms.requests
    assert (request.sourcedid, request.score, request.path_qs) == (SOURCEDID, "0.5", PATH)
    assert (request.content_type, request.consumer_key, request.verified) == ("application/xml", KEY, True)
    assert request.timestamp == str(sending.now // 1000)
    row = await read_row(leaf)
    assert (row["sent_version"], row["sent_score"], row["sent_at"]) == (1, "0.5", sending.now)
    assert (row["attempts"], row["claimed_until"]) == (0, None)


async def test_a_composite_is_the_unrounded_sum_below_its_block(sending, lms, campus):
    await structured()
    await scored(1, 1, PROBLEM)
    composite = await make_composite(campus)
    await sending.send(composite)
    assert lms.scores(SOURCEDID) == ["0.25"]
    assert sending.counted(kind="composite", result="accepted") == 1


@on_one_engine
async def test_one_url_of_two_consumers_is_signed_with_each_ones_own_secret(sending, lms, campus):
    other = await other_campus(lms, path=PATH)
    await scored(1, 2)
    for service in (campus, other):
        await sending.send(await make_assignment(service, lis_result_sourcedid=SOURCEDID))
    assert [request.consumer_key for request in lms.requests] == [KEY, "other"]
    assert [request.verified for request in lms.requests] == [True, True]
    assert sending.counted(consumer="other", result="accepted") == 1


@on_one_engine
@pytest.mark.parametrize(("earned", "sent"), [(12, "1"), (-1, "0")])
async def test_a_value_above_one_or_below_zero_is_clamped_counted_and_noted(sending, lms, campus, earned, sent):
    await scored(earned, 10)
    leaf = await make_assignment(campus, lis_result_sourcedid=SOURCEDID)
    await sending.send(leaf)
    (line,) = await read_lines(leaf)
    assert lms.scores(SOURCEDID) == [sent]
    assert (line["score"], bool(line["clamped"])) == (sent, True)
    assert sending.value("passback_clamped_total", consumer="campus") == 1


async def test_the_offset_of_a_campuss_clock_is_measured(sending, lms, leaf):
    lms.behave = fake.always(fake.success(headers={"Date": "Thu, 01 Jan 1970 00:00:00 GMT"}))
    await sending.send(leaf)
    assert sending.value("passback_clock_offset_seconds", consumer="campus") == pytest.approx(
        -sending.now / 1000, abs=1
    )

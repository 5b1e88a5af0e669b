"""What quarantine keeps of an entry; finding quarantined events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.db.sql import Statement, is_postgres
from models.quarantine import (
    QUARANTINE_BYTES,
    EventFilter,
    EventGroup,
    QuarantinedEvent,
    by_reason,
    content_of,
    fields_of,
    in_order,
    label_events,
    newest_of,
    reasons_of,
)
from tests.models.plans import plan, whole_tables


@given(st.dictionaries(st.binary(min_size=1, max_size=20), st.binary(max_size=60), max_size=8))
def test_what_is_kept_whole_is_read_as_it_was(entry):
    content, truncated = content_of(entry)
    assert (fields_of(content), truncated) == (entry, False)


@pytest.mark.parametrize("more", [0, 1])
def test_what_does_not_fit_is_cut_off_and_says_so(more):
    content, truncated = content_of({b"a": b"x" * (QUARANTINE_BYTES - 2 + more)})
    assert (len(content), truncated) == (QUARANTINE_BYTES, bool(more))


def test_what_is_kept_reads_like_the_entry():
    assert content_of({b"type": b"launch", b"title": b"two\nlines"})[0] == b"type=launch\ntitle=two\\nlines"


async def kept(entry_id="1-0", *, epoch=0, kind="launch", **more):
    row = await QuarantinedEvent.create(
        epoch=epoch, entry_id=entry_id, at=5, type=kind, reason="why", content=b"", **more
    )
    return row.id


@pytest.mark.usefixtures("empty_database")
async def test_each_selector_narrows_down():
    one = await kept(user_id="ada", consumer_key="k")
    two = await kept(user_id="ada", kind="score.changed")
    three = await kept(consumer_key="k")
    four = await kept(course_id="c", kind="course.structure")
    for wanted, ids in (
        (EventFilter(), {one, two, three, four}),
        (EventFilter(ids=(one, three)), {one, three}),
        (EventFilter(type="launch"), {one, three}),
        (EventFilter(user_id="ada"), {one, two}),
        (EventFilter(consumer_key="k", user_id="ada"), {one}),
        (EventFilter(course_id="c"), {four}),
        (EventFilter(reasons=("why",)), {one, two, three, four}),
        (EventFilter(reasons=("other", "why"), type="launch"), {one, three}),
        (EventFilter(reasons=()), set()),
        (EventFilter(from_id=three), {three, four}),
        (EventFilter(from_id=two, to_id=three), {two, three}),
    ):
        assert {event.id for event in await wanted.events()} == ids == set(await in_order(wanted))


@pytest.mark.usefixtures("empty_database")
async def test_the_order_is_that_of_the_entries_by_number_within_each_epoch():
    ids = [await kept(entry, epoch=epoch) for entry, epoch in (("5-0", 1), ("10-0", 0), ("9-10", 0), ("9-9", 0))]
    assert await in_order(EventFilter()) == [ids[3], ids[2], ids[1], ids[0]]


@pytest.mark.usefixtures("empty_database")
async def test_events_are_counted_by_reason_type_consumer_and_course_the_most_first():
    await kept(consumer_key="k", course_id="c")
    await kept(kind="score.changed")
    newest = await kept(consumer_key="k", course_id="c")
    assert (await by_reason(EventFilter(), 40))[0] == EventGroup(2, "launch", "k", "c", "why", newest)
    assert [group.number for group in await by_reason(EventFilter(), 40)] == [2, 1]
    assert [group.type for group in await by_reason(EventFilter(type="score.changed"), 40)] == ["score.changed"]
    assert len(await by_reason(EventFilter(), 1)) == 1
    await kept(consumer_key="k", course_id="other")
    assert [group.number for group in await by_reason(EventFilter(type="launch"), 40)] == [2, 1]
    assert await reasons_of(EventFilter()) == ["why"]


@pytest.mark.usefixtures("empty_database")
async def test_what_a_platform_sent_is_found_by_its_key_and_what_another_with_that_client_id_sent_is_not():
    own, others = [], []
    for number in range(1_002):
        issuer = ("https://a", "https://b")[number % 2]
        content, _ = content_of({b"type": b"launch", b"issuer": issuer.encode(), b"client_id": b"7"})
        row = QuarantinedEvent(epoch=0, entry_id="1-0", at=5, type="launch", reason="", content=content)
        row.consumer_key = "7"
        (others if number % 2 else own).append(row)
    await QuarantinedEvent.bulk_create(own + others)
    await kept(consumer_key="7")
    await label_events("https://a", "7", "a key")
    assert await EventFilter(consumer_key="a key").events().count() == 501
    assert await EventFilter(consumer_key="7").events().count() == 502


@pytest.mark.usefixtures("empty_database")
@pytest.mark.parametrize("type_", [None, "launch", "score.changed"])
async def test_the_newest_are_counted_before_the_type_narrows_them_down(type_):
    ids = [await kept(kind=kind, user_id="ada") for kind in ("score.changed", "launch", "launch", "score.changed")]
    await kept(user_id="bob")
    wanted = await newest_of(EventFilter(type=type_, user_id="ada"), 3)
    assert wanted.from_id == ids[1]
    expected = {None: ids[1:], "launch": ids[1:3], "score.changed": ids[3:]}[type_]
    assert [event.id for event in await wanted.events().order_by("id")] == expected


@pytest.mark.usefixtures("empty_database")
async def test_fewer_than_the_newest_are_all_of_them():
    await kept()
    assert await newest_of(EventFilter(), 2) == EventFilter()


async def steps_of(query):
    return await plan(Statement(query.sql(params_inline=True)))


@pytest.mark.usefixtures("empty_database")
@pytest.mark.parametrize(
    "asked", [{"user_id": "a"}, {"consumer_key": "k"}, {"course_id": "c"}, {"ids": (1, 2)}], ids=str
)
async def test_the_newest_of_some_are_found_by_an_index(asked):
    steps = await steps_of(EventFilter(**asked).events().order_by("-id").offset(9).limit(1))
    assert whole_tables(steps) == [], steps


@pytest.mark.usefixtures("empty_database")
async def test_the_newest_of_all_are_found_by_their_ids_without_sorting():
    steps = await steps_of(EventFilter().events().order_by("-id").offset(9).limit(1))
    assert "pkey" in steps if is_postgres() else "TEMP B-TREE" not in steps, steps


@pytest.mark.usefixtures("empty_database")
async def test_among_the_newest_the_type_needs_no_index():
    ranged = EventFilter(type="launch", from_id=5)
    for query in (ranged.events().order_by("-id").limit(5), ranged.events().distinct().values_list("reason")):
        steps = await steps_of(query)
        assert whole_tables(steps) == [], steps
    assert whole_tables(await steps_of(EventFilter(type="launch").events())) == ["quarantined_event"]

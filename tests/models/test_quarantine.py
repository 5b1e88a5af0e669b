"""What quarantine keeps of an entry; looking at quarantined events in order, and dropping them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.quarantine import (
    QUARANTINE_BYTES,
    QuarantinedEvent,
    Which,
    content_of,
    count,
    drop,
    fields_of,
    find,
    in_order,
    newest,
    note_reason,
)


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
        epoch=epoch, entry_id=entry_id, at=5, type=kind, reason="why", content=b"type=launch", **more
    )
    return row.id


@pytest.mark.usefixtures("empty_database")
async def test_each_selector_narrows_down():
    one = await kept(user_id="ada", consumer_key="k")
    two = await kept(user_id="ada", kind="score.changed")
    three = await kept(consumer_key="k")
    for which, ids in (
        (Which(), {one, two, three}),
        (Which(ids=(one, three)), {one, three}),
        (Which(type="launch"), {one, three}),
        (Which(user_id="ada"), {one, two}),
        (Which(consumer_key="k", user_id="ada"), {one}),
    ):
        assert {event.id for event in await newest(which, most=9)} == ids == set(await in_order(which))
        assert await count(which) == len(ids)
    assert await drop(Which(user_id="ada")) == 2
    assert [event.id for event in await newest(Which(), most=9)] == [three]


@pytest.mark.usefixtures("empty_database")
async def test_the_order_is_that_of_the_entries_by_number_within_each_epoch():
    ids = [await kept(entry, epoch=epoch) for entry, epoch in (("5-0", 1), ("10-0", 0), ("9-10", 0), ("9-9", 0))]
    assert await in_order(Which()) == [ids[3], ids[2], ids[1], ids[0]]


@pytest.mark.usefixtures("empty_database")
async def test_the_newest_come_first_and_no_more_than_asked_for():
    ids = [await kept() for _ in range(3)]
    assert [event.id for event in await newest(Which(), most=2)] == [ids[2], ids[1]]


@pytest.mark.usefixtures("empty_database")
async def test_an_event_is_found_with_its_content_and_may_get_another_reason():
    event_id = await kept(truncated=True)
    await note_reason(event_id, "still")
    event = await find(event_id)
    assert event is not None
    assert (event.content, event.truncated, event.reason) == (b"type=launch", True, "still")
    assert await find(event_id + 1) is None

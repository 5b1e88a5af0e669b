"""Stale events are noted, one row a kind and block."""

from models.stale_event import StaleEvent, note_stale

ABOUT = {"user_id": "learner", "course_id": "course", "usage_id": "problem"}


async def test_of_many_stale_events_about_a_block_the_newest_and_their_number_are_kept(empty_database):
    for number in (1, 2, 3):
        await note_stale("score.changed", **ABOUT, entry_id=f"{number}-0", modified_us=number * 1000, now=number)
    await note_stale("launch", **ABOUT, entry_id="4-0", modified_us=4000, now=4)
    rows = await StaleEvent.all().order_by("at").values("type", "number", "entry_id", "modified_us", "at")
    assert rows == [
        {"type": "score.changed", "number": 3, "entry_id": "3-0", "modified_us": 3000, "at": 3},
        {"type": "launch", "number": 1, "entry_id": "4-0", "modified_us": 4000, "at": 4},
    ]

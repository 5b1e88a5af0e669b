"""A replay applies events and a drop deletes them, and each those alone that the form names."""

import pytest

from daemon.pages.quarantine_forms import MAX_REPLAYED
from models.action import actions
from models.assignment import GradedAssignment
from models.quarantine import QuarantinedEvent
from models.score import Score
from tests.conftest import shared_url
from tests.daemon.ingest.reading import LAUNCH, SCORE
from tests.daemon.pages.quarantined import (
    add_consumer,
    ids_left,
    kept,
    of_a_group,
    one_line,
    several,
    to_the_group,
)
from tests.daemon.why.story import NOW

__all__ = ["shared_url"]

# --- Replaying ---


async def test_a_replay_applies_one_event_and_says_so(anna):
    event_id, other = await kept(1), await kept(2, LAUNCH | {"usage_id": "other"})
    await add_consumer()
    await anna.get(f"/quarantine/{event_id}")
    status, _ = await anna.change(f"/quarantine/{event_id}/replay")
    assert (status, "1 event replayed: 1 applied." in anna.words) == (200, True)
    assert (await GradedAssignment.get()).usage_id == LAUNCH["usage_id"]
    assert [event.id for event in await QuarantinedEvent.all()] == [other]
    (action,) = await actions()
    assert (action["account"], action["command"]) == ("anna (web)", "quarantine replay")
    assert (action["selection"], action["counts"]) == ({"ids": [event_id]}, {"applied": 1})


async def test_what_is_refused_stays_with_its_reason(anna):
    event_id = await kept(1, reason="why it was refused then")
    await anna.get(f"/quarantine/{event_id}")
    await anna.change(f"/quarantine/{event_id}/replay")
    assert "1 event replayed: 1 refused." in anna.words
    reason = (await QuarantinedEvent.get()).reason
    assert reason != "why it was refused then"
    assert one_line(reason) in anna.words
    assert (await actions())[0]["counts"] == {"refused": 1}


async def test_a_replay_of_a_group_applies_it_in_the_order_of_its_entries_and_no_other(anna):
    group = await of_a_group()
    everything = await ids_left()
    await add_consumer()
    await to_the_group(anna)
    rows = anna.table("The first 2, in the order of their entries")
    assert [row["entry"] for row in rows] == [f"{NOW - 10**6 + number}-0" for number in (3, 9)]
    await anna.change("/quarantine/replay")
    assert "2 events replayed: 2 applied." in anna.words
    assert await ids_left() == everything - group
    assert {row.lis_result_sourcedid for row in await GradedAssignment.all()} == {"newer", "older"}
    (action,) = await actions()
    assert (action["command"], action["counts"]) == ("quarantine replay", {"applied": 2})
    assert action["selection"] == {"type": "launch", "consumer": "key", "course": "course", "newest": max(group)}


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"consumer_key": None}, "2 launch in course course (newest"),
        ({"course_id": None}, "2 launch, consumer key key (newest"),
        ({"consumer_key": None, "course_id": None}, "2 launch (newest"),
    ],
    ids=str,
)
async def test_a_group_that_names_no_campus_or_course_is_of_those_alone_that_name_none(anna, about, words):
    group = await of_a_group(**about)
    everything = await ids_left()
    await to_the_group(anna, words)
    await anna.change("/quarantine/drop", confirm="yes")
    assert await ids_left() == everything - group


async def test_what_differs_in_what_it_quotes_is_one_group_and_is_refused_in_a_few_words(anna):
    await several()
    await to_the_group(anna, "2 score.changed in course course")
    await anna.change("/quarantine/replay")
    assert "2 events replayed: " in anna.words
    (action,) = await actions()
    assert action["selection"].keys() == {"type", "course", "newest"}
    assert "ada" not in str(action)


async def test_a_score_that_is_right_by_now_is_applied(anna):
    await kept(1, SCORE, reason="it was refused", user_id="ada")
    await to_the_group(anna, "1 score.changed")
    await anna.change("/quarantine/replay")
    assert "1 event replayed: 1 applied." in anna.words
    assert await Score.all().count() == 1


async def test_a_large_group_is_replayed_in_parts(anna):
    like = await QuarantinedEvent.get(id=await kept(1, truncated=True, epoch=99))
    copies = [like.clone(pk=None) for _ in range(MAX_REPLAYED + 2)]
    await QuarantinedEvent.bulk_create(copies)
    await to_the_group(anna, f"{MAX_REPLAYED + 3} launch")
    assert f"The first {MAX_REPLAYED} of them at once" in anna.words
    await anna.change("/quarantine/replay")
    assert f"{MAX_REPLAYED} events replayed: {MAX_REPLAYED} refused." in anna.words
    assert "What was refused is still there." in anna.words


# --- Dropping ---


async def test_a_drop_deletes_one_event_once_it_is_confirmed(anna):
    event_id, other = await kept(1), await kept(2)
    await anna.get(f"/quarantine/{event_id}")
    assert anna.page.xpath("//input[@name='confirm']/@required")
    first = anna.page
    status, _ = await anna.change(f"/quarantine/{event_id}/drop")
    assert (status, await ids_left(), await actions()) == (400, {event_id, other}, [])
    anna.page = first
    status, _ = await anna.change(f"/quarantine/{event_id}/drop", confirm="yes")
    assert (status, "1 event dropped." in anna.words) == (200, True)
    assert await ids_left() == {other}
    (action,) = await actions()
    assert (action["command"], action["selection"], action["counts"]) == (
        "quarantine drop", {"ids": [event_id]}, {"events": 1},
    )  # fmt: skip


async def test_a_drop_of_a_group_deletes_it_and_neither_others_nor_what_came_since(anna):
    group = await of_a_group()
    await to_the_group(anna)
    first = anna.page
    since = await kept(20, consumer_key="key", course_id="course")
    everything = await ids_left()
    assert (await anna.change("/quarantine/drop"))[0] == 400
    assert await ids_left() == everything
    anna.page = first
    await anna.change("/quarantine/drop", confirm="yes")
    assert "2 events dropped." in anna.words
    assert await ids_left() == everything - group
    assert since in await ids_left()
    (action,) = await actions()
    assert (action["command"], action["counts"]) == ("quarantine drop", {"events": 2})


@pytest.mark.parametrize("change", ["gone", "another reason", "another type", "another key", "another course"])
@pytest.mark.parametrize("action", ["replay", "drop"])
async def test_a_group_that_is_another_one_by_now_is_left_alone(anna, action, change):
    group = await of_a_group()
    await to_the_group(anna)
    events = QuarantinedEvent.filter(id__in=group)
    if change == "gone":
        await events.delete()
    else:
        column = {"another key": "consumer_key", "another course": "course_id"}.get(change, change.split()[1])
        await events.update(**{column: "new"})
    everything = await ids_left()
    assert (await anna.change(f"/quarantine/{action}", confirm="yes"))[0] == 409
    assert (await ids_left(), await actions()) == (everything, [])


@pytest.mark.parametrize("fields", [{}, {"newest": "x"}, {"newest": "-1"}, {"newest": "9" * 40}, {"newest": "1"},
                                    {"newest": "1", "group": "0" * 24}])  # fmt: skip
async def test_a_form_that_is_not_whole_changes_nothing(anna, fields):
    await of_a_group()
    everything = await ids_left()
    await anna.get("/")
    for action in ("replay", "drop"):
        status, _ = await anna.post(f"/quarantine/{action}", confirm="yes", **fields)
        assert status in (400, 409)
        await anna.get("/")
    assert (await anna.get("/quarantine/group", params=fields))[0] in (400, 409)
    assert (await ids_left(), await actions()) == (everything, [])


async def test_support_looks_and_has_no_forms(anna, ben):
    group = await of_a_group()
    await to_the_group(ben)
    assert ben.actions == []
    await ben.get(f"/quarantine/{min(group)}")
    assert ben.actions == []
    await anna.get(f"/quarantine/{min(group)}")
    assert anna.actions == [f"/quarantine/{min(group)}/replay", f"/quarantine/{min(group)}/drop"]
    everything = await ids_left()
    await ben.get("/")
    for path in anna.actions:
        assert (await ben.post(path, confirm="yes"))[0] == 403
        await ben.get("/")
    assert await ids_left() == everything

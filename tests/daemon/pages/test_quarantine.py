"""The pages of quarantine say what the commands say."""

import pytest

from daemon.infra.text import past, printable
from daemon.pages.quarantine import QuarantineShown, quarantine_page
from models.action import actions
from models.quarantine import QuarantinedEvent
from tests.daemon.ingest.reading import LAUNCH
from tests.daemon.pages.quarantined import (
    hostile,
    kept,
    more_than_are_listed,
    nothing,
    one_event,
    one_line,
    several,
)
from tests.daemon.why.story import TERMS

TABLES = [nothing, one_event, several, more_than_are_listed, hostile]


def assert_lists(browser, events):
    """The table has these events, as JSON, in this order."""
    rows = browser.table("Events, the newest first") if events else []
    names = {"id": "id", "entry": "entry_id", "type": "type", "learner": "user_id", "course": "course_id",
             "reason": "reason"}  # fmt: skip
    assert [{name: row[name] for name in names} for row in rows] == [
        {name: one_line(str(event[column] if event[column] is not None else "")) for name, column in names.items()}
        for event in events
    ]


@pytest.mark.parametrize("fill", TABLES, ids=lambda fill: fill.__name__)
async def test_the_page_says_what_the_command_says(anna, command, fill):
    await fill()
    events = await command("quarantine", "list", "--json")
    printed = await command("quarantine", "list")
    _, text = await anna.get("/quarantine")
    assert_lists(anna, events)
    assert ("Nothing is in quarantine." in anna.words) is (not events)
    assert [row["read"] for row in (anna.table("Events, the newest first") if events else [])] == [
        past((await QuarantinedEvent.get(id=event["id"])).at, TERMS.zone, seconds=True) for event in events
    ]
    counted = [line for line in printed.splitlines() if " events: " in line or " event: " in line or "(newest" in line]
    if len(events) > 1:
        assert counted
        shown = [" ".join(one.text_content().split()) for one in anna.page.xpath("//article/h2 | //article//li")]
        assert shown == [" ".join(line.split()) for line in counted]
    assert "<script>alert" not in text


@pytest.mark.parametrize(
    "asked",
    [
        {"type": "launch"},
        {"type": "unknown"},
        {"type": "sco"},
        {"user": "ada"},
        {"consumer": "key"},
        {"course": "elsewhere"},
        {"type": "score.changed", "user": "bob", "course": "course"},
        {"consumer": "of no one"},
    ],
    ids=str,
)
async def test_filters_narrow_the_page_down_as_they_do_the_command(ben, command, asked):
    await several()
    options = [part for name, value in asked.items() for part in (f"--{name}", value)]
    events = await command("quarantine", "list", "--json", *options)
    await ben.get("/quarantine", params=asked)
    assert_lists(ben, events)
    assert ("Nothing of this is in quarantine." in ben.words) is (not events)


async def test_what_was_not_counted_is_said():
    shown = QuarantineShown((None,) * 4, [], [], 0, cut=True)
    assert "Counted are the newest 10000 events" in str(quarantine_page(shown, TERMS)[1])


@pytest.mark.parametrize("number", [1, 2])
async def test_an_event_is_shown_with_its_whole_content(ben, command, number):
    await hostile()
    event_id = (await QuarantinedEvent.all().order_by("id"))[number - 1].id
    said = await command("quarantine", "show", str(event_id), "--json")
    _, text = await ben.get(f"/quarantine/{event_id}")
    (content,) = ben.page.xpath("//pre")
    assert content.text_content() == printable(said["content"], "\n")
    assert one_line(said["reason"]) in ben.words
    assert "<script>alert" not in text
    assert not {"\x1b", "\u202e", "\u2028"} & set(text)


async def test_of_an_event_that_was_cut_the_page_says_so(ben):
    event_id = await kept(1, LAUNCH | {"context_title": "x" * 9000})
    await ben.get(f"/quarantine/{event_id}")
    assert "Only the beginning was kept" in ben.words


async def test_an_event_that_is_not_there_is_an_error(anna):
    assert (await anna.get("/quarantine/5"))[0] == 404
    await one_event()
    for action in ("replay", "drop"):
        await anna.get("/")
        assert (await anna.post(f"/quarantine/{10**17}/{action}", confirm="yes"))[0] == 404
    assert (await actions(), await QuarantinedEvent.all().count()) == ([], 1)

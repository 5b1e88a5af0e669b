"""The page of actions has what the command lists, a page at a time."""

import pytest

from daemon.infra.text import past, printable
from daemon.pages.actions import MAX_SHOWN_ACTIONS
from models.action import actions, record_action
from tests.conftest import shared_url
from tests.daemon.pages.conftest import HOSTILE
from tests.daemon.why.story import NOW, TERMS

__all__ = ["shared_url"]

CAPTION = "What was changed, the newest first"


async def done(number, account="anna (web)", **selection):
    what = {"consumer": "key", "force": True, **selection}
    await record_action("resend", what, {"marked": number}, account=account, host="here", now=NOW + number * 1000)


def as_rows(printed):
    """The lines of the command's table as those of the page, without their blanks and their times."""
    return ["".join(line.split())[len("2026-03-0214:15CET") :] for line in printed.splitlines()[1:]]


async def test_the_page_says_what_the_command_says(ben, command):
    await done(1)
    await done(2, "root (by sudo: carl)", user="ada", ids=[1, 2])
    await done(3, "ben (web)", course=HOSTILE)
    listed, printed = await command("actions", "--json"), await command("actions")
    _, text = await ben.get("/actions")
    rows = ben.table(CAPTION)
    assert [row["when"] for row in rows] == [
        past(NOW + number * 1000, TERMS.zone, seconds=True) for number in (3, 2, 1)
    ]
    assert [(row["who"], row["host"], row["command"]) for row in rows] == [
        (one["account"], one["host"], one["command"]) for one in listed
    ]
    shown = [
        "".join(f"{row['who']}{row['host']}{row['command']}{row['on what']}{row['how many']}".split()) for row in rows
    ]
    assert shown == as_rows(printed)
    assert "<script>alert" not in text


async def test_an_account_with_hostile_words_is_shown_and_found(anna):
    await done(1)
    await done(2, HOSTILE)
    _, text = await anna.get("/actions")
    assert "<script>alert" not in text
    assert not {"\x1b", "\u202e", "\u2028"} & set(text)
    await anna.follow(" ".join(printable(HOSTILE).split()))
    assert [row["how many"] for row in anna.table(CAPTION)] == ["marked 2"]


async def test_without_actions_the_page_says_so(ben):
    await ben.get("/actions")
    assert "Nothing was done here." in ben.words
    assert not ben.page.xpath("//main//table")


async def test_all_are_reached_a_page_at_a_time(ben):
    for number in range(2 * MAX_SHOWN_ACTIONS + 5):
        await done(number, "anna" if number % 2 else "carl")
    await ben.get("/actions")
    found = []
    for size in (MAX_SHOWN_ACTIONS, MAX_SHOWN_ACTIONS, 5):
        rows = ben.table(CAPTION)
        assert len(rows) == size
        found += [row["how many"] for row in rows]
        if size == MAX_SHOWN_ACTIONS:
            await ben.follow("Older ones")
    assert found == [f"marked {one['counts']['marked']}" for one in await actions()]
    assert "Older ones" not in ben.words


async def test_those_of_one_account_are_shown_alone_on_each_page(ben):
    for number in range(2 * MAX_SHOWN_ACTIONS + 2):
        await done(number, "anna" if number % 2 else "carl")
    await ben.get("/actions")
    await ben.follow("anna")
    assert ben.page.xpath("//input[@name='account']/@value") == ["anna"]
    assert {row["who"] for row in ben.table(CAPTION)} == {"anna"}
    assert len(ben.table(CAPTION)) == MAX_SHOWN_ACTIONS
    await ben.follow("Older ones")
    assert [row["how many"] for row in ben.table(CAPTION)] == ["marked 1"]


@pytest.mark.parametrize(
    "query", ["before=x", "before=-1", "before=", "before=" + "9" * 40, "account=%00", "account=" + "a" * 9000]
)
async def test_junk_is_answered_with_words(anna, query):
    status, text = await anna.get(f"/actions?{query}")
    assert status == 400
    assert "failed (" not in text


async def test_a_part_of_a_name_finds_its_actions(ben):
    await done(1, "ben (web)")
    await done(2, "root (by sudo: ben)")
    await done(3, "carl")
    await ben.get("/actions?account=ben")
    assert {row["who"] for row in ben.table(CAPTION)} == {"ben (web)", "root (by sudo: ben)"}
    await ben.get("/actions?account=%25")
    assert "Nothing was done" in ben.words, "a sign of patterns is none here"

"""The page of the keys with which this tool signs."""

import pytest

from daemon.support.keys import KEY_STATE_WORDS
from models.action import actions
from models.key_admin import key_listing
from models.tool_key import ToolKey
from tests.conftest import shared_url
from tests.daemon.pages.conftest import one_line
from tests.daemon.why.story import NOW

__all__ = ["shared_url"]

CAPTION = "Signing keys"


async def made(browser):
    """A key, made on the page."""
    await browser.get("/keys")
    await browser.change("/keys")
    return (await key_listing(NOW))[-1]["kid"]


async def test_without_keys_it_says_what_makes_the_first(ben):
    await ben.get("/keys")
    assert "No key yet, so that nothing can go out over LTI 1.3." in ben.words
    assert ben.actions == []


async def test_a_key_that_is_made_is_listed_and_recorded(anna, ben):
    kids = [await made(anna), await made(anna)]
    assert f"The key {kids[1]} is made and published." in anna.words
    rows = anna.table(CAPTION)
    assert [row["key"] for row in rows] == kids
    assert [row["state"] for row in rows] == ["signs", "published, does not sign yet"]
    assert [row["state"] for row in rows] == [KEY_STATE_WORDS[one["state"]] for one in await key_listing(NOW)]
    assert [(one["command"], one["selection"]["key"]) for one in await actions()] == [
        ("keys new", kids[1]), ("keys new", kids[0]),
    ]  # fmt: skip
    await ben.get("/keys")
    assert ben.table(CAPTION) == rows
    assert ben.actions == []


async def test_a_key_is_withdrawn_once_that_is_confirmed(anna):
    kid = await made(anna)
    first = anna.page
    assert "There is no other key" in anna.words
    status, _ = await anna.submit("/keys/withdraw")
    assert (status, "No key was withdrawn" in anna.words) == (400, True)
    assert (await ToolKey.get()).withdrawn_at is None
    anna.page = first
    await anna.change("/keys/withdraw", confirm="yes")
    assert f"The key {kid} is withdrawn. No key signs now, and nothing goes out over LTI 1.3" in anna.words
    assert (await ToolKey.get()).private_pem == ""
    assert anna.table(CAPTION)[0]["state"] == "withdrawn"
    assert "/keys/withdraw" not in anna.actions


async def test_after_a_leak_the_new_key_signs_at_once(anna):
    leaked, fresh = await made(anna), await made(anna)
    assert "There is no other key" not in anna.words
    forms = anna.page.xpath("//form[@action='/keys/withdraw']")
    form = next(one for one in forms if leaked in one.xpath(".//input[@name='kid']/@value"))
    await anna.post("/keys/withdraw", kid=form.xpath(".//input[@name='kid']/@value")[0], confirm="yes")
    await anna.get(anna.answer.headers["Location"])
    assert f"The key {leaked} is withdrawn. {fresh} signs now" in anna.words
    assert [row["state"] for row in anna.table(CAPTION)] == ["withdrawn", "signs"]


@pytest.mark.parametrize("kid", ["", "unknown", "a" * 300, "<script>"])
async def test_a_key_that_is_not_there_cannot_be_withdrawn(anna, kid):
    await made(anna)
    status, _ = await anna.submit("/keys/withdraw", confirm="yes", kid=kid)
    assert status == 409
    assert one_line(f"there is no key {kid!r}") in anna.words
    assert (await ToolKey.get()).withdrawn_at is None


async def test_no_page_shows_the_private_half(anna):
    await made(anna)
    assert "PRIVATE" not in (await anna.get("/keys"))[1]

"""How many requests for pages are worked on at once, and what becomes of them when the daemon stops or fails."""

import asyncio
from dataclasses import replace

import pytest

from daemon.ingest.stream import Stream
from daemon.pages.assets import read_assets
from daemon.pages.login import Logins
from daemon.pages.login_limit import LoginLimit
from daemon.pages.passwords import PasswordVerifier
from daemon.pages.serving import LOOKS, Pages
from models.action import actions
from tests.daemon.pages.conftest import STREAM


class SlowStream(Stream):
    """Gives an entry once it is let; counts those who wait."""

    def __init__(self, redis):
        super().__init__(redis, STREAM)
        self.waiting, self.most, self.let = 0, 0, asyncio.Event()

    async def entry(self, entry_id):
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await self.let.wait()
        self.waiting -= 1
        return await super().entry(entry_id)


class BrokenStream(Stream):
    async def entry(self, entry_id):
        raise OSError("redis://user:secret@host is away")


async def test_no_more_than_a_few_requests_are_worked_on_at_once(anna, site):
    slow = SlowStream(site.opened.stream.redis)
    site.opened = replace(site.opened, stream=slow)
    asking = [asyncio.create_task(anna.session.get("/learners?q=1-1")) for _ in range(3 * LOOKS)]
    async with asyncio.timeout(60):
        while slow.waiting < LOOKS:
            await asyncio.sleep(0.01)
    slow.let.set()
    answers = await asyncio.gather(*asking)
    assert {answer.status for answer in answers} == {200}
    assert slow.most == LOOKS


async def test_a_page_that_fails_says_so_without_what_the_fault_says(anna, site, caplog):
    site.opened = replace(site.opened, stream=BrokenStream(site.opened.stream.redis, STREAM))
    status, text = await anna.get("/learners?q=1-1")
    assert (status, "secret" in text) == (503, False)
    assert anna.words.startswith("This page cannot be shown now")
    assert anna.page.xpath("//nav"), "the frame is that of who is logged in"
    assert "secret" not in caplog.text


async def test_a_page_that_is_not_there_says_so(anna):
    status, _ = await anna.get("/assignments/999999")
    assert (status, anna.words.startswith("This page is not there")) == (404, True)
    assert anna.page.xpath("//nav")


@pytest.mark.parametrize("path", ["/", "/learners", "/activities", "/parked", "/quarantine", "/actions"])
async def test_the_head_of_a_page_can_be_asked_for(anna, path):
    status, text = await anna.ask("HEAD", path)
    assert (status, text) == (200, "")


async def test_while_the_daemon_starts_or_stops_there_is_no_page(anna, site):
    site.opened = None
    status, text = await anna.get("/")
    assert (status, text) == (503, "the daemon is starting or stopping: try again in a moment\n")


async def test_a_daemon_that_stops_waits_for_changes_under_way(site, clock):
    pages = Pages(site, read_assets(), Logins(LoginLimit(clock.monotonic), PasswordVerifier()))
    await pages._changes.acquire()
    closing = asyncio.create_task(pages.close())
    await asyncio.sleep(0.05)
    assert (site.opened, closing.done()) == (None, False)
    pages._changes.release()
    await closing
    assert await actions() == []

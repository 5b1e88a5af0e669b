"""What is on the screen is shown anew by a script, without a reload and without disturbing anyone. Its time is ours."""

from contextlib import asynccontextmanager

import htpy as h
import pytest
from aiohttp import web
from playwright.async_api import expect

from daemon.pages.assets import read_assets
from daemon.pages.layout import Frame, Page, render_page
from daemon.pages.overview import REFRESH_SECONDS
from daemon.pages.serving import POLICY
from daemon.web.server import web_server
from models.quarantine import QuarantinedEvent
from tests.browser.sites import OPERATOR
from tests.daemon.why.story import NOW

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Milliseconds from one look to the next.
ROUND = REFRESH_SECONDS * 1000


async def quarantine():
    await QuarantinedEvent.create(
        epoch=0, entry_id="1-0", at=NOW, type="launch", reason="no consumer has the key x", content=b"type=launch"
    )


@asynccontextmanager
async def watching(visiting, path="/"):
    """An operator at a page whose timers go when they are made to; *asked*: what the page has asked for since."""
    async with visiting(who=OPERATOR) as anna:
        await anna.page.clock.install()
        await anna.open(path)
        await anna.page.evaluate("window.loadedOnce = true")
        anna.asked = []
        anna.page.on("request", lambda request: anna.asked.append(request.url))
        yield anna
        assert await anna.page.evaluate("window.loadedOnce"), "the page was not loaded again"


async def test_new_content_is_shown_without_a_reload(visiting):
    async with watching(visiting) as anna:
        await expect(anna.page.locator("main")).to_contain_text("All is well")
        await quarantine()
        await anna.page.clock.run_for(ROUND)
        await expect(anna.page.locator("main")).to_contain_text("1 event in quarantine")
        assert anna.troubles == []


async def test_without_scripts_the_page_is_as_it_was_asked_for(visiting):
    async with visiting(who=OPERATOR, scripted=False) as anna:
        await anna.open("/")
        await quarantine()
        await anna.open("/")
        await expect(anna.page.locator("main")).to_contain_text("1 event in quarantine")


async def test_a_page_that_shows_one_moment_is_left_alone(visiting):
    async with watching(visiting, "/learners?q=42") as anna:
        await anna.page.clock.run_for(10 * ROUND)
        await anna.follow("Physics I: Momentum")
        await anna.reads("Physics I: Momentum")
        assert [url for url in anna.asked if "/learners" in url] == []
        await anna.page.evaluate("window.loadedOnce = true")


async def test_while_a_daemon_is_away_the_page_says_that_it_is_old(visiting, site):
    async with watching(visiting) as anna:
        await site.stop()
        async with anna.page.expect_event("requestfailed"):
            await anna.page.clock.run_for(ROUND)
        await expect(anna.page.get_by_role("status")).to_contain_text("Not up to date")
        await quarantine()
        await site.start()
        await anna.page.clock.run_for(ROUND)
        await expect(anna.page.locator("main")).to_contain_text("1 event in quarantine")
        await expect(anna.page.get_by_role("status")).to_contain_text("Shown anew every")
        assert anna.troubles == ["Failed to load resource: net::ERR_CONNECTION_REFUSED"]


async def test_while_a_daemon_starts_the_page_says_that_it_is_old(visiting, site):
    async with watching(visiting) as anna:
        opened, site.site.opened = site.site.opened, None
        async with anna.page.expect_response(lambda answer: answer.status == 503):
            await anna.page.clock.run_for(ROUND)
        await expect(anna.page.get_by_role("status")).to_contain_text("Not up to date")
        site.site.opened = opened
        await quarantine()
        await anna.page.clock.run_for(ROUND)
        await expect(anna.page.locator("main")).to_contain_text("1 event in quarantine")


async def test_once_a_session_is_over_the_page_says_that_it_is_old(visiting):
    async with watching(visiting) as anna:
        await anna.page.context.clear_cookies()
        async with anna.page.expect_event("requestfailed"):
            await anna.page.clock.run_for(ROUND)
        await expect(anna.page.get_by_role("status")).to_contain_text("Not up to date")


async def test_a_visitor_who_does_not_want_it_stops_it_and_has_it_go_on(visiting):
    async with watching(visiting) as anna:
        await anna.page.get_by_role("button", name="Stop refreshing").click()
        await quarantine()
        await anna.page.clock.run_for(3 * ROUND)
        await expect(anna.page.locator("main")).to_contain_text("All is well")
        assert anna.asked == []
        await anna.page.get_by_role("button", name="Stop refreshing").click()
        await anna.page.clock.run_for(ROUND)
        await expect(anna.page.locator("main")).to_contain_text("1 event in quarantine")


# --- Visitors who are at work, at a page that has all that can be worked with ---


@asynccontextmanager
async def numbered_pages():
    """Where each answer has the next number; yields the address."""
    assets, number = read_assets(), 0

    async def answer(_request):
        nonlocal number
        number += 1
        content = (
            h.p(id="number")[f"Number {number}"],
            h.form[h.label(for_="word")["Word"], h.input("#word", name="word")],
            h.details[h.summary["More"], h.p["All that there is."]],
            h.p(id="elsewhere")["Nothing to work with."],
        )
        words = render_page(Page("Numbers", content, refresh=REFRESH_SECONDS), Frame("/", assets.version))
        return web.Response(text=words, content_type="text/html", headers={"Content-Security-Policy": POLICY})

    async def asset(request):
        return assets.answer(request.match_info["name"])

    app = web.Application()
    app.router.add_get("/", answer)
    app.router.add_get("/static/{name}", asset)
    async with web_server(app, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}/"


async def select_words(page):
    await page.evaluate("getSelection().selectAllChildren(document.getElementById('elsewhere'))")


async def unselect(page):
    await page.evaluate("getSelection().removeAllRanges()")


async def type_a_word(page):
    await page.get_by_label("Word").fill("half a w")


async def leave(page):
    await page.evaluate("document.activeElement.blur()")


async def type_and_leave(page):
    await type_a_word(page)
    await leave(page)


async def clear(page):
    await page.get_by_label("Word").fill("")
    await leave(page)


async def open_more(page):
    await page.get_by_text("More", exact=True).click()


async def open_more_and_click_elsewhere(page):
    await open_more(page)
    await page.locator("#elsewhere").click()


async def close_more(page):
    await open_more(page)
    await page.locator("#elsewhere").click()


@pytest.mark.parametrize(
    ("work", "end"),
    [(type_a_word, clear), (type_and_leave, clear), (open_more, close_more),
     (open_more_and_click_elsewhere, close_more), (select_words, unselect)],
)  # fmt: skip
async def test_a_visitor_at_work_is_not_disturbed(visiting, work, end):
    async with numbered_pages() as address, visiting() as someone:
        page, asked = someone.page, []
        await page.clock.install()
        await page.goto(address)
        page.on("request", lambda request: asked.append(request.url))
        await work(page)
        await page.clock.run_for(3 * ROUND)
        await end(page)
        await page.clock.run_for(ROUND)
        await expect(page.locator("#number")).to_have_text("Number 2")
        assert asked == [address], "it was asked for once, when the work was done"
        assert someone.troubles == []

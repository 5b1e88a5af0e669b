"""The pages by keyboard alone."""

import pytest
from playwright.async_api import expect

from tests.browser.shown import LOOKS, PAGES
from tests.browser.sites import SUPPORT
from tests.daemon.pages.conftest import PASSWORD

pytestmark = pytest.mark.asyncio(loop_scope="session")

# What can have the focus, in the order of the page.
_CONTROLS = """
[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
    .filter((control) => control.checkVisibility())  // not what a closed part holds
    .map((control, place) => (control.dataset.place = String(place)))
"""
# Which of these has it, whether it is marked, and whether the mark is on the screen.
_FOCUSED = """
() => {
    const style = getComputedStyle(document.activeElement), box = document.activeElement.getBoundingClientRect();
    return {
        place: document.activeElement.dataset.place,
        marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        seen: box.width > 0 && box.height > 0 && box.left >= 0 && box.right <= innerWidth
            && box.top >= 0 && box.bottom <= innerHeight,
    };
}
"""


@pytest.mark.parametrize("look", ["light 1440", "dark 360"])
@pytest.mark.parametrize("page", PAGES)
async def test_tab_reaches_every_control_in_order_and_shows_where_it_is(visiting, page, look):
    async with visiting(who=PAGES[page].who, look=LOOKS[look]) as someone:
        await someone.open(PAGES[page].path)
        places = await someone.page.evaluate(_CONTROLS)
        assert places[:1] == ["0"]
        # Nothing has a focus of its own when the page comes.
        assert await someone.page.evaluate("document.activeElement === document.body")
        for place in places:
            await someone.page.keyboard.press("Tab")
            assert await someone.page.evaluate(_FOCUSED) == {"place": place, "marked": True, "seen": True}


async def test_the_first_tab_leads_past_the_navigation(visiting, scripted):
    async with visiting(scripted=scripted, who=SUPPORT) as ben:
        await ben.open("/learners")
        await ben.page.keyboard.press("Tab")
        await expect(ben.page.get_by_role("link", name="To the content")).to_be_focused()
        await ben.page.keyboard.press("Enter")
        await expect(ben.page.locator("main")).to_be_focused()
        await ben.page.keyboard.press("Tab")
        await expect(ben.page.get_by_role("searchbox")).to_be_focused()


async def tab_to(page, control):
    for _ in range(50):
        if await control.evaluate("control => control === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    pytest.fail("Tab does not lead there")


async def test_enter_logs_in_looks_for_a_grade_and_opens_it(visiting, scripted):
    async with visiting(scripted=scripted) as ben:
        page = ben.page
        await ben.open("/learners")
        for label, word in (("Name", SUPPORT), ("Password", PASSWORD)):
            await tab_to(page, page.get_by_label(label))
            await page.keyboard.type(word)
        await page.keyboard.press("Enter")
        await ben.reads("Where is my grade?")
        await tab_to(page, page.get_by_role("searchbox"))
        await page.keyboard.type("42")
        await page.keyboard.press("Enter")
        await tab_to(page, page.get_by_role("link", name="Physics I: Momentum"))
        await page.keyboard.press("Enter")
        await ben.reads("Physics I: Momentum")
        await tab_to(page, page.get_by_role("button", name="Send it again"))
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_contain_text("due: learner 42")
        assert ben.troubles == []

"""Every page with nothing, little and much to show, light and dark, on a telephone and at a desk."""

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.browser.data import COUNTS
from tests.browser.shown import LOOKS, PAGES, WCAG
from tests.browser.visits import visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("page", PAGES)
async def test_everyone_can_use_the_page(browser, site_of_size, page, look):
    size, site = site_of_size
    shown = PAGES[page]
    status = 200 if COUNTS[size] >= shown.least else 404
    async with visitor(browser, site, who=shown.who, look=LOOKS[look]) as someone:
        assert await someone.open(shown.path) == status
        # The browser's own words about the status that is wanted.
        said = [f"Failed to load resource: the server responded with a status of {status} (Not Found)"]
        assert someone.troubles == (said if status == 404 else [])
        wide, width = await someone.page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
        assert wide <= width, "what is shown is wider than the screen"
        found = await Axe().run(someone.page, options={"runOnly": {"type": "tag", "values": WCAG}})
        assert not found.response["violations"], found.generate_report()
        assert found.response["passes"], "axe has looked"


async def test_axe_finds_what_keeps_people_from_using_a_page(browser, site_of_size):
    _, site = site_of_size
    async with visitor(browser, site, who=None) as someone:
        await someone.open("/login")
        await someone.page.evaluate("document.querySelectorAll('label').forEach(label => label.remove())")
        found = await Axe().run(someone.page, options={"runOnly": {"type": "tag", "values": WCAG}})
        assert [one["id"] for one in found.response["violations"]] == ["label"]

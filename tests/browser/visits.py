"""Visitors with a browser each, and what their browsers complain of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, Page, expect

from tests.browser.shown import LOOKS, Look
from tests.browser.sites import Served
from tests.daemon.pages.conftest import PASSWORD

#: Milliseconds for which something is waited for, on a machine that has other work.
PATIENCE = 30_000


@dataclass
class Visitor:
    """
    Someone at a page.

    Args:
        troubles: What the console says: errors of scripts, and what the policy of the page's contents forbids.
    """

    page: Page
    site: Served
    troubles: list[str] = field(default_factory=list)

    async def open(self, path: str) -> int:
        """The status of the answer."""
        answer = await self.page.goto(self.site.url + path)
        assert answer is not None, "an address without an answer"
        return answer.status

    async def reads(self, title: str) -> None:
        """Wait until this is the page that is shown."""
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(title)

    async def log_in(self, name: str, password: str = PASSWORD) -> None:
        await self.page.get_by_label("Name").fill(name)
        await self.page.get_by_label("Password").fill(password)
        await self.press("Log in")

    async def press(self, button: str) -> None:
        await self.page.get_by_role("button", name=button).click()

    async def follow(self, link: str) -> None:
        await self.page.get_by_role("link", name=link, exact=True).click()

    @property
    def path(self) -> str:
        """Of the page, with its query."""
        return self.page.url.removeprefix(self.site.url)


@asynccontextmanager
async def visitor(
    browser: Browser, site: Served, *, who: str | None = None, look: Look = LOOKS["light 1440"], scripted: bool = True
) -> AsyncIterator[Visitor]:
    """
    A visitor with a browser that is new.

    Args:
        who: Is logged in already.
        scripted: Whether the browser runs scripts.
    """
    context = await browser.new_context(
        color_scheme=look.scheme,
        viewport={"width": look.width, "height": look.height},
        java_script_enabled=scripted,
    )
    context.set_default_timeout(PATIENCE)
    if who is not None:
        await context.add_cookies([await site.cookie(who)])
    one = Visitor(await context.new_page(), site)
    one.page.on("console", lambda said: said.type in ("error", "warning") and one.troubles.append(said.text))
    one.page.on("pageerror", lambda error: one.troubles.append(str(error)))
    yield one
    await context.close()

"""
A real Chromium, and sites that it asks.

All tests here share one event loop, in which the driver of the browser lives.
"""

import sys
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from tests.browser.data import SIZES
from tests.browser.sites import served
from tests.browser.visits import PATIENCE, visitor


def chromium() -> Path:
    """The program, as `make test` made it."""
    program = Path(sys.prefix) / "chromium/bin/chromium"
    assert program.exists(), "the pages need Chromium: `make .venv/chromium` puts it into .venv"
    return program


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser():
    """Without its sandbox, which wants rights that a machine for tests may lack: it loads pages of the tests alone."""
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), chromium_sandbox=False, args=["--disable-gpu"]
        )
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
def module_database(_postgres, _migrated_postgresql):
    """Makes databases for the tests of a file."""
    urls = []

    def make():
        urls.append(_postgres.create_database(like=_migrated_postgresql))
        return urls[-1]

    yield make
    for url in urls:
        _postgres.drop_database(url)


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=SIZES)
async def site_of_size(request, module_database, _valkey_9):
    """How much there is, and the site that has it, for tests that only look."""
    async with served(module_database(), _valkey_9.fresh_url()) as site:
        await SIZES[request.param](site)
        yield request.param, site


@pytest_asyncio.fixture(loop_scope="session")
async def site(migrated_database, valkey_url):
    """A site with one assignment, for a test of its own."""
    async with served(migrated_database("sqlite"), valkey_url) as site:
        await SIZES["one"](site)
        yield site


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def scripted(request):
    """Whether the browser runs scripts."""
    return request.param


@pytest.fixture
def visiting(browser, site):
    """Makes visitors of the site, within a context."""
    return partial(visitor, browser, site)

"""``python -m tests.browser.screenshots FOLDER``: makes the pictures of docs/pages.md, in few colours and so small."""

import asyncio
import io
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from PIL import Image
from playwright.async_api import async_playwright

from models.db.migrate import migrate
from models.db.sql import connection
from tests import servers
from tests.browser.conftest import chromium
from tests.browser.data import many
from tests.browser.shown import COURSE, LOOKS
from tests.browser.sites import OPERATOR, served
from tests.browser.visits import visitor
from tests.postgres import PostgresServer, postgres_binaries

#: The pages, by the names of their pictures, and the looks.
PICTURES = {
    "overview": "/",
    "assignment": "/assignments/50",
    "course": f"/activities?course={COURSE}",
    "campus": "/campuses/1",
}
SHOWN_IN = ("light 1440", "dark 360")
COLOURS = 128


@contextmanager
def running() -> Iterator[tuple[str, str]]:
    """The addresses of an empty database and of a Redis."""
    with (
        servers.run_folder() as folder,
        closing(PostgresServer(folder / "postgresql", postgres_binaries())) as postgres,
        closing(servers.RedisServer(folder / "valkey", servers.valkey_binary())) as valkey,
    ):
        yield postgres.create_database(), valkey.fresh_url()


async def take(folder: Path, database_url: str, redis_url: str) -> None:
    """Write every picture into the folder."""
    await migrate(database_url)
    async with served(database_url, redis_url) as site, async_playwright() as playwright:
        await many(site)
        await connection().execute_script("UPDATE lti_consumer SET consumer_name = 'Example University ' || id")
        browser = await playwright.chromium.launch(
            executable_path=chromium(), chromium_sandbox=False, args=["--disable-gpu"]
        )
        for name, path in PICTURES.items():
            for look in SHOWN_IN:
                async with visitor(browser, site, who=OPERATOR, look=LOOKS[look]) as anna:
                    await anna.open(path)
                    taken = await anna.page.screenshot()
                file = folder / f"{name}-{look.replace(' ', '-')}.png"
                Image.open(io.BytesIO(taken)).convert("RGB").quantize(COLOURS).save(file, optimize=True)
        await browser.close()


def main() -> str | None:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        return "python -m tests.browser.screenshots FOLDER, which is there"
    with running() as addresses:
        asyncio.run(take(Path(sys.argv[1]), *addresses))
    return None


if __name__ == "__main__":
    sys.exit(main())

"""What is sent in numbers, or slowly, keeps no rightful user out: from elsewhere they get in at once."""

from contextlib import AsyncExitStack

import pytest

from daemon.pages.serving import CHANGES, STRANGERS
from tests.daemon.pages.attacks.wire import connection

SLOW = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n{more}\r\n"


@pytest.mark.parametrize("path", ["/login", "/logout", "/quarantine/drop"])
@pytest.mark.parametrize("more", ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"])
async def test_forms_that_never_end_take_no_ones_turn(anna, stranger, path, more):
    port, (cookie,) = stranger.session._base_url.port, anna.session.cookie_jar
    more += f"Cookie: {cookie.key}={cookie.value}\r\n"
    async with AsyncExitStack() as stack:
        for _ in range(2 * (STRANGERS + CHANGES)):
            _, writer = await stack.enter_async_context(connection(port))
            writer.write(SLOW.format(path=path, more=more).encode())
            await writer.drain()
        assert (await stranger.get("/livez"))[0] == 200
        assert (await stranger.get("/static/style.css"))[0] == 200
        await stranger.log_in()
        await stranger.get("/")
        assert (await stranger.post("/logout"))[0] == 303

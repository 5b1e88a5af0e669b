"""The public key set on the web port: up to date, and the last known one while the database is away."""

import asyncio
import json

import aiohttp
import pytest

from actors.metrics import Metrics
from daemon.web.health import Health
from daemon.web.key_set import REFRESH, PublishedKeySet
from daemon.web.server import application, web_server
from models.db.clock import Clock
from models.db.sql import Statement
from models.encryption import Cipher, new_key
from models.key_admin import make_signing_key, withdraw_key

CIPHER = Cipher([new_key()])
DAY_MS = 86_400_000
HIDE, SHOW = Statement("ALTER TABLE tool_key RENAME TO hidden"), Statement("ALTER TABLE hidden RENAME TO tool_key")


class Seconds:
    """A clock that goes only where the test moves it."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


@pytest.fixture
def key_set(seconds):
    return PublishedKeySet(CIPHER, DAY_MS, seconds)


@pytest.fixture
async def clock(empty_database):
    clock = Clock()
    await clock.measure()
    return clock


@pytest.fixture
async def get(key_set):
    """Gives the answer to a request for the set, read to its end."""
    app = application(Health(), Metrics("1.2.3"), key_set)
    async with web_server(app, "127.0.0.1", 0) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:

        async def get(**headers):
            async with session.get("/jwks", headers=headers) as answer:
                await answer.read()
                return answer

        yield get


async def make(clock):
    return await make_signing_key(CIPHER, now=clock.now(), ahead_ms=DAY_MS)


async def kids(get):
    answer = await get()
    assert answer.status == 200
    return [one["kid"] for one in json.loads(await answer.text())["keys"]]


async def test_before_the_database_is_open_the_set_is_not_known(get):
    answer = await get()
    assert (answer.status, answer.headers["Cache-Control"]) == (503, "no-store")


async def test_the_set_has_its_media_type_and_may_be_kept_for_much_less_than_a_new_key_waits(get, key_set, clock):
    await make(clock)
    key_set.opened(clock)
    answer = await get()
    assert answer.content_type == "application/jwk-set+json"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    (one,) = json.loads(await answer.text())["keys"]
    assert set(one) == {"kty", "n", "e", "alg", "use", "kid"}


@pytest.mark.parametrize(("hours", "seconds_kept"), [(0, 0), (1, 450), (8, 3600), (240, 3600)])
def test_the_time_for_which_the_set_may_be_kept_follows_the_setting(key_set, hours, seconds_kept):
    key_set.ahead_ms = hours * 3_600_000
    assert key_set.max_age == seconds_kept


async def test_a_platform_gets_the_set_by_whichever_name_it_asks_for(get, key_set, clock):
    key_set.opened(clock)
    assert (await get(Host="tool.example.edu")).status == 200


async def test_a_new_key_and_a_withdrawal_show_after_a_while_and_not_with_each_request(get, key_set, clock, seconds):
    first = await make(clock)
    key_set.opened(clock)
    assert await kids(get) == [first.kid]
    second = await make(clock)
    assert await kids(get) == [first.kid], "it was read just now"
    seconds.now += REFRESH
    assert await kids(get) == [second.kid, first.kid]
    await withdraw_key(first.kid, now=clock.now())
    seconds.now += REFRESH
    assert await kids(get) == [second.kid]


async def test_without_a_key_the_set_is_empty_and_not_to_be_kept_since_the_first_key_signs_at_once(get, key_set, clock):
    key_set.opened(clock)
    assert await kids(get) == []
    assert (await get()).headers["Cache-Control"] == "no-store"


async def test_while_the_database_fails_the_last_known_set_is_served_and_the_new_one_afterwards(
    get, key_set, clock, seconds
):
    first = await make(clock)
    key_set.opened(clock)
    assert await kids(get) == [first.kid]
    second = await make(clock)
    await HIDE.rows()
    try:
        seconds.now += REFRESH
        assert await kids(get) == [first.kid]
        assert await kids(get) == [first.kid], "nor is it asked again at once"
    finally:
        await SHOW.rows()
    seconds.now += REFRESH
    assert await kids(get) == [second.kid, first.kid]


async def test_many_requests_at_once_read_once(get, key_set, clock):
    made = await make(clock)
    key_set.opened(clock)
    answers = await asyncio.gather(*(kids(get) for _ in range(20)))
    assert answers == [[made.kid]] * 20
    assert key_set._reading is None

"""The setup that each fault strikes: on PostgreSQL and Valkey, and for some faults also on SQLite and Redis 6.2."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from zlib import crc32

import pytest
from joserfc.jwk import RSAKey

from models.consumer import LtiConsumer
from models.db.database import open_database
from tests.blackbox.forked import Forking
from tests.blackbox.world import KEY, NAME, SECRET, World
from tests.fakes.lms import RecordingLms
from tests.faults.platforms import SIX, FaultPlatform, platforms_in_thread, register
from tests.faults.proxy import Proxy
from tests.faults.setup import HOLD, PAIRS, TIMEOUT, Setup
from tests.faults.tool import COMPOSITE, LEAF, LEARNERS, Tool
from tests.postgres import PostgresServer
from tests.servers import RedisServer

_NUMBERS = count()


@pytest.fixture
def pair() -> str:
    """The servers, unless a test is also for others."""
    return PAIRS[0]


@pytest.fixture
def kinds(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Of the platforms in each setup: two, which differ from test to test, unless a test is for others."""
    first = crc32(request.node.name.encode()) % len(SIX)
    return SIX[first], SIX[(first + len(SIX) // 2) % len(SIX)]


@pytest.fixture(scope="session")
def tool_key() -> RSAKey:
    """The key with which all daemons sign."""
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture
def open_setup(
    request: pytest.FixtureRequest,
    pair: str,
    kinds: tuple[str, ...],
    tool_key: RSAKey,
    server_folder: Path,
    tmp_path: Path,
    forking: Forking,
) -> Iterator[Callable[[], Setup]]:
    """Opens setups that share their servers and nothing else; no daemon runs yet."""
    database, kind = pair.split(" and ")
    redis_server: RedisServer = request.getfixturevalue(f"_{kind.replace('-', '_').replace('.', '_')}")
    postgres: PostgresServer | None = request.getfixturevalue("postgres") if database == "postgresql" else None
    migrated = request.getfixturevalue(f"_migrated_{database}")
    setups: list[Setup] = []
    with ExitStack() as stack:

        def open_one() -> Setup:
            number = next(_NUMBERS)
            redis_url = redis_server.fresh_url()
            redis_proxy = stack.enter_context(Proxy.to(redis_server.host, redis_server.port))
            database_proxy = None
            if postgres is None:
                file = tmp_path / f"setup-{number}.db"
                shutil.copy(migrated, file)
                database_url = through = f"sqlite://{file}"
            else:
                database_url = postgres.create_database(like=migrated)
                stack.callback(postgres.drop_database, database_url)
                # The tests' server forgets the last moments when it is killed, which a real one does not.
                postgres.execute(f"ALTER DATABASE {database_url.rsplit('/', 1)[1]} SET synchronous_commit = on")
                database_proxy = stack.enter_context(Proxy.to(postgres.host, postgres.port))
                through = database_proxy.before(database_url)
            # Each setup of a test has other kinds where one learner is.
            first = len(setups) % max(1, len(kinds))
            turned = (*kinds[first:], *kinds[:first])
            platforms = stack.enter_context(platforms_in_thread(turned, LEARNERS, LEAF, COMPOSITE))
            asyncio.run(add_consumers(database_url, platforms, tool_key))
            campus = stack.enter_context(RecordingLms.in_thread(keys={KEY: SECRET}))
            name = f"faults-{number}"
            homes = {"folder": tmp_path / name, "home": server_folder / name}
            world = World(through, redis_proxy.before(redis_url), **homes, forking=forking)
            world.database_url = database_url
            stack.callback(world.end_all)
            world.set("outcomes", composite_delay_seconds=0.3, composite_max_delay_seconds=1)
            world.set("outcomes", timeout_seconds=TIMEOUT, hold_seconds=HOLD, max_per_campus=12)
            tool = Tool(redis_url, campus.url(), platforms, seed=number)
            stack.callback(tool.redis.close)
            setups.append(Setup(world, campus, platforms, tool, redis_server, redis_proxy, postgres, database_proxy))
            return setups[-1]

        yield open_one
        for setup in setups:
            assert setup.campus.faults == []
            assert [fault for one in setup.platforms for fault in one.faults] == []


async def add_consumers(url: str, platforms: list[FaultPlatform], key: RSAKey) -> None:
    async with open_database(url):
        await LtiConsumer.create(consumer_name=NAME, consumer_key=KEY, consumer_secret=SECRET)
        await register(platforms, key)


@pytest.fixture
def setup(open_setup: Callable[[], Setup]) -> Setup:
    return open_setup()

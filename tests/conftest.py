"""Fixtures that any test may ask for. Servers start when they are first asked for and stop when the run ends."""

import asyncio
import gc
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Literal

import pytest

from models.db.database import open_database
from models.db.migrate import migrate
from models.db.sql import connection, is_postgres
from tests import servers
from tests.blackbox.forked import Forking
from tests.deploy.machine import missing
from tests.models.rows import empty_tables
from tests.postgres import PostgresServer, postgres_binaries

#: Makes a database of that kind and returns its URL; it is dropped after the test.
FreshDatabase = Callable[[Literal["sqlite", "postgresql"]], str]


#: Each takes a minute or more by itself: a worker that began with one of them last would end long after the others.
LONGEST = ("clients/test_open_edx.py", "chaos/test_chaos.py", "browser/test_looks.py",
           "blackbox/test_hostile_text.py", "docs/test_docs_runner.py", "models/test_world.py",
           "blackbox/test_campuses.py", "blackbox/test_limit.py", "blackbox/test_commands.py",
           "deploy/test_with_systemd.py", "deploy/test_dist.py",
           "deploy/test_install.py", "deploy/test_debian_package.py", "blackbox/test_moving_campus.py",
           "blackbox/test_platform_tokens.py", "blackbox/test_line_item_creators.py", "blackbox/test_platform_keys.py",
           "models/test_upgrade.py", "daemon/pages/attacks/test_floods.py")  # fmt: skip


def pytest_configure() -> None:
    """Let programs be interrupted, which inherit that they cannot from a shell that runs this in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files; the others keep their order."""
    here = Path(__file__).parent
    place = {here / file: number for number, file in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests were left out, and why."""
    if reason := missing():
        left_out = "tests/deploy/test_with_systemd.py and test_debian_package.py, unit and package under systemd"
        terminalreporter.write_line(f"left out: {left_out}: {reason}")


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    with servers.run_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def forking() -> Iterator[Forking]:
    """What commands and daemons are forked from."""
    with closing(Forking()) as forking:
        yield forking


@pytest.fixture(scope="session")
def _postgres(server_folder: Path) -> Iterator[PostgresServer]:
    with closing(PostgresServer(server_folder / "postgresql", postgres_binaries())) as server:
        yield server


@pytest.fixture(scope="session")
def _valkey_9(server_folder: Path) -> Iterator[servers.RedisServer]:
    with closing(servers.RedisServer(server_folder / "valkey-9", servers.valkey_binary())) as server:
        yield server


@pytest.fixture(scope="session")
def _redis_6_2(server_folder: Path) -> Iterator[servers.RedisServer]:
    with closing(servers.RedisServer(server_folder / "redis-6.2", servers.redis_binary())) as server:
        yield server


@pytest.fixture
def postgres(_postgres: PostgresServer) -> PostgresServer:
    """The PostgreSQL of this run, running, also after a test that stopped it."""
    _postgres.start()
    return _postgres


@pytest.fixture
def valkey(_valkey_9: servers.RedisServer) -> servers.RedisServer:
    """The Valkey of this run, running, for tests to which the kind of Redis does not matter."""
    _valkey_9.start()
    return _valkey_9


@pytest.fixture(params=["valkey-9", "redis-6.2"])
def redis_server(request: pytest.FixtureRequest) -> servers.RedisServer:
    """Each supported kind of Redis, running, for tests that stop or kill it."""
    server: servers.RedisServer = request.getfixturevalue(f"_{request.param.replace('-', '_').replace('.', '_')}")
    server.start()
    return server


@pytest.fixture
def redis_url(redis_server: servers.RedisServer) -> str:
    """An empty logical database of the server of ``redis_server``."""
    return redis_server.fresh_url()


@pytest.fixture
def valkey_url(valkey: servers.RedisServer) -> str:
    """An empty logical database of the Valkey only."""
    return valkey.fresh_url()


@contextmanager
def _databases(request: pytest.FixtureRequest, folder: Path, *, migrated: bool) -> Iterator[FreshDatabase]:
    with ExitStack() as dropping:
        numbers = count()

        def make(kind: Literal["sqlite", "postgresql"]) -> str:
            like = request.getfixturevalue(f"_migrated_{kind}") if migrated else None
            if kind == "sqlite":
                home = folder / f"{'migrated' if migrated else 'database'}-{next(numbers)}"
                home.mkdir()
                file = home / "test.db"
                if like is not None:
                    shutil.copy(like, file)
                return f"sqlite://{file}"
            server: PostgresServer = request.getfixturevalue("postgres")
            url = server.create_database(like=like)
            dropping.callback(server.drop_database, url)
            return url

        yield make


@pytest.fixture
def fresh_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FreshDatabase]:
    """Empty databases for tests that want several, or one kind only."""
    with _databases(request, tmp_path, migrated=False) as make:
        yield make


@pytest.fixture
def migrated_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FreshDatabase]:
    """As ``fresh_database``, with the tables of this release: a copy takes a hundredth of what migrating does."""
    with _databases(request, tmp_path, migrated=True) as make:
        yield make


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> str:
    """The URL of an empty database, once on each engine."""
    return fresh_database(request.param)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, migrated_database: FreshDatabase) -> AsyncIterator[str]:
    """An open, migrated database, once on each engine; gives its URL."""
    url = migrated_database(request.param)
    async with open_database(url):
        yield url


def _migrate(url: str) -> None:
    """Migrate in a thread, since an asynchronous test that asks for a database has a loop."""
    # Looking for garbage among all that tests have imported would take longer than migrating.
    gc.disable()
    try:
        with ThreadPoolExecutor(1) as apart:
            apart.submit(asyncio.run, migrate(url)).result()
    finally:
        gc.enable()


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database that stays empty: copying it is quicker than migrating."""
    file = tmp_path_factory.mktemp("migrated") / "test.db"
    _migrate(f"sqlite://{file}")
    return file


@pytest.fixture(scope="session")
def _migrated_postgresql(_postgres: PostgresServer) -> str:
    """As :func:`_migrated_sqlite`, by its URL."""
    url = _postgres.create_database()
    _migrate(url)
    return url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the file's own migrated database, once on each engine."""
    if request.param == "sqlite":
        file = tmp_path_factory.mktemp("shared") / "test.db"
        shutil.copy(request.getfixturevalue("_migrated_sqlite"), file)
        yield f"sqlite://{file}"
        return
    server: PostgresServer = request.getfixturevalue("_postgres")
    url = server.create_database(like=request.getfixturevalue("_migrated_postgresql"))
    try:
        yield url
    finally:
        server.drop_database(url)


@pytest.fixture
async def empty_database(shared_url: str) -> AsyncIterator[str]:
    """The file's own database, migrated, open and empty; gives its URL. Much quicker than ``database``."""
    async with open_database(shared_url):
        if not is_postgres():
            await connection().execute_query("PRAGMA synchronous = OFF")
        await empty_tables()
        yield shared_url

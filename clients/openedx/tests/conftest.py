"""
A project with the platform's substitutes on a real MariaDB, and a real Valkey.

With ``PLATFORM_SQLITE`` in the environment it is on SQLite, where MariaDB cannot be had.
"""

import atexit
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import django
import pytest
import redis
from servers_of_tests import MariaDB
from servers_of_tests import servers as passbackds

# Before any fixture: Django's settings name the database's port.
_run = ExitStack()
atexit.register(_run.close)
FOLDER: Path = _run.enter_context(passbackds.run_folder())
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
MARIADB = MariaDB(FOLDER / "mariadb")
if "PLATFORM_SQLITE" in os.environ:
    os.environ["PLATFORM_DATABASE"] = str(FOLDER / "openedx.sqlite3")
else:
    MARIADB.start()
    _run.callback(MARIADB.close)
    MARIADB.create_database("openedx")
    os.environ["PLATFORM_MARIADB"] = str(MARIADB.port)
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - models are there only now
from django.core.management import call_command  # noqa: E402
from django.test import override_settings  # noqa: E402
from site_of_tests import STREAM, Clock, Site  # noqa: E402

from openedx_passbackd.relay import Relay  # noqa: E402


@pytest.fixture(scope="session")
def servers() -> Any:
    return passbackds


@pytest.fixture(scope="session")
def folder() -> Path:
    return FOLDER


@pytest.fixture(scope="session")
def valkey(servers: Any, folder: Path) -> Iterator[Any]:
    server = servers.RedisServer(folder / "valkey", servers.valkey_binary())
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def tables() -> None:
    # The substitutes have no migrations, and refer to tables of apps that have.
    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)


@pytest.fixture
def redis_url(valkey: Any) -> str:
    return valkey.fresh_url()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def own_valkey(servers: Any, folder: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A server whose settings a test may change, and which it may kill."""
    server = servers.RedisServer(folder / request.node.name.partition("[")[0], servers.valkey_binary())
    server.start()
    yield server
    server.close()


@pytest.fixture
def site(emptied: None, redis_url: str, client: redis.Redis) -> Iterator[Site]:
    """A learner of one campus in one course, with nothing launched yet."""
    with override_settings(PASSBACKD_REDIS_URL=redis_url):
        yield Site(get_user_model().objects.create(username="learner"), client)


@pytest.fixture
def emptied(tables: None) -> Iterator[None]:
    """The platform's database, which has nothing before and after the test."""
    yield
    # Rows are deleted, since to truncate a table takes MariaDB as long as a test.
    call_command("flush", interactive=False, verbosity=0, reset_sequences=False, inhibit_post_migrate=True)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def relay(site: Site, clock: Clock) -> Relay:
    return Relay(site.client, STREAM, now=clock)


@pytest.fixture
def silent(site: Site) -> Iterator[None]:
    """No receiver reaches Redis, as in a process that dies before it could."""
    with override_settings(PASSBACKD_REDIS_URL=None):
        yield

"""A project with the platform's substitutes in an SQLite database, and a real Valkey."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import django
import pytest
import redis

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - models are there only now
from django.core.management import call_command  # noqa: E402
from django.test import override_settings  # noqa: E402
from site_of_tests import Site  # noqa: E402

PROJECT = Path(__file__).parents[3]


def _servers() -> ModuleType:
    """passbackd's own module that starts servers; nothing else of passbackd is on the path here."""
    spec = importlib.util.spec_from_file_location("servers", PROJECT / "tests" / "servers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["servers"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def servers() -> ModuleType:
    return _servers()


@pytest.fixture(scope="session")
def folder(servers: ModuleType) -> Iterator[Path]:
    with servers.run_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def valkey(servers: ModuleType, folder: Path) -> Iterator[Any]:
    server = servers.RedisServer(folder / "valkey", servers.valkey_binary())
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def tables() -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)


@pytest.fixture
def redis_url(valkey: Any) -> str:
    return valkey.fresh_url()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def site(tables: None, redis_url: str, client: redis.Redis) -> Iterator[Site]:
    """A learner of one campus in one course, with nothing launched yet."""
    with override_settings(PASSBACKD_REDIS_URL=redis_url):
        yield Site(get_user_model().objects.create(username="learner"), client)
    call_command("flush", interactive=False, verbosity=0)

"""Fixtures of the tests that drive the real command as processes of its own."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.blackbox.forked import Forking
from tests.blackbox.world import KEY, SECRET, World
from tests.conftest import FreshDatabase
from tests.fakes.lms import RecordingLms

_NUMBERS = count()

PAIRS = ["postgresql and valkey-9", "sqlite and redis-6.2"]

#: Makes a world on the URLs of a database and a Redis; its processes end with the test.
MakeWorld = Callable[[str, str], World]


@pytest.fixture
def make_world(tmp_path: Path, server_folder: Path, forking: Forking) -> Iterator[MakeWorld]:
    worlds: list[World] = []

    def make(database_url: str, redis_url: str) -> World:
        name = f"world-{next(_NUMBERS)}"
        world = World(database_url, redis_url, folder=tmp_path / name, home=server_folder / name, forking=forking)
        worlds.append(world)
        return world

    try:
        yield make
    finally:
        for world in worlds:
            world.end_all()


@pytest.fixture
def world(make_world: MakeWorld, migrated_database: FreshDatabase, redis_url: str) -> World:
    """PostgreSQL, and each kind of Redis that we support."""
    return make_world(migrated_database("postgresql"), redis_url)


def _on(pair: str, request: pytest.FixtureRequest, make_world: MakeWorld, make_database: FreshDatabase) -> World:
    database, kind = pair.split(" and ")
    server = request.getfixturevalue(f"_{kind.replace('-', '_').replace('.', '_')}")
    return make_world(make_database(database), server.fresh_url())


@pytest.fixture(params=PAIRS)
def pair(request: pytest.FixtureRequest, make_world: MakeWorld, migrated_database: FreshDatabase) -> World:
    """Each kind of database and each kind of Redis once."""
    return _on(request.param, request, make_world, migrated_database)


@pytest.fixture(params=PAIRS)
def new_pair(request: pytest.FixtureRequest, make_world: MakeWorld, fresh_database: FreshDatabase) -> World:
    """As ``pair``, on databases that no daemon has seen: nothing is in them."""
    return _on(request.param, request, make_world, fresh_database)


@pytest.fixture
def campus() -> Iterator[RecordingLms]:
    """A campus that verifies every signature, and to which nothing wrong may be sent."""
    with RecordingLms.in_thread(keys={KEY: SECRET}) as lms:
        yield lms
    assert lms.faults == []

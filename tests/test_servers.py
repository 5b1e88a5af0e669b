"""The servers of the tests, on which all other tests rely."""

import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis

from tests import servers


async def test_a_database_is_empty_and_its_own(database_url, fresh_database):
    if database_url.startswith("sqlite"):
        assert not Path(database_url.removeprefix("sqlite://")).exists()
        return
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await connection.close()
    assert fresh_database("postgresql") != database_url


async def test_a_database_is_dropped_although_a_client_is_connected(postgres):
    url = postgres.create_database()
    connection = await asyncpg.connect(url)
    postgres.drop_database(url)
    with pytest.raises(asyncpg.PostgresError):
        await connection.fetchval("SELECT 1")
    assert postgres.execute(f"SELECT count(*) FROM pg_database WHERE datname = '{url.rsplit('/', 1)[1]}'") == "0"


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_postgresql_is_started_for_the_next_database_on_its_port_and_with_its_data(postgres, fresh_database, end):
    url = fresh_database("postgresql")
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    port = postgres.port

    getattr(postgres, end)()

    assert not postgres.running
    with pytest.raises(OSError):
        await asyncpg.connect(url)
    postgres.drop_database(postgres.create_database())
    assert (postgres.running, postgres.port) == (True, port)
    again = await asyncpg.connect(url)
    assert await again.fetchval("SELECT n FROM kept") == 7
    await again.close()


@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize(("empty", "kept"), [(False, b"kept"), (True, None)])
def test_redis_comes_back_with_its_data_or_without(redis_server, redis_url, end, empty, kept):
    assert redis_server.fresh_url() != redis_url
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("key", "kept")
        getattr(redis_server, end)()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        redis_server.start(empty=empty)
        assert client.get("key") == kept


@pytest.mark.parametrize(
    ("redis_server", "version"), [("valkey-9", "9"), ("redis-6.2", "6.2")], indirect=["redis_server"]
)
def test_the_versions_are_those_that_we_promise_to_work_with(redis_server, version):
    with redis.Redis.from_url(redis_server.url()) as client:
        info = client.info("server")
    assert info.get("valkey_version", info["redis_version"]).startswith(version)


def test_two_servers_never_share_a_port(valkey, tmp_path):
    valkey.stop()
    with closing(servers.RedisServer(tmp_path / "other", servers.valkey_binary())) as other:
        other.start()
        valkey.start()
        assert other.port != valkey.port


def test_nothing_stays_behind_when_a_run_is_killed():
    program = """
import os, sys, signal
from tests import servers
from tests.postgres import PostgresServer, postgres_binaries
with servers.run_folder() as folder:
    postgres = PostgresServer(folder / "postgresql", postgres_binaries())
    valkey = servers.RedisServer(folder / "valkey", servers.valkey_binary())
    postgres.start(), valkey.start()
    print(folder, postgres.pid, valkey.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    run = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    folder, *pids = run.stdout.split()
    left = [psutil.Process(int(pid)) for pid in pids if psutil.pid_exists(int(pid))]
    deadline = time.monotonic() + 30
    while (Path(folder).exists() or any(map(servers.is_alive, left))) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [process for process in left if servers.is_alive(process)]
    assert not Path(folder).exists()

"""Failovers of each server behind its proxy, and how many seconds pass until grades flow again."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import redis

from tests.blackbox.daemon import Daemon, wait_until
from tests.faults.setup import Setup
from tests.servers import HOST, RedisServer, valkey_binary

#: Seconds after the new server's readiness.
PROMISED = 10.0

#: What becomes of the old primary, by the commands that it gets; it answers on. No server has port 1.
DEMOTED = {
    "a replica of the new one": ("REPLICAOF {host} {port}",),
    "a replica that lost its primary": ("REPLICAOF 127.0.0.1 1",),
    "a replica that says so": ("CONFIG SET replica-serve-stale-data no", "REPLICAOF 127.0.0.1 1"),
    "a primary of its own": (),
}


class RedisPair:
    """A primary and its replica behind a setup's proxy; the tool goes to the primary, past the proxy."""

    def __init__(self, setup: Setup, primary: RedisServer, replica: RedisServer) -> None:
        self._setup = setup
        self._database = setup.tool.redis.connection_pool.connection_kwargs["db"]
        self._primary, self._replica = primary, replica
        self._lead()

    def fail_over(self, demotion: str) -> None:
        """Promote the replica, which is ready when this returns; connections that are open stay where they are."""
        old, new = self._primary, self._replica
        self._order(old, "CONFIG SET replica-serve-stale-data yes")
        self._order(old, "REPLICAOF NO ONE")
        self._order(new, f"REPLICAOF {HOST} {old.port}")
        wait_until("the replica has everything", lambda: self._is_synchronous(old, new))
        self._order(new, "REPLICAOF NO ONE")
        for command in DEMOTED[demotion]:
            self._order(old, command.format(host=HOST, port=new.port))
        self._primary, self._replica = new, old
        self._lead()

    def _lead(self) -> None:
        self._setup.redis_proxy.lead_to(HOST, self._primary.port)
        self._setup.tool.redis.close()
        self._setup.tool.redis = redis.Redis(host=HOST, port=self._primary.port, db=self._database)

    def _order(self, server: RedisServer, command: str) -> None:
        with redis.Redis(host=HOST, port=server.port) as client:
            client.execute_command(*command.split())

    def _is_synchronous(self, primary: RedisServer, replica: RedisServer) -> bool:
        with redis.Redis(host=HOST, port=primary.port) as one, redis.Redis(host=HOST, port=replica.port) as other:
            said = other.info("replication")
            is_up = said.get("master_link_status") == "up"
            return is_up and said["slave_repl_offset"] == one.info("replication")["master_repl_offset"]


@contextmanager
def redis_pair(setup: Setup, folder: Path) -> Iterator[RedisPair]:
    """Two servers of the test's own: a replica takes over all logical databases."""
    with (
        closing(RedisServer(folder / f"{setup.world.folder.name}-a", valkey_binary())) as one,
        closing(RedisServer(folder / f"{setup.world.folder.name}-b", valkey_binary())) as other,
    ):
        one.start()
        other.start()
        yield RedisPair(setup, one, other)


def session_settings(setup: Setup, name: str) -> Iterator[None]:
    """Sessions become read-only, by a setting of database or role, and new ones are writable again after that."""
    postgres = setup.postgres
    assert postgres is not None
    database = setup.world.database_url.rsplit("/", 1)[1]
    scope = {"database": f"DATABASE {database}", "role": f"ROLE {postgres.USER} IN DATABASE {database}"}[name]
    ended = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{database}'"
    postgres.execute(f"ALTER {scope} SET default_transaction_read_only = on")
    postgres.execute(ended)
    yield
    postgres.execute(f"ALTER {scope} RESET default_transaction_read_only")


def restarted(setup: Setup, how: str) -> Iterator[None]:
    """PostgreSQL is shut down or killed, and started again; its proxy may keep the connections."""
    postgres, proxy = setup.postgres, setup.database_proxy
    assert postgres is not None
    assert proxy is not None
    if "open" in how:
        proxy.keep_open()
    if "killed" in how:
        postgres.kill()
    else:
        postgres.stop()
    yield
    postgres.start()


def seconds_until_grades_flow(setup: Setup, daemon: Daemon) -> float:
    """From now on until the campus holds what every learner got after that."""
    began = time.monotonic()
    for sourcedid in setup.tool.histories:
        setup.tool.change(sourcedid)
    daemon.wait_until("the new grades came", setup.has_newest)
    return time.monotonic() - began

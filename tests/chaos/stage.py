"""Everything of one round: its servers, campuses, daemons, the tool and the learners."""

import asyncio
import random
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from joserfc.jwk import RSAKey

from models.db.database import open_database
from models.db.migrate import migrate
from models.tool_key import ToolKey
from tests import servers
from tests.blackbox.daemon import Daemon
from tests.blackbox.forked import Forking
from tests.blackbox.world import STREAM, Said, World
from tests.chaos.campus import ChaosCampus
from tests.chaos.learners import Learners
from tests.chaos.platform import ChaosPlatform
from tests.chaos.tool import Place, Tool, place
from tests.chaos.weather import HOLD, LIMIT, TIMEOUT
from tests.fakes.platform_kinds import KINDS
from tests.postgres import PostgresServer, postgres_binaries

Kind = Literal["postgresql", "sqlite"]
#: Consumer keys and secrets.
SECRETS = {key: f"secret of {key}" for key in ("north", "south", "west")}
#: Client ids of the platforms.
PLATFORMS = ("east", "harbour")
#: The only ones that are ever removed: what came before then need not hold any more.
REMOVABLE = ("west", "harbour")
#: Seconds for which a step of a play is waited for: a play that comes too late is merely another one.
WHILE = 5.0


class ChaosRedis(servers.RedisServer):
    """One whose append-only file is a second behind, as in production."""

    def _command(self) -> list[str]:
        return [*super()._command(), "--appendfsync", "everysec"]

    def cut_file(self, bytes_: int) -> int:
        """Lose the newest bytes of the append-only file of a server that is down; gives how many there were to lose."""
        files = [*self.folder.glob("data/appendonlydir/*.incr.aof"), *self.folder.glob("data/appendonly.aof")]
        newest = max(files, key=lambda file: file.stat().st_mtime)
        size = newest.stat().st_size
        with newest.open("r+b") as file:
            file.truncate(max(0, size - bytes_))
        return min(size, bytes_)


@dataclass
class Stage:
    """What is broken, and what breaks it. Times are ``time.monotonic``."""

    kind: Kind
    chance: random.Random
    world: World
    redis: ChaosRedis
    postgres: PostgresServer | None
    #: Over LTI 1.1, and over 1.3 those of :attr:`platforms`.
    campuses: list[ChaosCampus | ChaosPlatform]
    tool: Tool
    learners: Learners
    #: How many daemons there may be.
    most: int
    began: float = field(default_factory=time.monotonic)
    #: What was done, and when.
    done: list[tuple[float, str]] = field(default_factory=list)
    #: Frozen daemons, and what resumes them.
    frozen: dict[Daemon, threading.Timer] = field(default_factory=dict)
    running: list[Daemon] = field(default_factory=list)
    #: By consumer key, how many entries there were when it was last added.
    added: dict[str, int] = field(default_factory=dict)
    #: Runs the operator's commands, one after the other.
    operator: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    orders: list[Future[object]] = field(default_factory=list)
    #: A ``reconcile`` that may still run.
    reading: subprocess.Popen[bytes] | None = None

    def note(self, what: str) -> None:
        self.done.append((time.monotonic(), what))

    @property
    def platforms(self) -> list[ChaosPlatform]:
        return [campus for campus in self.campuses if isinstance(campus, ChaosPlatform)]

    def campus(self, key: str) -> ChaosCampus | ChaosPlatform:
        return next(campus for campus in self.campuses if campus.key == key)

    def order(self, *arguments: str) -> None:
        """Have the operator run a command, when those before it have ended; does not wait."""
        self.note(f"passbackd {' '.join(arguments)}")
        self.orders.append(self.operator.submit(self.command, *arguments))

    def command(self, *arguments: str, stdin: str = "") -> Said:
        """Run a command; noted if it failed, which it may where servers are away."""
        said = self.world.call(*arguments, stdin=stdin)
        if said.code:
            self.note(
                f"passbackd {' '.join(arguments)} ended with {said.code}: {(said.err or said.out).strip()[-200:]}"
            )
        return said

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of *sql*; sessions may be killed at any time."""
        deadline = time.monotonic() + servers.PATIENCE
        while True:
            try:
                return self.world.rows(sql)
            except Exception:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def position(self) -> Place:
        """How far the stream is read."""
        found = self.rows("SELECT position FROM intake")
        return place(str(found[0]["position"])) if found else (0, 0)

    def wait_read(self, goal: Place | None = None) -> bool:
        """Until everything said so far is read; False if that takes too long."""
        goal = goal or self.tool.newest
        return self.soon(lambda: self.position() >= goal)

    def soon(self, condition: Callable[[], object]) -> bool:
        """Whether a condition holds within :data:`WHILE`."""
        deadline = time.monotonic() + WHILE
        while not (holds := condition()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return bool(holds)

    def join(self) -> None:
        self.running.append(self.world.run())

    def freeze(self, daemon: Daemon, seconds: float) -> None:
        """SIGSTOP for so long; a command may wait meanwhile for a lock that the daemon has."""
        self.note(f"SIGSTOP {daemon.process.pid} for {seconds:g} s")
        daemon.freeze()
        self.frozen[daemon] = threading.Timer(seconds, self.thaw, [daemon])
        self.frozen[daemon].start()

    def thaw(self, *daemons: Daemon) -> None:
        """SIGCONT those that are frozen."""
        for daemon in daemons:
            timer = self.frozen.pop(daemon, None)
            if timer is not None and daemon.process.poll() is None:
                timer.cancel()
                daemon.resume()
                self.note(f"SIGCONT {daemon.process.pid}")

    def add_consumers(self, *keys: str) -> bool:
        """Add these or all of them, or add them once more; whether that was done."""
        adding = [(key, self._start_adding(key)) for key in keys or [campus.key for campus in self.campuses]]
        said = [self._end_adding(key, process) for key, process in adding]
        return all(one.code == 0 for one in said)

    def _start_adding(self, key: str) -> subprocess.Popen[str]:
        """It waits for the secret, if there is one."""
        return self.world.start(*self.campus(key).adding[0], "--config", str(self.world.config))

    def _end_adding(self, key: str, process: subprocess.Popen[str]) -> Said:
        return self.world.end(process, self.campus(key).adding[1])

    def remove_and_add(self, key: str) -> None:
        """Remove a campus and add it again, as quickly as commands can."""
        adding = self._start_adding(key) if key in SECRETS else None
        self.command("consumer", "remove", key, "--yes")
        added = adding is not None and self._end_adding(key, adding).code == 0
        assert added or any(self.add_consumers(key) for _ in range(10)), f"{key} cannot be added again"

    def stream_is_read(self) -> bool:
        last = self.tool.redis.xrevrange(STREAM, count=1)
        return not last or self.position() >= place(last[0][0])


async def _prepare(database_url: str, key: RSAKey) -> None:
    """The tables, and a signing key that platforms know before there is a daemon."""
    await migrate(database_url)
    async with open_database(database_url):
        await ToolKey.create(kid=key.kid, private_pem=key.as_pem(private=True).decode(), created_at=0, signs_from=0)


@contextmanager
def open_stage(kind: Kind, seed: str, without: Collection[str] = ()) -> Iterator[Stage]:
    """A stage with its daemons starting, and campuses added. *without*: as in :func:`tests.chaos.round.play_round`."""
    chance = random.Random(seed)
    with ExitStack() as stack:
        folder = stack.enter_context(servers.run_folder())
        binary = servers.valkey_binary() if kind == "postgresql" else servers.redis_binary()
        redis = stack.enter_context(closing(ChaosRedis(folder / "redis", binary)))
        redis.start()
        postgres, database_url = None, f"sqlite://{folder / 'passbackd.db'}"
        if kind == "postgresql":
            postgres = stack.enter_context(closing(PostgresServer(folder / "postgresql", postgres_binaries())))
            database_url = postgres.create_database()
            # The tests' server forgets the last moments when it is killed, which a real one does not.
            postgres.execute(f"ALTER DATABASE {database_url.rsplit('/', 1)[1]} SET synchronous_commit = on")
        signing = RSAKey.generate_key(2048, auto_kid=True)
        asyncio.run(_prepare(database_url, signing))
        forking = stack.enter_context(closing(Forking()))
        world = World(database_url, redis.url(), folder=folder / "world", home=folder / "home", forking=forking)
        stack.callback(world.end_all)
        world.set("outcomes", composite_delay_seconds=0.3, composite_max_delay_seconds=1)
        world.set("outcomes", timeout_seconds=TIMEOUT, hold_seconds=HOLD, max_per_campus=LIMIT)
        campuses: list[ChaosCampus | ChaosPlatform] = [
            stack.enter_context(ChaosCampus.in_thread(key, secret, f"{seed}/{key}")) for key, secret in SECRETS.items()
        ]
        pem = signing.as_pem(private=False).decode()
        products = random.Random(f"{seed}/platforms").sample(list(KINDS), len(PLATFORMS))
        campuses += [
            stack.enter_context(ChaosPlatform.in_thread(key, product, f"{seed}/{key}", pem))
            for key, product in zip(PLATFORMS, products, strict=True)
        ]
        tool = Tool(redis.url(), ties="ties" not in without)
        stack.callback(tool.redis.close)
        learners = Learners(tool, campuses, random.Random(f"{seed}/learners"))
        most = 4 if postgres else 1
        stage = Stage(kind, chance, world, redis, postgres, campuses, tool, learners, most)
        assert stage.add_consumers()
        for _ in range(min(2, most)):
            stage.join()
        try:
            yield stage
        finally:
            stage.thaw(*list(stage.frozen))
            stage.operator.shutdown()

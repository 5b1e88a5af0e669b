"""The command as its users see it: processes on a config file, a stream that is written to, pages that are read."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import redis
from prometheus_client.parser import text_string_to_metric_families

from models.db.database import open_database
from models.db.sql import Statement
from tests.servers import is_alive

NAME, KEY = "Example University", "example"
#: What surrounds a secret belongs to it, all but one final newline.
SECRET = " a sécret & more "

STREAM = "passback:events"

#: Seconds for anything that should happen soon; loaded machines need many.
PATIENCE = 60.0
#: Seconds between two looks at a condition.
TICK = 0.03
#: The whole of the course that most tests teach.
COURSE = "course-1"
BLOCKS = [
    {"usage_id": COURSE, "parent": None},
    {"usage_id": "chapter", "parent": COURSE},
    {"usage_id": "problem-1", "parent": "chapter", "points_possible": 10},
    {"usage_id": "problem-2", "parent": "chapter", "points_possible": 10},
    {"usage_id": "problem-3", "parent": "chapter", "points_possible": 20},
]

Fields = dict[str, "str | bytes | int | float"]


def wait_until(what: str, condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Look again and again until *condition* holds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"not within {patience:g} s: {what}"
        time.sleep(TICK)


def structure(course_id: str = COURSE, version: int = 1, blocks: object = BLOCKS, **more: str) -> Fields:
    text = blocks if isinstance(blocks, str | bytes) else json.dumps(blocks)
    return {"type": "course.structure", "course_id": course_id, "version": version, "blocks": text, **more}


def launch(user_id: str, usage_id: str, sourcedid: str, url: str, **more: str) -> Fields:
    return {
        "type": "launch",
        "oauth_consumer_key": KEY,
        "user_id": user_id,
        "course_id": COURSE,
        "usage_id": usage_id,
        "lis_result_sourcedid": sourcedid,
        "lis_outcome_service_url": url,
        **more,
    }


def score(user_id: str, usage_id: str, earned: float, possible: float = 10, **more: str) -> Fields:
    return {
        "type": "score.changed",
        "user_id": user_id,
        "course_id": COURSE,
        "usage_id": usage_id,
        "points_earned": earned,
        "points_possible": possible,
        **more,
    }


def read_rows(url: str, sql: str, **parameters: object) -> list[dict[str, Any]]:
    """What the database at *url* says."""

    async def read() -> list[dict[str, Any]]:
        async with open_database(url):
            return await Statement(sql).rows(**parameters)

    return asyncio.run(read())


def wire(earned: float, possible: float) -> str:
    """A grade as the campus is to get it."""
    return f"{earned / possible:.6f}".rstrip("0").rstrip(".") or "0"


@dataclass
class Said:
    """What a command that has ended said."""

    code: int
    out: str
    err: str

    @property
    def faults(self) -> list[str]:
        """The lines on standard error."""
        return self.err.splitlines()


class Daemon:
    """A running ``passbackd run``."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def events(self) -> list[dict[str, Any]]:
        """What it logged, line by line; a line that is only half written is left out."""
        events = []
        for line in self.log().splitlines():
            with suppress(ValueError):
                events.append(json.loads(line))
        return events

    @property
    def port(self) -> int:
        """The port of its pages, which the system chose."""
        self.wait_until("it listens", lambda: any(event["event"] == "listening" for event in self.events()))
        return next(event["port"] for event in self.events() if event["event"] == "listening")

    def wait_until(self, what: str, condition: Callable[[], object], patience: float = PATIENCE) -> None:
        """Look again and again until *condition* holds, for as long as the daemon lives."""

        def holds() -> object:
            if held := condition():
                return held
            assert self.process.poll() is None, f"the daemon ended with {self.process.returncode}:\n{self.end_of_log()}"
            return False

        try:
            wait_until(what, holds, patience)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.end_of_log()}") from None

    def end_of_log(self) -> str:
        return "\n".join(self.log().splitlines()[-30:])

    def page(self, path: str) -> tuple[int, str]:
        """Status and text of one of its pages; 0 where nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def wait_ready(self) -> Daemon:
        self.wait_until("it is ready", lambda: self.page("/readyz")[0] == 200)
        return self

    def status(self) -> dict[str, Any] | None:
        """The status page; None while it has nothing to show."""
        code, text = self.page("/statusz")
        return json.loads(text) if code == 200 else None

    def wait_read(self) -> None:
        """Until every entry of the stream is applied."""
        self.wait_until("the stream is read", lambda: (self.status() or {}).get("stream_lag") == 0)

    def wait_settled(self, patience: float = PATIENCE) -> dict[str, Any]:
        """Until every event is applied and every grade is where it should be; gives the status."""
        self.wait_read()
        # Query for only now: a status holds more than one reading.
        found: dict[str, Any] = {}

        def settled() -> bool:
            found.update(self.status() or {"assignments": dict.fromkeys(("due", "waiting", "claimed"), -1)})
            return not any(found["assignments"][state] for state in ("due", "waiting", "claimed"))

        self.wait_until("nothing is left to send", settled, patience)
        return found

    def metric(self, name: str, **labels: str) -> float:
        """The sum over the samples of *name* that bear *labels*."""
        code, text = self.page("/metrics")
        assert code == 200
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait_stopped(self, within: float = PATIENCE) -> None:
        """Until it has ended, which it must in good order."""
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not stop within {within:g} s:\n{self.end_of_log()}") from None
        assert code == 0, self.end_of_log()
        for sign in ("Traceback", "Warning:", "never awaited", "never retrieved"):
            assert sign not in self.log(), self.end_of_log()

    def stop(self, within: float = PATIENCE) -> None:
        """SIGTERM, and until it has ended."""
        self.terminate()
        self.wait_stopped(within)

    def kill(self) -> None:
        """SIGKILL; nothing if it has ended."""
        self.process.kill()
        self.process.wait()


@dataclass
class World:
    """
    One config file, the processes on it, and the servers that it names.

    Args:
        folder: Of the config file and of what the processes say.
        home: Where the processes work, each with a pid file: a process that a killed run leaves can be found.
    """

    folder: Path
    home: Path
    settings: dict[str, dict[str, Any]]
    environment: dict[str, str] = field(default_factory=dict)
    daemons: list[Daemon] = field(default_factory=list)

    @classmethod
    def on(cls, database_url: str, redis_url: str, *, folder: Path, home: Path) -> World:
        """A world on these servers, in two new folders, its config file written."""
        folder.mkdir()
        home.mkdir()
        settings = {
            "database": {"url": database_url},
            "redis": {"url": redis_url},
            "outcomes": {"composite_delay_seconds": 1, "timeout_seconds": 5, "hold_seconds": 1},
            "egress": {"allow_http": True, "allow_networks": ["127.0.0.0/8"]},
            "worker": {"drain_seconds": 10},
            "web": {"port": 0},
            "log": {"format": "json"},
        }
        world = cls(folder, home, settings)
        world.write()
        return world

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    def write(self, text: str | None = None) -> None:
        """Write the config file, as :attr:`settings` say or as it is given."""
        lines = []
        for section, keys in self.settings.items():
            lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
        self.config.write_text("\n".join(lines) + "\n" if text is None else text)

    def set(self, section: str, **keys: object) -> None:
        self.settings.setdefault(section, {}).update(keys)
        self.write()

    # Commands

    def start(self, *arguments: str, command: Iterable[str] | None = None, **environment: str) -> subprocess.Popen[str]:
        """Start a command, whatever it says kept for :meth:`end`."""
        return subprocess.Popen(
            [*(command or COMMAND), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.home,
            env=self._environment(environment),
        )

    def end(self, process: subprocess.Popen[str], stdin: str = "") -> Said:
        """Wait until a command has ended."""
        try:
            out, err = process.communicate(stdin, PATIENCE)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        assert "Traceback" not in out + err, err
        return Said(process.returncode, out, err)

    def call(self, *arguments: str, stdin: str = "", **environment: str) -> Said:
        """Run a command on the config file to its end."""
        return self.end(self.start(*arguments, "--config", str(self.config), **environment), stdin)

    def add_consumer(self) -> None:
        said = self.call("consumer", "add", NAME, "--key", KEY, "--secret-stdin", stdin=SECRET + "\n")
        assert said.code == 0, said.err

    # Daemons

    def begin(self) -> Daemon:
        """A daemon that is ready, and a campus that it knows; both set out at once on the empty database."""
        daemon = self.run()
        self.add_consumer()
        return daemon.wait_ready()

    def run(self, command: Iterable[str] | None = None, **environment: str) -> Daemon:
        """Start a daemon, without waiting for it: ``passbackd run``, unless another *command* is given."""
        number = len(self.daemons)
        home = self.home / f"daemon-{number}"
        home.mkdir()
        log = self.folder / f"daemon-{number}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                list(command or (*COMMAND, "run", "--config", str(self.config))),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=home,
                env=self._environment(environment),
                start_new_session=True,
            )
        (home / "daemon.pid").write_text(f"{process.pid}\n")
        daemon = Daemon(process, log)
        self.daemons.append(daemon)
        return daemon

    def end_all(self) -> None:
        """End what is still running, and see that nothing outlives it."""
        families = []
        for daemon in self.daemons:
            if daemon.process.poll() is None:
                with suppress(psutil.NoSuchProcess):
                    families += psutil.Process(daemon.process.pid).children(recursive=True)
            daemon.kill()
        for process in families:
            wait_until(f"{process} is gone", lambda process=process: not is_alive(process))

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        ours = ("PASSBACKD_", "CREDENTIALS_DIRECTORY")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return {**clean, **self.environment, **more}

    # Servers

    @contextmanager
    def redis(self) -> Iterator[redis.Redis]:
        with redis.Redis.from_url(self.settings["redis"]["url"]) as client:
            yield client

    def add(self, *events: Fields) -> list[str]:
        """Put events onto the stream, as any language would; gives their entry ids."""
        with self.redis() as client, client.pipeline(transaction=False) as pipe:
            for event in events:
                pipe.xadd(STREAM, dict(event))
            return [entry_id.decode() for entry_id in pipe.execute()]

    def rows(self, sql: str, **parameters: object) -> list[dict[str, Any]]:
        """What the database says."""
        return read_rows(self.settings["database"]["url"], sql, **parameters)

    def count(self, table_and_condition: str) -> int:
        return int(self.rows(f"SELECT COUNT(*) AS number FROM {table_and_condition}")[0]["number"])


COMMAND = (sys.executable, "-m", "daemon")

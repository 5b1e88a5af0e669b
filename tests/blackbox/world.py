"""The command as its users see it: processes on one config file, and a stream to which tests write."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import redis

from models.db.database import open_database
from models.db.sql import Statement
from tests.blackbox.daemon import PATIENCE, Daemon, Process, wait_until
from tests.blackbox.forked import Forking
from tests.servers import is_alive

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "daemon")

NAME, KEY = "Example University", "example"
#: What surrounds a secret belongs to it, all but one final newline.
SECRET = " a sécret & more "

STREAM = "passback:events"

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


def wire(earned: float, possible: float) -> str:
    """A grade as the campus is to get it."""
    return f"{earned / possible:.6f}".rstrip("0").rstrip(".") or "0"


def _is_read_at_start(environment: Iterable[str]) -> bool:
    """Whether these variables are read, such as the locale, when the interpreter starts or a library is imported."""
    return any(not name.startswith(("PASSBACKD_", "PYTHONIO")) for name in environment)


@dataclass
class Said:
    """Exit code and output of a command that has ended."""

    code: int
    out: str
    err: str

    @property
    def faults(self) -> list[str]:
        """The lines on standard error."""
        return self.err.splitlines()


class World:
    """
    One config file, the processes on it, and the servers that it names.

    Args:
        folder: Of the config file and of what the processes say.
        home: Where the processes work, each with a pid file, so that what a killed run leaves can be found.
        forking: What commands and daemons are forked from; without it each is a process of its own from its first
            moment on.
    """

    def __init__(
        self, database_url: str, redis_url: str, *, folder: Path, home: Path, forking: Forking | None = None
    ) -> None:
        folder.mkdir()
        home.mkdir()
        self.folder, self.home, self.config = folder, home, folder / "config.toml"
        self._forking = forking
        #: Have daemons start as a shell would start them.
        self.starts_anew = forking is None
        self.daemons: list[Daemon] = []
        #: The way of the tests to the database, if it is not that of the processes.
        self.database_url = ""
        self.settings: dict[str, dict[str, Any]] = {
            "database": {"url": database_url},
            "redis": {"url": redis_url},
            "outcomes": {"composite_delay_seconds": 1, "timeout_seconds": 5, "hold_seconds": 1},
            "egress": {"allow_http": True, "allow_networks": ["127.0.0.0/8"]},
            "worker": {"drain_seconds": 10},
            "web": {"port": 0},
            "log": {"format": "json"},
        }
        self.write()

    def write(self, text: str | None = None) -> None:
        """Write the config file, as :attr:`settings` say or as it is given."""
        lines = []
        for section, keys in self.settings.items():
            lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
        self.config.write_text("\n".join(lines) + "\n" if text is None else text)

    def set(self, section: str, **keys: object) -> None:
        self.settings.setdefault(section, {}).update(keys)
        self.write()

    def start(self, *arguments: str, command: Iterable[str] | None = None, **environment: str) -> subprocess.Popen[str]:
        """Start a command; :meth:`end` waits for it and gives its output."""
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
        return self._said(process.returncode, out, err)

    def _said(self, code: int, out: str, err: str) -> Said:
        assert "Traceback" not in out + err, err
        return Said(code, out, err)

    def call(self, *arguments: str, stdin: str = "", **environment: str) -> Said:
        """Run a command on the config file to its end."""
        if self._forking is None or _is_read_at_start(environment):
            return self.call_anew(*arguments, stdin=stdin, **environment)
        with_config = (*arguments, "--config", str(self.config))
        around = {"home": self.home, "environment": self._environment(environment)}
        return self._said(*self._forking.run(*with_config, stdin=stdin, patience=PATIENCE, **around))

    def call_anew(self, *arguments: str, stdin: str = "", **environment: str) -> Said:
        """As :meth:`call`, in a process that starts as a shell would start it."""
        return self.end(self.start(*arguments, "--config", str(self.config), **environment), stdin)

    def add_consumer(self) -> None:
        said = self.call("consumer", "add", NAME, "--key", KEY, "--secret-stdin", "--replace", stdin=SECRET + "\n")
        assert said.code == 0, said.err

    def begin(self) -> Daemon:
        """A daemon that is ready, and a campus that is added while it starts."""
        daemon = self.run()
        self.add_consumer()
        return daemon.wait_ready()

    def run(self, command: Iterable[str] | None = None, **environment: str) -> Daemon:
        """Start a daemon, without waiting for it: ``passbackd run``, unless another *command* is given."""
        around = self._environment(environment)
        if command is None and not self.starts_anew and not _is_read_at_start(environment):
            return self._forked("daemon.cli", "run", "--config", str(self.config), environment=around)
        return self._anew(command or (*COMMAND, "run", "--config", str(self.config)), environment=around)

    def run_faulty(self, *options: str) -> Daemon:
        """Start a daemon of :mod:`tests.faults.process`, without waiting for it."""
        arguments = (str(self.config), *options)
        if self.starts_anew:
            around = self._environment({"PYTHONPATH": str(ROOT)})
            return self._anew((sys.executable, "-m", "tests.faults.process", *arguments), environment=around)
        return self._forked("tests.faults.process", *arguments, environment=self._environment({}))

    def _forked(self, program: str, *arguments: str, environment: Mapping[str, str]) -> Daemon:
        assert self._forking is not None
        home, log = self._place()
        process = self._forking.start(program, *arguments, home=home, environment=environment, stdout=log, stderr=log)
        return self._started(process, home, log)

    def _anew(self, command: Iterable[str], *, environment: Mapping[str, str]) -> Daemon:
        home, log = self._place()
        with log.open("wb") as output:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=home,
                env=environment,
                start_new_session=True,
            )
        return self._started(process, home, log)

    def _place(self) -> tuple[Path, Path]:
        """Where the next daemon works, and its log."""
        number = len(self.daemons)
        home = self.home / f"daemon-{number}"
        home.mkdir()
        return home, self.folder / f"daemon-{number}.log"

    def _started(self, process: Process, home: Path, log: Path) -> Daemon:
        (home / "daemon.pid").write_text(f"{process.pid}\n")
        daemon = Daemon(process, log)
        self.daemons.append(daemon)
        return daemon

    def end_all(self) -> None:
        """End what is still running, and wait until its children are gone."""
        families = []
        for daemon in self.daemons:
            if daemon.process.poll() is None:
                with suppress(psutil.NoSuchProcess):
                    families += psutil.Process(daemon.process.pid).children(recursive=True)
            daemon.kill()
        for process in families:
            wait_until(f"{process} is gone", lambda process=process: not is_alive(process))

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        configuring = ("PASSBACKD_", "CREDENTIALS_DIRECTORY")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(configuring)}
        return {**clean, **more}

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
        """The rows of *sql* on the world's database."""

        async def read() -> list[dict[str, Any]]:
            async with open_database(self.database_url or self.settings["database"]["url"]):
                return await Statement(sql).rows(**parameters)

        return asyncio.run(read())

    def count(self, table_and_condition: str) -> int:
        return int(self.rows(f"SELECT COUNT(*) AS number FROM {table_and_condition}")[0]["number"])

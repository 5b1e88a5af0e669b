"""passbackd as its unit runs it on a machine with systemd, and what an operator does with it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.blackbox.world import KEY, NAME, launch, score
from tests.deploy.machine import Machine
from tests.fakes.lms import RecordingLms

PREFIX = "/opt/passbackd"
CONFIG = f"{PREFIX}/etc/passbackd/config.toml"
CREDENTIALS = f"{PREFIX}/etc/passbackd/credentials"
DROP_IN = "/run/systemd/system/passbackd.service.d/test.conf"

#: The installed configuration, with campuses on this machine allowed.
SETTINGS = """
[database]
url = "sqlite:///var/lib/passbackd/passbackd.db"
[redis]
embedded_dir = "/var/lib/passbackd/valkey"
[egress]
allow_http = true
allow_networks = ["127.0.0.0/8"]
"""


@dataclass(frozen=True, slots=True)
class Service:
    """The service on *machine*; *since* is the machine's time from which on its journal counts."""

    machine: Machine
    since: str = ""

    def set(self, settings: str = "", unit: str = "") -> None:
        """Write its configuration, and lines for the unit's ``[Service]`` section, which are in force at once."""
        self.machine.path(CONFIG).write_text(SETTINGS + settings)
        drop_in = self.machine.path(DROP_IN)
        drop_in.parent.mkdir(exist_ok=True)
        drop_in.write_text(f"[Service]\n{unit}\n")
        self.machine.run("systemctl", "daemon-reload")

    def afresh(self) -> "Service":
        """Stop it, and take back what tests have set and what it has stored."""
        self.machine.run("systemctl", "kill", "--kill-whom=all", "--signal=CONT", "passbackd", code=None)
        self.machine.run("systemctl", "stop", "passbackd")
        self.machine.run("sh", "-c", f"rm -rf /var/lib/private/passbackd {CREDENTIALS}/*")
        self.set()
        self.machine.run("systemctl", "reset-failed", "passbackd", code=None)
        return replace(self, since=self.machine.run("date", "+%Y-%m-%d %H:%M:%S.%6N").strip())

    def start(self) -> int:
        """Start it, and wait until it is ready; returns its process, by the machine's own number."""
        self.machine.run("systemctl", "start", "passbackd")
        return self.pid

    @property
    def pid(self) -> int:
        return int(self.machine.property("MainPID"))

    @property
    def restarts(self) -> int:
        return int(self.machine.property("NRestarts"))

    def wait_restarted(self, before: int) -> None:
        """Wait until another process than *before* is ready."""
        self.machine.wait_until("restarted", lambda: self.pid not in (0, before) and self.is_active())

    def is_active(self) -> bool:
        return self.machine.property("ActiveState") == "active"

    def add_campus(self, secret: str) -> None:
        self.machine.run(
            "passbackd", "consumer", "add", NAME, "--key", KEY, "--secret-stdin", "--replace", stdin=f"{secret}\n"
        )

    def feed_grade(self, campus: RecordingLms) -> None:
        """A launch and a score of 0.5."""
        events = [launch("u1", "problem-1", "sourced-1", campus.url()), score("u1", "problem-1", 5)]
        assert "2 events fed" in self.machine.run("passbackd", "feed", "-", stdin="\n".join(map(json.dumps, events)))

    def status(self) -> dict[str, Any]:
        return json.loads(self.machine.run("passbackd", "status", "--json"))

    def journal(self, *options: str) -> str:
        return self.machine.journal("passbackd", f"--since={self.since}", *options)

    def notified(self) -> list[str]:
        """What it sent to systemd while systemd logged at level "debug"."""
        lines = self.journal("--output=cat").splitlines()
        return [line.partition("(")[2].rstrip(")") for line in lines if "Got notification message" in line]

    @contextmanager
    def campus(self, secret: str) -> Iterator[RecordingLms]:
        """An LMS in the machine's network, known to the service."""
        self.add_campus(secret)
        opening = RecordingLms.in_thread(keys={KEY: secret})
        lms = self.machine.in_network(opening.__enter__)
        try:
            yield lms
        finally:
            opening.__exit__(None, None, None)

    def file(self, name: str) -> Path:
        """A file in its state directory."""
        return self.machine.path(f"/var/lib/private/passbackd/{name}")

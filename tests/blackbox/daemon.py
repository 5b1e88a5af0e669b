"""A daemon as a process: its log, its pages, and waiting for what it does."""

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.blackbox.forked import Forked

#: Seconds for anything that should happen soon; loaded machines need many.
PATIENCE = 120.0
#: Seconds between two polls of a condition, at first, and at most: a poll may cost a daemon some of its work.
TICK, LONG_TICK = 0.03, 0.15

Process = subprocess.Popen[bytes] | Forked


def wait_until(what: str, condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Poll until *condition* holds."""
    began = time.monotonic()
    while not condition():
        waited = time.monotonic() - began
        assert waited < patience, f"not within {patience:g} s: {what}"
        time.sleep(min(max(TICK, waited / 20), LONG_TICK))


class Daemon:
    """A running ``passbackd run``."""

    def __init__(self, process: Process, log: Path) -> None:
        self.process = process
        self._log = log
        self._port: int | None = None

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def events(self) -> list[dict[str, Any]]:
        """Its log, an event a line; a line that is only half written is left out."""
        events = []
        for line in self.log().splitlines():
            with suppress(ValueError):
                events.append(json.loads(line))
        return events

    def logged(self, words: str) -> list[dict[str, Any]]:
        """The logged events whose names contain *words*."""
        return [event for event in self.events() if words in event["event"]]

    @property
    def port(self) -> int:
        """The port of its pages, which the system chose."""
        if self._port is None:
            self.wait_until("it listens", lambda: self.logged("listening"))
            self._port = self.logged("listening")[0]["port"]
        return self._port

    def wait_until(self, what: str, condition: Callable[[], object], patience: float = PATIENCE) -> None:
        """Poll until *condition* holds; fails with the end of the log, at once if the daemon ends."""
        try:
            wait_until(what, lambda: condition() or self._check_running(), patience)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.end_of_log()}") from None

    def _check_running(self) -> None:
        assert self.process.poll() is None, f"the daemon ended with {self.process.returncode}"

    def end_of_log(self) -> str:
        return "\n".join(self.log().splitlines()[-30:])

    def page(self, path: str) -> tuple[int, str]:
        """HTTP status and text of one of its pages; 0 where it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def wait_ready(self) -> Self:
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
        found: dict[str, Any] = {}

        def is_done() -> bool:
            found.update(self.status() or {})
            return bool(found) and not any(found["assignments"][state] for state in ("due", "waiting", "claimed"))

        self.wait_until("nothing is left to send", is_done, patience)
        return found

    def metric(self, name: str, **labels: str) -> float:
        """The sum over the samples of *name* that have *labels*."""
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

    @property
    def frozen(self) -> bool:
        return psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED

    def freeze(self) -> None:
        """SIGSTOP, and until it is frozen."""
        self.process.send_signal(signal.SIGSTOP)
        wait_until("it is frozen", lambda: self.frozen)

    def resume(self) -> float:
        """SIGCONT; gives the time (``time.monotonic``)."""
        self.process.send_signal(signal.SIGCONT)
        return time.monotonic()

    def kill(self) -> None:
        """SIGKILL; nothing if it has ended."""
        self.process.kill()
        self.process.wait()

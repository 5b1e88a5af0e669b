"""A real Prometheus that scrapes a real daemon every moment, with the shipped rules but for their patience."""

import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.blackbox.daemon import wait_until
from tests.deploy.debian import tool
from tests.docs.docs_runner import ROOT
from tests.docs.test_docs_runner import free_ports

RULES = ROOT / "deploy" / "prometheus" / "passbackd.rules.yml"

_CONFIG = """\
global: {{scrape_interval: 500ms, scrape_timeout: 400ms, evaluation_interval: 500ms}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: passbackd
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Prometheus:
    """What it can be asked."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}/api/v1"

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        with urllib.request.urlopen(f"{self._base}/{path}{query}", timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)["data"]
        return found

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an expression gives now."""
        return list(self.get("query", query=expression)["result"])

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        alerts = self.get("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def wait_firing(self, *names: str) -> None:
        wait_until(f"{names} fire", lambda: self.firing() >= set(names))


@contextmanager
def running_prometheus(folder: Path, target: int) -> Iterator[Prometheus]:
    """One that scrapes the daemon on port *target*. An alert that waits for minutes waits for a second."""
    folder.mkdir()
    (folder / "rules.yml").write_text(re.sub(r"for: \w+", "for: 1s", RULES.read_text()))
    (folder / "prometheus.yml").write_text(_CONFIG.format(port=target))
    (port,) = free_ports(1)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                tool("prometheus", "prometheus").path,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    server = Prometheus(port)

    def answers() -> bool:
        assert process.poll() is None, (folder / "log").read_text()
        try:
            return bool(server.query("passback_ready"))
        except OSError:
            return False

    try:
        wait_until("Prometheus has scraped", answers)
        # A rate needs two scrapes.
        began = time.monotonic()
        wait_until("it has scraped twice", lambda: time.monotonic() - began > 1.5)
        yield server
    finally:
        process.kill()
        process.wait()

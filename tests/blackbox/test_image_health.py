"""The health of the image's container: that its daemon answers, whatever else does."""

import json
import re
import signal
import subprocess
import sys

import pytest

from tests.blackbox.world import ROOT
from tests.servers import Port

(HEALTH,) = re.findall(
    r"^HEALTHCHECK .* CMD (\[.*\])$", (ROOT / "deploy" / "Containerfile").read_text(), flags=re.MULTILINE
)


@pytest.fixture
def port():
    port = Port()
    yield port.number
    port.close()


def exit_code(folder):
    """Of the image's own command, where its config file is."""
    python, *words = json.loads(HEALTH)
    assert python == "/opt/passbackd/bin/python"
    return subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, timeout=60, check=False).returncode


def test_a_container_is_healthy_while_its_daemon_answers(make_world, migrated_database, valkey_url, port):
    world = make_world(migrated_database("sqlite"), valkey_url)
    world.set("web", port=port)
    assert exit_code(world.folder) != 0, "its daemon has not begun"
    daemon = world.run().wait_ready()
    assert exit_code(world.folder) == 0
    daemon.process.send_signal(signal.SIGTERM)
    daemon.wait_stopped()
    assert exit_code(world.folder) != 0

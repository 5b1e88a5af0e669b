"""The daemons of the release before give way to those of this one, one by one, while scores change."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from deploy.release.changelog import releases
from deploy.release.versions import project_version
from tests.blackbox.learners import Learners, between
from tests.blackbox.release_before import release_before
from tests.blackbox.world import COMMAND, KEY, NAME, ROOT, SECRET, structure


@pytest.fixture(scope="module")
def before(tmp_path_factory) -> Path:
    """The release before, built from its source as any release is, and installed in a folder of its own."""
    folder = tmp_path_factory.mktemp("before")
    released = [release.version for release in releases((ROOT / "CHANGELOG.md").read_text())]
    found = release_before(ROOT, released, project_version(ROOT))
    source = subprocess.run(("git", "archive", found), cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(source)) as archive:
        archive.extractall(folder / "source", filter="data")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps")
    subprocess.run((*pip, "--no-build-isolation", "--target", folder / "site", folder / "source"), check=True)
    return folder / "site"


def test_a_rolling_upgrade_loses_no_grade_leaves_none_old_and_sends_no_two_at_once(
    make_world, fresh_database, valkey_url, campus, before
):
    world = make_world(fresh_database("postgresql"), valkey_url)
    world.set("database", migrate_on_start=False)
    campus.behave = between(0.01, 0.1, seed=3)
    of_before = {"PYTHONPATH": os.fspath(before)}

    def call_before(*arguments, stdin=""):
        command = (*COMMAND, *arguments, "--config", str(world.config))
        subprocess.run(command, env={**os.environ, **of_before}, cwd=world.home, input=stdin, check=True, text=True)

    call_before("migrate")
    call_before("consumer", "add", NAME, "--key", KEY, "--secret-stdin", stdin=SECRET)
    running = [world.run((*COMMAND, "run", "--config", str(world.config)), **of_before) for _ in range(2)]
    for daemon in running:
        daemon.wait_ready()

    learners = Learners(10, seed=4)
    world.add(structure(), *learners.launches(campus.url("/outcomes")))
    # A hundred events a second.
    with learners.at_work(world):
        running[0].wait_until("it passes grades back", lambda: len(campus.requests) > 50)
        assert world.call("migrate").code == 0
        for number, daemon in enumerate(running):
            new = world.run().wait_ready()
            goal = len(campus.requests) + 50
            new.wait_until("both releases pass grades back", lambda goal=goal: len(campus.requests) > goal)
            daemon.stop()
            running[number] = new
        goal = len(campus.requests) + 50
        running[0].wait_until("this release goes on", lambda goal=goal: len(campus.requests) > goal)
    for daemon in running:
        daemon.wait_settled()
    assert campus.gradebook == learners.gradebook()
    assert campus.overlaps() == []
    assert world.count("delivery WHERE result = 'unknown'") == 0

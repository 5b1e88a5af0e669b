"""``run`` and ``check`` refuse an environment in which another distribution has one of passbackd's package names."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
#: As python-daemon's wheel has them: files, the metadata, and that it lists its packages.
PYTHON_DAEMON = {
    "daemon/__init__.py": "from .daemon import DaemonContext\n",
    "daemon/daemon.py": "class DaemonContext: ...\n",
    "daemon/pidfile.py": "",
    "python_daemon-3.1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: python-daemon\nVersion: 3.1.2\n",
    "python_daemon-3.1.2.dist-info/top_level.txt": "daemon\n",
}
#: A distribution whose wheel lists its files alone, one of them a module of the name.
MODELS = {
    "models.py": "",
    "models-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: models\nVersion: 1\n",
    "models-1.dist-info/RECORD": "models.py,,\nmodels-1.dist-info/METADATA,,\nmodels-1.dist-info/RECORD,,\n",
}
CURE = "`pipx install`, `uv tool install`, or the one file passbackd.pex"


@pytest.fixture
def site(tmp_path):
    """A folder with passbackd installed in it, as pip lays a wheel out; libraries are those of this environment."""
    folder = tmp_path / "site"
    for package in ("daemon", "actors", "models"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    lay_out(
        folder,
        {
            "passbackd-0.1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: passbackd\nVersion: 0.1.0\n",
            "passbackd-0.1.0.dist-info/RECORD": "actors/__init__.py,,\ndaemon/__init__.py,,\nmodels/__init__.py,,\n",
        },
    )
    return folder


def lay_out(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def call(site: Path, *arguments: str, as_module: bool = False, cwd: Path | None = None, **environment: str):
    """The command as its console script or as a module, with the packages of *site* and no editable checkout."""
    libraries = sysconfig.get_path("purelib")
    start = ["-m", "daemon"] if as_module else ["-c", "from daemon.cli import main; main()"]
    # Without site, so that no .pth of this environment leads to the checkout; -P: a script's folder is not a package's.
    return subprocess.run(
        [sys.executable, "-S", *([] if as_module else ["-P"]), *start, *arguments],
        cwd=cwd or site.parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(site), libraries)), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_alone_it_works_and_beside_python_daemon_run_and_check_say_what_to_do(site, valkey_url):
    settings = {"PASSBACKD_DATABASE__URL": f"sqlite://{site.parent}/test.db", "PASSBACKD_REDIS__URL": valkey_url}
    alone = call(site, "check", **settings)
    assert alone.returncode == 0, alone.stdout + alone.stderr

    # Installed last, it has passbackd's daemon/__init__.py replaced.
    lay_out(site, PYTHON_DAEMON)
    for command in ("run", "check"):
        for as_module in (False, True):
            said = call(site, command, as_module=as_module, **settings)
            assert (said.returncode, said.stdout) == (2, ""), said.stderr
            assert "daemon (python-daemon)" in said.stderr
            assert CURE in said.stderr
            assert "Traceback" not in said.stderr
    # Installed first, it has its own replaced.
    (site / "daemon/__init__.py").write_text("")
    said = call(site, "check", "--json", **settings)
    (finding,) = json.loads(said.stdout)["findings"]
    assert (said.returncode, said.stderr, finding["severity"], finding["about"]) == (2, "", "fault", "environment")
    assert "daemon (python-daemon)" in finding["problem"]
    assert call(site, "--version").returncode == 0, "no other command asks"


def test_each_name_and_each_other_owner_is_named_and_a_folder_that_comes_first_too(site, tmp_path):
    lay_out(site, PYTHON_DAEMON | MODELS)
    said = call(site, "check")
    assert said.returncode == 2
    assert "daemon (python-daemon), models (models)" in said.stderr

    (working := tmp_path / "working").mkdir()
    for name in [*PYTHON_DAEMON, *MODELS]:
        if "dist-info" in name:
            (site / name).unlink()
    (working / "actors").mkdir()
    said = call(site, "check", as_module=True, cwd=working)
    assert said.returncode == 0, "a folder without __init__.py is imported only where no package has the name"
    (working / "actors/__init__.py").touch()
    said = call(site, "check", as_module=True, cwd=working)
    assert said.returncode == 2
    assert f"in place of passbackd's: {working}/actors" in said.stderr


def test_an_editable_checkout_passes():
    said = subprocess.run(
        [sys.executable, "-c", "from daemon.cli.package_names import require_own_names as r; r(); print('passed')"],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout == "passed\n", said.stderr

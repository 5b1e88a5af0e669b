import re
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from daemon.demo.play import LEARNERS
from tests.blackbox.daemon import wait_until

COMMAND = [sys.executable, "-m", "daemon", "demo"]

#: Seconds that a whole demo may take on a busy machine.
WITHIN = 150

#: Seconds in which a demo that was interrupted must be over: the daemon drains, and gets some more.
STOPS_WITHIN = 25


def numbers(output):
    """Read the final table: what is counted, and the count."""
    rows = re.findall(r"^\W*(\w[^│|]*?)\s*[│|]\s*(\d+)\s*[│|]\s*$", output, re.MULTILINE)
    return {name: int(number) for name, number in rows}


def server_runs_below(process):
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            if child.name().startswith(("valkey", "redis")):
                return True
    return False


@pytest.mark.timeout(WITHIN + 30)
def test_the_demo_ends_with_every_grade_at_every_campus_as_it_was_earned():
    demo = subprocess.run(COMMAND, capture_output=True, text=True, timeout=WITHIN, check=False)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    table = numbers(demo.stdout)
    assert table["Mismatches"] == 0
    campuses = [line for line in demo.stdout.splitlines() if re.search(r"│ +[1-9]\d* │ +[1-9]\d* │ +0 │$", line)]
    spoken = [re.search(r"LTI [^│]*?(?= *│)", line)[0] for line in campuses]
    assert spoken == ["LTI 1.1", "LTI 1.3", "LTI 1.1, then 1.3"]
    assert "refused" not in demo.stdout
    assert table["moved to LTI 1.3"] > 0
    assert table["Learners"] == LEARNERS >= 50
    assert table["duplicates"] > 0
    assert table["late (out of order)"] > 0
    assert table["Requests at the campuses"] < table["Score events fed"]
    # One in ten; but no grade is refused twice running, and the last requests are all repeats.
    assert 1 / 13 < table["answered 503, and retried"] / table["Requests at the campuses"] <= 1 / 10
    assert table["most for one composite"] <= 6  # also once for its move, and each of the three twice
    assert "README.md" in demo.stdout


@pytest.mark.timeout(WITHIN)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_demo_leaves_no_process_behind(number):
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        try:
            parent = psutil.Process(demo.pid)
            wait_until("its server runs", lambda: server_runs_below(parent))
            time.sleep(2)
            family = parent.children(recursive=True)
            demo.send_signal(number)
            said, complaints = demo.communicate(timeout=STOPS_WITHIN)
        finally:
            demo.kill()
    assert demo.returncode in {1, 130}, said + complaints
    assert "Traceback" not in said + complaints
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []


def test_the_help_of_the_sample_campus_names_no_type_of_python():
    call = [sys.executable, "-m", "daemon.demo", "--help"]
    said = subprocess.run(call, capture_output=True, text=True, check=True).stdout
    for words in ("--port PORT", "--key KEY", "--secret SECRET"):
        assert words in said
    for word in ("<", ">", "INTEGER", "TEXT"):
        assert word not in said

"""Other processes of the site of the tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).parent


@contextmanager
def running(log: Path, *arguments: str, url: str) -> Iterator[subprocess.Popen[str]]:
    """Python with these arguments, as a process of the platform that has Redis at *url*; it is ended after."""
    path = os.pathsep.join([str(TESTS / "platform"), str(TESTS), str(TESTS.parent)])
    environment = {**os.environ, "PYTHONPATH": path, "PASSBACKD_REDIS_URL": url}
    command, pipe = [sys.executable, *arguments], subprocess.PIPE
    with (
        log.open("w") as errors,
        subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=errors, text=True) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()

"""A supervisor that speaks sd_notify, as systemd does."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.blackbox.daemon import wait_until


class Supervisor:
    """What systemd hears."""

    def __init__(self, listener):
        self.address = listener.getsockname()
        self._listener = listener
        self._heard = []

    def heard(self) -> list[str]:
        """Every line so far."""
        with suppress(BlockingIOError):
            while True:
                self._heard += self._listener.recv(65536).decode().splitlines()
        return self._heard

    def wait_for(self, line: str, times: int = 1) -> None:
        wait_until(f"{times} x {line}", lambda: sum(said.startswith(line) for said in self.heard()) >= times)


@contextmanager
def listening_supervisor(folder: Path) -> Iterator[Supervisor]:
    """With a socket in *folder*."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(folder / "notify"))
        listener.setblocking(False)
        yield Supervisor(listener)

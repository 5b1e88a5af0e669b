"""Time that a test lets pass in a moment, for the database, the daemon, commands and platforms alike."""

import time

from tests.blackbox.daemon import Daemon
from tests.blackbox.world import World
from tests.database_clock import DatabaseClock
from tests.postgres import PostgresServer


class PassingTime:
    """
    The time of a world on PostgreSQL, and by a call the seconds since 1970 for its platforms.

    Made before a daemon runs, which :meth:`run` starts.
    """

    def __init__(self, world: World, postgres: PostgresServer) -> None:
        self._world, self._database = world, DatabaseClock(postgres, world.settings["database"]["url"])
        self._file = world.folder / "clock"
        self._daemons: list[Daemon] = []
        #: How many have passed in such moments.
        self.passed = 0.0
        self._write()

    def __call__(self) -> float:
        return time.time() + self.passed

    def run(self) -> Daemon:
        """Start a daemon that lives by this time, without waiting for it."""
        daemon = self._world.run_faulty("--clock", str(self._file))
        self._daemons.append(daemon)
        return daemon

    def go_on(self, seconds: float) -> None:
        """Have so many pass. No request may be under way: it would seem to have taken that long."""
        running = [daemon for daemon in self._daemons if daemon.process.poll() is None]
        # One that saw the database's time and its own differ would store times that lie as far ahead.
        for daemon in running:
            daemon.freeze()
        self.passed += seconds
        self._database.set(self.passed)
        self._write()
        for daemon in running:
            daemon.resume()

    def _write(self) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(str(self.passed))
        new.replace(self._file)

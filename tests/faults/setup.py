"""What each fault strikes: a tool at work, daemons behind networks that may fail, a campus; and what must hold."""

import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daemon.demo.lms.request import RequestRecord
from tests.blackbox.daemon import Daemon, wait_until
from tests.blackbox.world import World
from tests.fakes.lms import Behaviour, RecordingLms, held, success
from tests.faults import invariant
from tests.faults.proxy import Proxy
from tests.faults.tool import LEAF, Tool
from tests.postgres import PostgresServer
from tests.servers import RedisServer

ROOT = Path(__file__).parents[2]

#: Seconds. Short, so that a lease is seven seconds long.
TIMEOUT, HOLD, MARGIN = 1, 1, 5
LEASE = MARGIN + TIMEOUT + HOLD

#: How log events about the stream begin.
RESET, GAP = "the stream was reset", "the last entry that was read is gone"

#: The servers of a setup, and for tests where the other database or the other Redis may differ.
PAIRS = ("postgresql and valkey-9", "sqlite and redis-6.2")
on_both_pairs = pytest.mark.parametrize("pair", PAIRS)

_ROWS = "SELECT *, lis_result_sourcedid AS sourcedid FROM graded_assignment ORDER BY id"

_DELIVERIES = """
    SELECT lis_result_sourcedid AS sourcedid, delivery.score AS score, delivery.result AS result
    FROM delivery JOIN graded_assignment ON graded_assignment.id = delivery.assignment_id"""


@dataclass
class Setup:
    """Everything that a fault can strike."""

    world: World
    campus: RecordingLms
    tool: Tool
    redis_server: RedisServer
    #: The only way of the daemons to Redis, and to PostgreSQL; the latter are None on SQLite.
    redis_proxy: Proxy
    postgres: PostgresServer | None
    database_proxy: Proxy | None

    def daemon(self, *options: str) -> Daemon:
        """Start a daemon of :mod:`tests.faults.process`, without waiting for it."""
        command = [sys.executable, "-m", "tests.faults.process", str(self.world.config), *options]
        return self.world.run(command, PYTHONPATH=str(ROOT))

    def begin(self, *options: str) -> Daemon:
        """A daemon that has passed the first grade of each learner back, and is at rest."""
        self.tool.say(*self.tool.beginning())
        daemon = self.daemon(*options)
        daemon.wait_until("the first grades came", lambda: self.campus.grades() == self.tool.newest)
        daemon.wait_settled()
        return daemon

    @contextmanager
    def under_load(self, **expectations: Any) -> Iterator[Daemon]:
        """A daemon while scores change all the time, with grades before and after the fault; :meth:`check` at last."""
        daemon = self.begin()
        with self.tool.at_work():
            self.more_come()
            yield daemon
            self.more_come()
        self.check(**expectations)

    @property
    def armed(self) -> Path:
        """The file for which daemons wait that kill or stop themselves."""
        return self.world.folder / "armed"

    def set_clock(self, seconds: float) -> Path:
        """A file that sets a daemon's ``--clock`` so many seconds ahead."""
        file = self.world.folder / "clock"
        new = file.with_suffix(".new")
        new.write_text(str(seconds))
        return new.replace(file)

    def more_come(self, number: int = 10) -> None:
        """Until so many more grades have come: work flows."""
        goal = len(self.campus.applied) + number
        self.campus.wait_for(lambda: len(self.campus.applied) >= goal, 60)

    def wait_changed(self, *sourcedids: str) -> None:
        """Until these grades, or all, have changed once more."""
        before = {sourcedid: len(self.tool.histories[sourcedid]) for sourcedid in sourcedids or self.tool.histories}
        wait_until(
            "these grades change",
            lambda: all(len(self.tool.histories[sourcedid]) > number for sourcedid, number in before.items()),
        )

    def strike(self, sourcedid: str, *behaviours: Behaviour) -> list[RequestRecord]:
        """Have the campus treat the next requests for one grade so; gives those requests, as they come."""
        struck: list[RequestRecord] = []

        def behave(record: RequestRecord) -> Behaviour:
            if record.sourcedid != sourcedid or len(struck) == len(behaviours):
                return success()
            struck.append(record)
            return behaviours[len(struck) - 1]

        self.campus.behave = behave
        return struck

    def hold_request(self, sourcedid: str) -> tuple[RequestRecord, threading.Event]:
        """Change a grade and wait until its request is at the campus, which answers once the event is set."""
        answers = threading.Event()
        struck = self.strike(sourcedid, held(answers))
        self.tool.change(sourcedid)
        self.campus.wait_for(lambda: struck, 30)
        return struck[0], answers

    def assignments(self) -> list[dict[str, Any]]:
        return self.world.rows(_ROWS)

    def results(self, sourcedid: str) -> list[str]:
        """What came of each attempt for a grade that may have reached the campus."""
        return [str(one["result"]) for one in self.world.rows(_DELIVERIES) if one["sourcedid"] == sourcedid]

    def position(self) -> str:
        """The last entry of the stream that was applied."""
        return str(self.world.rows("SELECT position FROM intake")[0]["position"])

    def wait_heartbeats(self, number: int) -> None:
        """Until so many daemons have given a sign of life that is later than now by the database's time."""
        now = self.world.rows("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now")[0]["now"]
        wait_until("heartbeats", lambda: self.world.count(f"heartbeat WHERE seen_at > {now}") == number)

    def settle(self) -> None:
        """Until everything is applied and sent, as each daemon sees it that was not stopped or killed."""
        for daemon in self.world.daemons:
            if daemon.process.poll() not in (0, -signal.SIGKILL):
                daemon.wait_settled()
        self.campus.wait_for(lambda: all(record.ended for record in self.campus.requests), 10)

    def overtaken(self, *, chapters: bool = True) -> list[invariant.Overtaken]:
        """Each time that an older grade was written over a newer one; without *chapters* of problems alone."""
        histories = {name: history for name, history in self.tool.histories.items() if chapters or name.endswith(LEAF)}
        return invariant.overtaken(list(self.campus.applied), histories)

    def check(
        self,
        *,
        expected: Sequence[str] = (),
        overtaken: bool = False,
        resumed: float | None = None,
        strange: bool = False,
        recorded_since: float = 0.0,
    ) -> None:
        """
        Everything that must hold after any fault, once all is settled. Times are ``time.monotonic``.

        Args:
            expected: How the log events begin that the fault makes errors.
            overtaken: Whether the fault lets an older grade land after a newer one; it must be overwritten then.
            resumed: When a frozen holder continued.
            strange: Whether events that come out of order make chapters' grades that no learner ever had, whose age is
                unknown.
            recorded_since: From when on requests must have delivery records.
        """
        self.settle()
        histories = self.tool.histories
        found = self.overtaken(chapters=not strange)
        faults = invariant.newest_is_held(self.campus.grades(), histories)
        faults += invariant.older_is_overwritten(found, within=2 * LEASE, resumed=resumed)
        if not overtaken:
            faults += [str(one) for one in found]
        if not strange:
            faults += invariant.grades_are_real(list(self.campus.applied), histories)
        faults += invariant.deliveries_are_complete(
            list(self.campus.requests), self.world.rows(_DELIVERIES), since=recorded_since
        )
        faults += invariant.nothing_is_left(self.assignments(), self.world.count("quarantined_event"))
        for daemon in self.world.daemons:
            faults += invariant.log_is_quiet(daemon.log(), daemon.events(), expected)
        assert not faults, "\n".join(faults)


def side_by_side(play: Callable[..., Any], *cases: Iterable[Any]) -> None:
    """Play these cases at once, each on its setup: most of their time is waiting. All that goes wrong is raised."""
    with ThreadPoolExecutor(len(cases)) as pool:
        played = [pool.submit(play, *case) for case in cases]
    faults = [one.exception() for one in played]
    if any(faults):
        raise ExceptionGroup("some setups failed", [fault for fault in faults if isinstance(fault, Exception)])

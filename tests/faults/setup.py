"""A scene: a tool at work, daemons behind networks that may fail, a campus; and whether everything is right at last."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from daemon.demo.lms.request import RequestRecord
from tests.blackbox.world import Daemon, World, read_rows, wait_until
from tests.fakes.lms import Behaviour, RecordingLms, success
from tests.faults import invariant
from tests.faults.proxy import Proxy
from tests.faults.tool import LEAF, Tool
from tests.servers import PostgresServer, RedisServer

ROOT = Path(__file__).parents[2]

#: Seconds. Short, so that a lease is seven seconds long.
TIMEOUT, HOLD, MARGIN = 1, 1, 5
LEASE = MARGIN + TIMEOUT + HOLD

_ROWS = """
    SELECT lis_result_sourcedid AS sourcedid, version_number, sent_version, sent_score, claimed_until, parked_at,
        parked_reason, waiting_since
    FROM graded_assignment ORDER BY id"""

_LINES = """
    SELECT lis_result_sourcedid AS sourcedid, delivery.score AS score, delivery.result AS result
    FROM delivery JOIN graded_assignment ON graded_assignment.id = delivery.assignment_id"""


@dataclass
class Scene:
    """Everything that a fault can strike."""

    world: World
    campus: RecordingLms
    tool: Tool
    redis_server: RedisServer
    #: The only way of the daemons to Redis, and to PostgreSQL; the latter are None on SQLite.
    redis_proxy: Proxy
    postgres: PostgresServer | None
    database_proxy: Proxy | None
    #: Past the proxies.
    database_url: str
    redis_url: str

    def daemon(self, *options: str) -> Daemon:
        """Start a daemon of :mod:`tests.faults.process`, without waiting for it."""
        command = [sys.executable, "-m", "tests.faults.process", str(self.world.config), *options]
        return self.world.run(command, PYTHONPATH=str(ROOT))

    def begin(self, *options: str) -> Daemon:
        """A daemon that has passed the first grade of everybody back, and is at rest."""
        self.tool.enrol()
        daemon = self.daemon(*options)
        daemon.wait_until("the first grades came", lambda: self.held() == self.tool.newest)
        daemon.wait_settled()
        return daemon

    @property
    def armed(self) -> Path:
        """Once this file is there, daemons that were told to kill or stop themselves ``--once`` it is will do so."""
        return self.world.folder / "armed"

    def held(self) -> dict[str, str]:
        """What the campus holds now."""
        return self.campus.grades()

    def more_come(self, number: int = 10) -> None:
        """Until so many more grades have come: work flows."""
        goal = len(self.campus.applied) + number
        self.campus.wait_for(lambda: len(self.campus.applied) >= goal, 60)

    def news_of(self, *sourcedids: str) -> None:
        """Until these grades have changed once more."""
        before = {sourcedid: len(self.tool.histories[sourcedid]) for sourcedid in sourcedids}
        wait_until(
            "these grades change",
            lambda: all(len(self.tool.histories[sourcedid]) > number for sourcedid, number in before.items()),
        )

    @contextmanager
    def redis(self) -> Iterator[redis.Redis]:
        """Redis, past its proxy."""
        with redis.Redis.from_url(self.redis_url) as client:
            yield client

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

    # What the database says, past any proxy

    def rows(self, sql: str = _ROWS, **parameters: object) -> list[dict[str, Any]]:
        return read_rows(self.database_url, sql, **parameters)

    def results(self, sourcedid: str) -> list[str]:
        """What came of each attempt for a grade that may have reached the campus."""
        return [str(line["result"]) for line in self.rows(_LINES) if line["sourcedid"] == sourcedid]

    def position(self) -> str:
        """The last entry of the stream that was applied."""
        return str(self.rows("SELECT position FROM intake")[0]["position"])

    def count(self, table_and_condition: str) -> int:
        return int(self.rows(f"SELECT COUNT(*) AS number FROM {table_and_condition}")[0]["number"])

    # In the end

    def settle(self, *daemons: Daemon, patience: float = 60.0) -> None:
        """Until everything is applied and sent, as each of these daemons sees it."""
        for daemon in daemons:
            daemon.wait_settled(patience)
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
        woke: float | None = None,
        strange: bool = False,
        ledger_since: float = 0.0,
    ) -> None:
        """
        Everything that must hold after any fault.

        Args:
            expected: How the log events begin that the fault makes errors.
            overtaken: Whether the fault lets an older grade land after a newer one; it must be mended then.
            woke: When a holder that was away came back (``time.monotonic``).
            strange: Whether events that come out of order make chapters' grades that no learner ever had, and whose age
                nobody can tell.
            ledger_since: From when on requests must be in the ledger (``time.monotonic``).
        """
        histories = self.tool.histories
        found = self.overtaken(chapters=not strange)
        faults = invariant.newest_stands(self.held(), histories)
        faults += invariant.older_is_overwritten(found, within=2 * LEASE, woke=woke)
        if not overtaken:
            faults += [str(one) for one in found]
        if not strange:
            faults += invariant.nobody_invents(list(self.campus.applied), histories)
        faults += invariant.ledger_is_whole(list(self.campus.requests), self.rows(_LINES), since=ledger_since)
        faults += invariant.nothing_is_left(self.rows(), self.count("quarantined_event"))
        for daemon in self.world.daemons:
            faults += invariant.log_is_quiet(daemon.log(), daemon.events(), expected)
        assert not faults, "\n".join(faults)


def at_once(*plays: Callable[[], None]) -> None:
    """Play several scenes side by side, since most of their time is waiting; all that goes wrong is told."""
    with ThreadPoolExecutor(len(plays)) as pool:
        played = [pool.submit(play) for play in plays]
    faults = [one.exception() for one in played]
    if any(faults):
        raise ExceptionGroup("some scenes went wrong", [fault for fault in faults if isinstance(fault, Exception)])

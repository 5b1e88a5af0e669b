"""What each fault strikes: a tool at work, daemons behind networks that may fail, a campus; and what must hold."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.blackbox.daemon import Daemon, wait_until
from tests.blackbox.world import World
from tests.fakes import lms, platform
from tests.fakes.lms import Applied, RecordingLms
from tests.faults import invariant
from tests.faults.platforms import ORDERING, SIX, FaultPlatform
from tests.faults.proxy import Proxy
from tests.faults.tool import LEAF, Tool
from tests.postgres import PostgresServer
from tests.servers import RedisServer

#: Seconds. Short, so that a lease is seven seconds long.
TIMEOUT, HOLD, MARGIN = 1, 1, 5
LEASE = MARGIN + TIMEOUT + HOLD

#: How log events about the stream begin.
RESET, GAP = "the stream was reset", "the last entry that was read is gone"

#: The servers of a setup, and for tests where the other database or the other Redis may differ.
PAIRS = ("postgresql and valkey-9", "sqlite and redis-6.2")
on_both_pairs = pytest.mark.parametrize("pair", PAIRS)
#: For tests after which each kind of platform may hold something else.
of_all_kinds = pytest.mark.parametrize("kinds", [SIX], ids=["all kinds"])

_NAMED = "lis_result_sourcedid AS sourcedid, lis_outcome_service_url AS url"
_SERVICE = "JOIN outcome_service ON outcome_service.id = graded_assignment.outcome_service_id"
_ROWS = f"SELECT graded_assignment.*, {_NAMED} FROM graded_assignment {_SERVICE} ORDER BY graded_assignment.id"

_DELIVERIES = f"""
    SELECT {_NAMED}, delivery.score AS score, delivery.result AS result
    FROM delivery JOIN graded_assignment ON graded_assignment.id = delivery.assignment_id {_SERVICE}"""


@dataclass
class Setup:
    """Everything that a fault can strike. Grades are named as :class:`tests.faults.tool.Tool` names them."""

    world: World
    #: Over LTI 1.1.
    campus: RecordingLms
    #: Over LTI 1.3, beside it.
    platforms: list[FaultPlatform]
    tool: Tool
    redis_server: RedisServer
    #: The only way of the daemons to Redis, and to PostgreSQL; the latter are None on SQLite.
    redis_proxy: Proxy
    postgres: PostgresServer | None
    database_proxy: Proxy | None

    def daemon(self, *options: str) -> Daemon:
        """Start a daemon of :mod:`tests.faults.process`, without waiting for it."""
        return self.world.run_faulty(*options)

    def begin(self, *options: str) -> Daemon:
        """A daemon that has passed the first grade of each learner back, and is at rest."""
        self.tool.say(*self.tool.beginning())
        daemon = self.daemon(*options)
        daemon.wait_until("the first grades came", self.has_newest)
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

    def held(self) -> dict[str, str]:
        """The score of each grade that its campus took last."""
        held: dict[str, str] = self.campus.grades()
        for one in self.platforms:
            held |= one.held()
        return held

    def has_newest(self) -> bool:
        """Whether each campus took the newest score of each grade last."""
        return self.held() == self.tool.newest

    def more_come(self, number: int = 10) -> None:
        """Until so many more grades have come, and one more to each platform: work flows."""
        goals = [(self.campus.applied, len(self.campus.applied) + number)]
        goals += [(one.applied, len(one.applied) + 1) for one in self.platforms]
        self.campus.wait_for(lambda: all(len(applied) >= goal for applied, goal in goals), 60)

    def wait_changed(self, *sourcedids: str) -> None:
        """Until these grades, or all, have changed once more."""
        before = {sourcedid: len(self.tool.histories[sourcedid]) for sourcedid in sourcedids or self.tool.histories}
        wait_until(
            "these grades change",
            lambda: all(len(self.tool.histories[sourcedid]) > number for sourcedid, number in before.items()),
        )

    def beside(self, sourcedid: str) -> list[str]:
        """The names of the same grade at the platforms."""
        return [name for name in self.tool.histories if name.startswith(f"{sourcedid}@")]

    def leaves(self) -> list[str]:
        """The names of all grades over LTI 1.3 that are of one problem: one a platform."""
        return [name for one in self.platforms for name in one.sourcedids if f"/{LEAF}@" in name]

    def platform_of(self, sourcedid: str) -> FaultPlatform | None:
        return next((one for one in self.platforms if sourcedid in one.sourcedids), None)

    def sent(self, sourcedid: str) -> list[Any]:
        """The requests for one grade, in order of arrival."""
        there = self.platform_of(sourcedid)
        if there is None:
            return self.campus.sent(sourcedid)
        return [one for one in there.of("score") if there.name_of(one) == sourcedid]

    def strike(self, sourcedid: str, *behaviours: Any) -> list[Any]:
        """Have the campus treat the next requests for one grade so; gives those requests, as they come."""
        there, struck = self.platform_of(sourcedid), []

        def behave(record: Any) -> Any:
            if there is None:
                name, well = record.sourcedid, lms.success()
            else:
                name, well = there.name_of(record) if record.operation == "score" else "", platform.well()
            if name != sourcedid or len(struck) == len(behaviours):
                return well
            struck.append(record)
            return behaviours[len(struck) - 1]

        (there or self.campus).behave = behave
        return struck

    def hold_request(self, sourcedid: str) -> tuple[Any, threading.Event]:
        """Change a grade and wait until its request is at the campus, which answers once the event is set."""
        answers = threading.Event()
        ((request,),) = self.hold_requests(answers, sourcedid)
        return request, answers

    def hold_requests(self, answers: threading.Event, *sourcedids: str) -> list[list[Any]]:
        """As :meth:`hold_request`, of several grades at different campuses."""
        kept = {
            name: lms.held(answers) if self.platform_of(name) is None else platform.held(answers) for name in sourcedids
        }
        struck = [self.strike(name, behaviour) for name, behaviour in kept.items()]
        for name in {name.partition("@")[0] for name in sourcedids}:
            self.tool.change(name)
        self.campus.wait_for(lambda: all(struck), 30)
        return struck

    def assignments(self) -> list[dict[str, Any]]:
        return self._named(self.world.rows(_ROWS))

    def deliveries(self) -> list[dict[str, Any]]:
        """``sourcedid``, ``score`` and ``result`` of each attempt."""
        return self._named(self.world.rows(_DELIVERIES))

    def _named(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        names = {(one.line_items[name], one.sub(name)): name for one in self.platforms for name in one.sourcedids}
        return [{**row, "sourcedid": names.get((row["url"], row["sourcedid"]), row["sourcedid"])} for row in rows]

    def results(self, sourcedid: str) -> list[str]:
        """What came of each attempt for a grade that may have reached the campus."""
        return [str(one["result"]) for one in self.deliveries() if one["sourcedid"] == sourcedid]

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
        self.campus.wait_for(lambda: all(one.at_rest for one in self.platforms), 10)

    def applied(self) -> list[Applied]:
        """Every score that a campus took, of each campus in order."""
        return [one for there in (self.campus, *self.platforms) for one in there.applied.copy()]

    def overtaken(self, *, chapters: bool = True) -> list[invariant.Overtaken]:
        """Each time that an older grade was written over a newer one; without *chapters* of problems alone."""
        return invariant.overtaken(self.applied(), self._histories(chapters=chapters))

    def _histories(self, *, chapters: bool) -> dict[str, invariant.History]:
        return {name: history for name, history in self.tool.histories.items() if chapters or f"/{LEAF}" in name}

    def check(
        self,
        *,
        expected: Sequence[str] = (),
        overtaken: bool = False,
        resumed: float | None = None,
        restored: bool = False,
        strange: bool = False,
        recorded_since: float = 0.0,
    ) -> None:
        """
        Everything that must hold after any fault, once all is settled. Times are ``time.monotonic``.

        Args:
            expected: How the log events begin that the fault makes errors.
            overtaken: Whether the fault lets an older grade land after a newer one; it must be overwritten then. A
                platform that looks at timestamps must refuse it all the same.
            resumed: When a frozen holder continued.
            restored: Whether a daemon at work may have ordered a grade of an older database, with a new timestamp,
                before it noticed that.
            strange: Whether events that come out of order make chapters' grades that no learner ever had, whose age is
                unknown.
            recorded_since: When the database was put back: it has no delivery records of earlier requests, and does not
                know their timestamps.
        """
        self.settle()
        histories = self.tool.histories
        found = self.overtaken(chapters=not strange)
        faults = invariant.newest_is_held(self.held(), histories)
        faults += invariant.older_is_overwritten(found, within=2 * LEASE, resumed=resumed)
        never = () if restored else ORDERING
        faults += [str(one) for one in found if not overtaken or one.sourcedid.partition("@")[2] in never]
        if not strange:
            faults += invariant.grades_are_real(self.applied(), histories)
        posts = [post for one in self.platforms for post in one.posts]
        sent = [*self.campus.requests, *posts]
        faults += invariant.deliveries_are_complete(sent, self.deliveries(), since=recorded_since)
        faults += invariant.no_loop(sent)
        if not restored:
            known = self._histories(chapters=not strange)
            faults += invariant.stamps_grow((one for one in posts if one.began >= recorded_since), known)
        faults += invariant.nothing_is_left(self.assignments(), self.world.count("quarantined_event"))
        for one in self.platforms:
            faults += one.misuses(len(self.world.daemons))
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

"""One round: chaos for a while, healing, and a comparison of every cell with the oracle."""

import subprocess
import threading
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.chaos import report
from tests.chaos.breaks import BREAKS
from tests.chaos.oracle import Cell, Oracle, Wanted
from tests.chaos.plays import PLAYS
from tests.chaos.stage import Kind, Stage, open_stage

#: Seconds for which nothing may stay as it is while anything is left to do, and seconds that all of it may take; an
#: idle machine needs some twenty.
HEALING, LONGEST = 60.0, 180.0
#: Seconds after which what backs off is tried again.
AGAIN = 6.0

#: Why an event may have gone to quarantine: its consumer was removed, or no launch has this sourcedid any more.
QUARANTINED = ("unknown consumer", "unknown platform", "no launch of this consumer", "no launch of this platform")

_LEFT = """
    SELECT COUNT(*) AS number FROM graded_assignment
    WHERE claimed_until IS NOT NULL OR (version_number > sent_version AND disabled_at IS NULL)"""
_BACKS_OFF = """
    SELECT COUNT(*) AS number FROM graded_assignment
    WHERE version_number > sent_version AND disabled_at IS NULL AND claimed_until IS NULL"""


@dataclass
class Outcome:
    """What came of a round: how much was done, and a story for each thing that is wrong."""

    seed: str
    kind: Kind
    #: Of its platforms.
    products: list[str] = field(default_factory=list)
    entries: int = 0
    #: What was done.
    breaks: list[str] = field(default_factory=list)
    requests: int = 0
    over_lti13: int = 0
    compared: int = 0
    healing: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"seed {self.seed} on {self.kind} with {' and '.join(self.products)}: {self.entries} entries, "
            f"{len(self.breaks)} breaks, {self.requests} requests, {self.over_lti13} of them over LTI 1.3, "
            f"{self.compared} cells compared after {self.healing:.0f} s of healing, {len(self.faults)} wrong"
        )


def play_round(kind: Kind, seed: str, seconds: float, without: Collection[str] = ()) -> Outcome:
    """Play one round on servers of its own. *without*: ``ties`` of events, or names of breaks and plays."""
    outcome = Outcome(seed, kind)
    with open_stage(kind, seed, without) as stage:
        outcome.products = [platform.product for platform in stage.platforms]
        stage.tool.structure()
        with _at_work(stage):
            _break(stage, seconds, without)
        healed = time.monotonic()
        try:
            _heal(stage)
        except AssertionError as error:
            outcome.faults.append(f"{error}\n{report.unrest(stage)}")
        outcome.healing = time.monotonic() - healed
        outcome.entries = len(stage.tool.entries)
        outcome.breaks = [f"{at - stage.began:8.3f} {what}" for at, what in stage.done]
        outcome.requests = sum(len(campus.requests) for campus in stage.campuses)
        outcome.over_lti13 = sum(len(platform.of("score")) for platform in stage.platforms)
        _compare(stage, outcome)
    return outcome


@contextmanager
def _at_work(stage: Stage) -> Iterator[None]:
    """Learners work in a thread of their own."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(stage.learners.pause()):
            stage.learners.step()

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        try:
            yield
        finally:
            stop.set()
    working.result()


def _break(stage: Stage, seconds: float, without: Collection[str]) -> None:
    chosen = [(weight, one) for weight, one in (*BREAKS, *PLAYS) if one.__name__ not in without]
    weights, breaks = zip(*chosen, strict=True)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(stage.chance.uniform(0.1, 1.2))
        if not stage.running:
            stage.join()
        stage.chance.choices(breaks, weights)[0](stage)


def _heal(stage: Stage) -> None:
    """Campuses are up, daemons run, until nothing is left to do; then the daemons stop, and nothing must be left."""
    for campus in stage.campuses:
        campus.weather.now = "calm"
    for platform in stage.platforms:
        platform.token_weather = "fine"
    stage.thaw(*list(stage.frozen))
    stage.note("healing")
    _end_reading(stage)
    for order in stage.orders:
        order.result()
    for paused in stage.rows("SELECT consumer_key FROM lti_consumer WHERE paused_at IS NOT NULL"):
        stage.command("consumer", "resume", paused["consumer_key"])
    while len(stage.running) < min(2, stage.most):
        stage.join()
    deadline = time.monotonic() + LONGEST
    while True:
        _settle(stage, deadline)
        stage.note("nothing is left to do")
        for daemon in stage.running:
            daemon.terminate()
        for daemon in stage.running:
            daemon.process.wait(HEALING)
        stage.running.clear()
        if _is_settled(stage):
            return
        # One that was frozen has found its claim lost: it leaves the rest to the others.
        stage.join()


def _end_reading(stage: Stage) -> None:
    if stage.reading is not None:
        try:
            stage.reading.wait(5)
        except subprocess.TimeoutExpired:
            stage.reading.kill()
            stage.reading.wait()


def _settle(stage: Stage, deadline: float) -> None:
    again, before, since = 0.0, (), time.monotonic()
    while not _is_settled(stage):
        now = time.monotonic()
        here = (stage.position(), stage.rows(_LEFT), [len(campus.requests) for campus in stage.campuses])
        since = since if here == before else now
        before = here
        assert now < since + HEALING, f"nothing happens for {HEALING:g} s"
        assert now < deadline, f"not healed within {LONGEST:g} s"
        ended = [daemon for daemon in stage.running if daemon.process.poll() is not None]
        assert not ended, f"a daemon ended by itself:\n{ended[0].end_of_log()}"
        if now > again and stage.stream_is_read() and (number := stage.rows(_BACKS_OFF)[0]["number"]):
            # Backoff and the pauses between probes are longer than a test can wait.
            stage.note(f"{number} grades wait: their consumers are added again")
            stage.add_consumers()
            again = time.monotonic() + AGAIN
        time.sleep(0.3)


def _is_settled(stage: Stage) -> bool:
    return (
        stage.stream_is_read()
        and stage.rows(_LEFT)[0]["number"] == 0
        and all(campus.at_rest for campus in stage.campuses)
    )


def _compare(stage: Stage, outcome: Outcome) -> None:
    oracle = Oracle(stage.tool.entries, stage.added)
    held: dict[Cell, str] = {}
    for campus in stage.campuses:
        held |= campus.cells()
        outcome.faults += [f"{campus.key} was sent what none should send: {fault}" for fault in campus.faults]
        outcome.faults += [report.excess(stage, campus, *excess) for excess in campus.weather.excesses]
        outcome.faults += [f"{campus.key}: {loop}" for loop in campus.loops()]
    refused = stage.rows("SELECT type, reason FROM quarantined_event ORDER BY id")
    outcome.faults += [f"in quarantine: {one}" for one in refused if not one["reason"].startswith(QUARANTINED)]
    wanted: dict[Cell, Wanted] = oracle.wanted()
    outcome.compared = len(wanted)
    for cell, want in wanted.items():
        if held.get(cell) != want.grade:
            outcome.faults.append(report.story(stage, oracle, cell, want, held.get(cell)))

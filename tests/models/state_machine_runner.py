"""Runs a stateful model: an open database, a loop since Hypothesis is not asynchronous, and what models share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import wraps
from typing import Any

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from structlog.testing import capture_logs

from models.db.database import open_database
from models.db.sql import Statement, connection, is_postgres
from tests.models.rows import TABLES

# With ids from 1 again: partitions follow from ids, and the same steps must always do the same.
_CLEAR_POSTGRES = [Statement(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY")]
_CLEAR_SQLITE = [Statement(f"DELETE FROM {table}") for table in (*TABLES, "sqlite_sequence")]

WHICH = st.integers(0, 3)


class Runner:
    """Opens the database for as long as it is entered; counts runs and steps, and says which run failed first."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.runs = 0
        self.steps = 0
        #: Counts from 1.
        self.first_failure = 0

    def __enter__(self) -> Runner:
        self._loop = asyncio.Runner()
        self.stack = AsyncExitStack()
        #: What was logged: far too much to print.
        self.logs = self.stack.enter_context(capture_logs())
        self._loop.run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run(self.stack.aclose())
        self._loop.close()

    def run(self, step: Coroutine[Any, Any, Any]) -> Any:
        try:
            return self._loop.run(step)
        except Exception:
            self.first_failure = self.first_failure or self.runs
            raise

    async def _open(self) -> None:
        await self.stack.enter_async_context(open_database(self.url))
        if not is_postgres():
            await connection().execute_query("PRAGMA synchronous = OFF")

    async def clear(self) -> None:
        """Before each run."""
        self.runs += 1
        self.logs.clear()
        for statement in _CLEAR_POSTGRES if is_postgres() else _CLEAR_SQLITE:
            await statement.rows()


def step(of: Callable[..., Any] = rule, **arguments: Any) -> Callable[[Any], Any]:
    """Makes a rule of a coroutine, which the machine's runner runs to its end."""

    def decorate(method: Callable[..., Coroutine[Any, Any, Any]]) -> Any:
        @wraps(method)
        def run(machine: Machine, **chosen: Any) -> None:
            machine.runner.run(method(machine, **chosen))

        return of(**arguments)(run)

    return decorate


class Machine(RuleBasedStateMachine):
    """Chooses the steps of a model, whose ``look`` checks what must hold; its ``campus`` has requests under way."""

    def __init__(self, runner: Runner) -> None:
        super().__init__()
        self.runner = runner
        self.model: Any = None

    @invariant()
    def what_holds(self) -> None:
        if self.model is not None:
            self.runner.steps += 1
            self.runner.run(self.model.look())

    @precondition(lambda self: self.model.campus.under_way())
    @rule(which=WHICH)
    def a_request_lands(self, which: int) -> None:
        requests = self.model.campus.under_way()
        self.model.campus.apply(requests[which % len(requests)], now=self.model.real)

    @precondition(lambda self: self.model.campus.next_to_land())
    @rule()
    def a_request_lands_at_its_last_moment(self) -> None:
        self.model.land(self.model.campus.next_to_land())


def play(machine: Callable[[Runner], Machine], url: str, *, number: int, runs: int, steps: int) -> int:
    """
    Play *runs* runs of *steps* steps each.

    Args:
        number: The seed: the same runs in every test run.

    Returns:
        How many steps were checked.
    """
    with Runner(url) as runner:

        @seed(number)
        def make() -> Machine:
            return machine(runner)

        try:
            run_state_machine_as_test(
                make,
                settings=settings(
                    max_examples=runs,
                    stateful_step_count=steps,
                    deadline=None,
                    database=None,
                    print_blob=False,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            if runner.first_failure:
                print(f"seed {number}, run {runner.first_failure}")
        return runner.steps

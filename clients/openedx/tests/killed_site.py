"""
``python killed_site.py STEPS``: a site whose processes are killed all the time, with the receivers and the relay.

Four writers and a relay are forked, killed by SIGKILL and forked again, until the writers have made that many steps.
Kills follow steps and not a clock, so that a slow machine sees as many. There is a line on standard output after each
hundred steps, which wants one on standard input; the last one has what was done, in JSON.
"""

import gc
import json
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - models are there only now
from django.core.management import call_command  # noqa: E402
from django.db import OperationalError, connections, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402
from lms.djangoapps.courseware.models import StudentModule  # noqa: E402
from lms.djangoapps.grades.course_data import COLLECTED  # noqa: E402
from lms.djangoapps.lti_provider.models import LtiConsumer, OutcomeService  # noqa: E402
from site_of_tests import COURSE, Site, block, unit_with  # noqa: E402

#: Points of a problem, and those of answers that are never committed.
POSSIBLE, PHANTOM = 4.0, 3.0
WRITERS = 4
LEARNERS = 20
REPORT = 100


class _RolledBackError(Exception):
    """The request fails."""


class Writer(Site):
    """One process of the platform; each step is one byte on *steps*."""

    def __init__(self, number: int, rng: Random, steps: int) -> None:
        self.campus = LtiConsumer.objects.get()
        self._learners = list(get_user_model().objects.order_by("pk")[number::WRITERS])
        self._written: list[tuple[Any, Any, int]] = []
        self._rng = rng
        self._steps = steps

    def run(self) -> None:
        """Until it is killed."""
        while True:
            self.user = self._rng.choice(self._learners)
            (kind,) = self._rng.choices(KINDS, WEIGHTS)
            # Before it, since some do not come back.
            os.write(self._steps, kind)
            # A deadlock, say: this request fails.
            with suppress(OperationalError, _RolledBackError):
                STEPS[kind](self)

    def _answer(self) -> None:
        """As the platform's handler: its own small transaction, then the signal without one."""
        self._send(self._commit(), POSSIBLE)

    def _commit(self, possible: float = POSSIBLE) -> tuple[Any, int, Any]:
        key, number = block("problem", f"{self._rng.getrandbits(60):x}"), 0
        if self._written and self._rng.random() < 0.15:
            self.user, key, number = self._written.pop(self._rng.randrange(len(self._written)))
        modified = timezone.now()
        row = {"student": self.user, "module_state_key": key, "course_id": COURSE}
        score = {"grade": float(number), "max_grade": possible, "modified": modified}
        with transaction.atomic():
            if number:
                StudentModule.objects.filter(**row).update(**score)
            else:
                StudentModule.objects.create(**row, **score)
        if possible == POSSIBLE:
            self._written.append((self.user, key, number + 1))
        return key, number, modified

    def _send(self, score: tuple[Any, int, Any], possible: float) -> None:
        key, number, modified = score
        self.signal(weighted_earned=float(number), weighted_possible=possible, usage_id=str(key), modified=modified)

    def _launch(self, name: str = "") -> None:
        key = block("problem", f"{self._rng.getrandbits(60):x}")
        sourcedid = f"{name}{self.user.id}:{key.block_id}"
        self.launch(key, user=self.user, user_id=f"theirs-{self.user.id}", lis_result_sourcedid=sourcedid)

    def _fail(self) -> None:
        with transaction.atomic():
            self._send(self._commit(PHANTOM), PHANTOM)
            self._launch("phantom:")
            raise _RolledBackError

    def _die_before_the_commit(self) -> None:
        with transaction.atomic():
            self._send(self._commit(PHANTOM), PHANTOM)
            self._launch("phantom:")
            _die()

    def _die_before_the_signal(self) -> None:
        self._commit()
        _die()

    def _die_before_the_append(self) -> None:
        with transaction.atomic():
            # The first of those that are called after the commit.
            transaction.on_commit(_die)
            self._launch()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


STEPS: dict[bytes, Callable[[Writer], None]] = {
    b"a": Writer._answer,
    b"l": Writer._launch,
    b"f": Writer._fail,
    b"C": Writer._die_before_the_commit,
    b"S": Writer._die_before_the_signal,
    b"A": Writer._die_before_the_append,
}
KINDS = list(STEPS)
WEIGHTS = [80, 8, 5, 1, 5, 1]


class Nursery:
    """Forks and kills."""

    def __init__(self, steps: int) -> None:
        self._rng = Random(steps)
        self._steps = steps
        self._reading, self._writing = os.pipe()
        self._running: dict[int, int] = {}
        self._counts: Counter[str] = Counter()

    def run(self) -> None:
        """Until the steps are made; then nothing runs any more."""
        done = reported = 0
        while done < self._steps:
            for number in range(WRITERS + 1):
                self._fork_if_dead(number)
            for _ in range(self._rng.randint(1, 60)):
                kind = os.read(self._reading, 1)
                self._counts[kind.decode()] += 1
                done += 1
                if kind.isupper():
                    break
            if done // REPORT > reported:
                reported = done // REPORT
                # The test does something to Redis meanwhile, and then writes a line.
                for number in range(WRITERS + 1):
                    self._kill(number)
                print(reported * REPORT, flush=True)
                sys.stdin.readline()
                continue
            time.sleep(self._rng.uniform(0, 0.004))
            # The relay less often than the writers, so that some of its sweeps are completed.
            self._kill(self._rng.choice([*list(range(WRITERS)) * 5, WRITERS]))
        for number in range(WRITERS + 1):
            self._kill(number)
        print(json.dumps(self._counts), flush=True)

    def _fork_if_dead(self, number: int) -> None:
        if number in self._running:
            pid, status = os.waitpid(self._running[number], os.WNOHANG)
            if pid == 0:
                return
            if not os.WIFSIGNALED(status):
                sys.exit("a process ended by itself")
        seed = self._rng.getrandbits(60)
        self._running[number] = os.fork()
        if self._running[number] == 0:
            try:
                if number == WRITERS:
                    call_command("passbackd_relay")
                else:
                    Writer(number, Random(seed), self._writing).run()
            except BaseException:
                traceback.print_exc()
            os._exit(1)
        self._counts["relays" if number == WRITERS else "writers"] += 1

    def _kill(self, number: int) -> None:
        if number in self._running:
            with suppress(ProcessLookupError):
                os.kill(self._running[number], signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(self._running.pop(number), 0)


def main() -> None:
    campus = Site.add_campus("campus")
    OutcomeService.objects.create(lti_consumer=campus, lis_outcome_service_url="https://campus.example/outcomes")
    COLLECTED[COURSE] = unit_with()
    for number in range(LEARNERS):
        get_user_model().objects.create(username=f"learner-{number}")
    # Else the forked would share it.
    connections.close_all()
    # The memory that is there is not looked at again in every process.
    gc.freeze()
    Nursery(int(sys.argv[1])).run()


if __name__ == "__main__":
    main()

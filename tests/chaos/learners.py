"""Learners who come, work for a while and go: launches, scores, moves, everything that a tool may say of them."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from tests.blackbox.world import Fields, score
from tests.chaos.campus import ChaosCampus
from tests.chaos.oracle import Cell, Entry
from tests.chaos.platform import ChaosPlatform
from tests.chaos.tool import POSSIBLE, PROBLEMS, USAGES, Tool

#: Learners at work at a time, and seconds until one goes: what is wrong with a grade then stays wrong.
AT_WORK, STAY = 5, 12.0


@dataclass
class Learner:
    name: str
    until: float
    #: By consumer key and usage.
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)


class Learners:
    """Says events by the dice of *chance*. Its methods may be called from any thread."""

    def __init__(self, tool: Tool, campuses: Sequence[ChaosCampus | ChaosPlatform], chance: random.Random) -> None:
        self._tool, self._campuses, self._chance = tool, campuses, chance
        self._numbers = count()
        self.at_work: list[Learner] = []

    # --- what is said of a learner; the events alone ---

    def modified(self) -> Fields:
        """Nothing, a whole second, in which others come too, or a time in full."""
        kind = self._chance.choice(("none", "none", "second", "second", "second", "full"))
        if kind == "second":
            return self.this_second()
        return {"modified": datetime.now(UTC).isoformat()} if kind == "full" else {}

    def this_second(self) -> Fields:
        """As of a tool that keeps whole seconds."""
        return {"modified": datetime.now(UTC).replace(microsecond=0).isoformat()}

    def score(self, learner: Learner, problem: str | None = None) -> Fields:
        problem = problem or self._chance.choice(PROBLEMS)
        return score(learner.name, problem, self._chance.randrange(POSSIBLE + 1), POSSIBLE)

    def launch(self, learner: Learner, cell: Cell, usage: str) -> Fields:
        """The learner has this cell from now on, and no other learner."""
        for other in self.at_work:
            other.cells = {place: known for place, known in other.cells.items() if known != cell}
        learner.cells[cell.key, usage] = cell
        return {**self._campus(cell.key).launch(learner.name, usage, cell), "resource_link_id": f"link of {usage}"}

    def disabled(self, cell: Cell) -> Fields:
        return self._campus(cell.key).disabled(cell)

    def new_cell(self, key: str) -> Cell:
        number = next(self._numbers)
        return self._campus(key).new_cell(f"{key}:{number}", number)

    def _campus(self, key: str) -> ChaosCampus | ChaosPlatform:
        return next(one for one in self._campuses if one.key == key)

    def any_cell(self, key: str | None = None) -> tuple[Learner, str, Cell] | None:
        """A cell of a learner at work, with its usage; at any campus, or at one."""
        known = [
            (one, usage, cell)
            for one in self.at_work
            for (there, usage), cell in one.cells.items()
            if key in (None, there)
        ]
        return self._chance.choice(known) if known else None

    def other_than(self, learner: Learner) -> Learner:
        return self._chance.choice([one for one in self.at_work if one is not learner])

    # --- one step ---

    def pause(self) -> float:
        """Seconds until the next one."""
        return self._chance.uniform(0.03, 0.3)

    def step(self) -> None:
        """Something happens."""
        with self._tool.silent():
            self._come_and_go()
            learner = self._chance.choice(self.at_work)
            steps = (
                (50, self._scores),
                (10, self._ties),
                (10, self._goes_elsewhere),
                (6, self._comes_back),
                (5, self._another_sourcedid),
                (5, self._takes_over),
                (3, self._disabled),
                (3, self._retired),
                (4, self._late),
                (5, self._twice),
                (1, self._structure),
            )
            weights, acts = zip(*steps, strict=True)
            self._chance.choices(acts, weights)[0](learner)

    def _come_and_go(self) -> None:
        now = time.monotonic()
        self.at_work = [one for one in self.at_work if one.until > now]
        while len(self.at_work) < AT_WORK:
            stay = STAY * self._chance.uniform(0.5, 1.5)
            learner = Learner(f"user-{next(self._numbers)}", now + stay)
            self.at_work.append(learner)
            self._goes_elsewhere(learner)
            self._tool.say(*({**self.score(learner, problem), **self.modified()} for problem in PROBLEMS))

    def _scores(self, learner: Learner) -> None:
        self._tool.say({**self.score(learner), **self.modified()})

    def _ties(self, learner: Learner) -> None:
        """Several at the same time."""
        problem, when = self._chance.choice(PROBLEMS), self.modified()
        self._tool.say(*({**self.score(learner, problem), **when} for _ in range(self._chance.randint(2, 4))))

    def _goes_elsewhere(self, learner: Learner) -> None:
        key, usage = self._chance.choice(self._campuses).key, self._chance.choice(USAGES)
        cell = learner.cells.get((key, usage)) or self.new_cell(key)
        self._tool.say({**self.launch(learner, cell, usage), **self.modified()})

    def _comes_back(self, learner: Learner) -> None:
        for (_, usage), cell in list(learner.cells.items())[:1]:
            self._tool.say({**self.launch(learner, cell, usage), **self.modified()})

    def _another_sourcedid(self, learner: Learner) -> None:
        for (key, usage), _ in list(learner.cells.items())[:1]:
            self._tool.say({**self.launch(learner, self.new_cell(key), usage), **self.modified()})

    def _takes_over(self, learner: Learner) -> None:
        """The sourcedid of another learner, who gets a new one, or none."""
        other = self.other_than(learner)
        for (key, usage), cell in list(other.cells.items())[:1]:
            events = [self.launch(learner, cell, self._chance.choice(USAGES))]
            if self._chance.random() < 0.5:
                new = self.launch(other, self.new_cell(key), usage)
                events = [new, *events] if self._chance.random() < 0.5 else [*events, new]
            self._tool.say(*({**event, **self.modified()} for event in events))

    def _disabled(self, learner: Learner) -> None:
        """And perhaps launched again, perhaps at the same time."""
        for (_, usage), cell in list(learner.cells.items())[:1]:
            when = self.modified()
            events = [{**self.disabled(cell), **when}]
            if self._chance.random() < 0.7:
                events.append({**self.launch(learner, cell, usage), **when})
            self._tool.say(*events)

    def _retired(self, learner: Learner) -> None:
        """Retired, and back at once, perhaps at the same time."""
        self._tool.say(*self.retired_and_back(learner, self.modified()))

    def retired_and_back(self, learner: Learner, when: Fields) -> list[Fields]:
        events: list[Fields] = [{"type": "user.retired", "user_id": learner.name}]
        events += [self.launch(learner, cell, usage) for (_, usage), cell in list(learner.cells.items())]
        events += [self.score(learner, problem) for problem in PROBLEMS]
        return [{**event, **when} for event in events]

    def _late(self, learner: Learner) -> None:
        """A score from some seconds ago, which comes only now."""
        when = datetime.fromtimestamp(int(time.time()) - self._chance.randint(1, 5), UTC)
        self._tool.say({**self.score(learner), "modified": when.isoformat()})

    def _twice(self, learner: Learner) -> None:
        """One of the last events comes again, if no other of its time came after it: else it would be newer."""
        entry = self._chance.choice(self._tool.entries[-60:])
        later = self._tool.entries[entry.number + 1 :]
        if "modified" in entry.fields and not any(_rivals(entry, one) for one in later):
            self._tool.say(dict(entry.fields), repeats=[entry.number])

    def _structure(self, _: Learner) -> None:
        self._tool.structure()


def _rivals(entry: Entry, later: Entry) -> bool:
    """Whether a later entry has the same time, and it may matter which of the two is the newer one."""
    if entry.age[0] != later.age[0] or dict(entry.fields) == dict(later.fields):
        return False
    names = ("user_id", "lis_result_sourcedid", "lti_user_id")
    return any(entry.fields.get(name) == later.fields.get(name) is not None for name in names)

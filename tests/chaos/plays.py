"""Plays of several steps that mere chance brings about too rarely: rows that go, events that tie and are read again."""

from collections.abc import Callable

from tests.blackbox.world import Fields
from tests.chaos.breaks import Break, forget_newest
from tests.chaos.learners import Learner
from tests.chaos.oracle import Cell
from tests.chaos.stage import REMOVABLE, Stage
from tests.chaos.tool import PROBLEMS

# --- a row goes while its request is under way ---


def _with_a_late_request(
    stage: Stage, what: str, goes: Callable[[Learner, str, Cell], None], key: str | None = None
) -> None:
    """Have the campus keep a request for a grade, and do meanwhile what makes the grade's row go."""
    with stage.tool.silent():
        found = stage.learners.any_cell(key)
        if found is None:
            return
        learner, usage, cell = found
        campus = stage.campus(cell.key)
        kept = campus.weather.snag(cell)
        stage.tool.say(stage.learners.score(learner, PROBLEMS[0]))
    caught = stage.soon(lambda: kept)
    campus.weather.release(cell)
    if not caught:
        return
    stage.note(f"{what} while {cell.key} is at work on {kept[0].score} for {cell.sourcedid}")
    campus.weather.now = "fine"
    goes(learner, usage, cell)
    learner.until = 0.0


def retired_while_under_way(stage: Stage) -> None:
    def goes(learner: Learner, _usage: str, _cell: Cell) -> None:
        stage.tool.say(*stage.learners.retired_and_back(learner, {}))

    _with_a_late_request(stage, "retired and launched anew", goes)


def moved_while_under_way(stage: Stage) -> None:
    """A newer launch frees the sourcedid, and another learner gets it."""

    def goes(learner: Learner, usage: str, cell: Cell) -> None:
        with stage.tool.silent():
            learners, other = stage.learners, stage.learners.other_than(learner)
            events = [learners.launch(learner, learners.new_cell(cell.key), usage)]
            events += [learners.launch(other, cell, usage), learners.score(other, PROBLEMS[0])]
            stage.tool.say(*events)
            other.until = 0.0

    _with_a_late_request(stage, "its sourcedid given to another learner", goes)


def taken_over_while_under_way(stage: Stage) -> None:
    """Another learner gets the sourcedid as it is."""

    def goes(learner: Learner, usage: str, cell: Cell) -> None:
        with stage.tool.silent():
            other = stage.learners.other_than(learner)
            stage.tool.say(stage.learners.launch(other, cell, usage), stage.learners.score(other, PROBLEMS[0]))
            other.until = 0.0

    _with_a_late_request(stage, "its sourcedid moved", goes)


def removed_while_under_way(stage: Stage) -> None:
    def goes(learner: Learner, usage: str, cell: Cell) -> None:
        _remove(stage, cell.key, lambda: [stage.learners.launch(learner, cell, usage)])

    _with_a_late_request(stage, "its consumer removed and added", goes, stage.chance.choice(REMOVABLE))


def removed(stage: Stage) -> None:
    """A consumer is removed and added again."""
    key = stage.chance.choice(REMOVABLE)
    stage.note(f"{key} is removed")
    _remove(stage, key, list)


def _remove(stage: Stage, key: str, more: Callable[[], list[Fields]]) -> None:
    """Then the learners come back to that campus, *more* of them."""
    stage.remove_and_add(key)
    with stage.tool.silent():
        stage.added[key] = len(stage.tool.entries)
        learners = stage.learners
        back = more() + [
            learners.launch(one, cell, usage)
            for one in learners.at_work
            for (there, usage), cell in list(one.cells.items())
            if there == key
        ]
        scores = [learners.score(one, PROBLEMS[0]) for one in learners.at_work]
        stage.tool.say(*back, *scores)


# --- events of one time, of which the newest are lost once they are read ---


def _read_again(stage: Stage, what: str, *events: Fields, lost: int) -> None:
    with stage.tool.silent():
        stage.tool.say(*events)
        if stage.wait_read():
            stage.note(f"{what}, and read again without the newest")
            forget_newest(stage, lost)


def scores_tie(stage: Stage) -> None:
    with stage.tool.silent():
        learner = stage.chance.choice(stage.learners.at_work)
        learner.until = 0.0
        when = stage.learners.this_second()
        scores = [{**stage.learners.score(learner, PROBLEMS[0]), **when} for _ in range(2)]
        _read_again(stage, f"two scores of {learner.name} at the same time", *scores, lost=1)


def launches_tie(stage: Stage) -> None:
    """One sourcedid for two learners, or two for one."""
    with stage.tool.silent():
        found = stage.learners.any_cell()
        if found is None:
            return
        learner, usage, cell = found
        other, when, learners = stage.learners.other_than(learner), stage.learners.this_second(), stage.learners
        first = learners.launch(learner, cell, usage)
        if stage.chance.random() < 0.5:
            second, what = learners.launch(other, cell, usage), f"{learner.name} and {other.name} on {cell.sourcedid}"
        else:
            second, what = learners.launch(learner, learners.new_cell(cell.key), usage), f"two cells of {learner.name}"
        learner.until = other.until = 0.0
        _read_again(stage, f"{what} at the same time", {**first, **when}, {**second, **when}, lost=1)


def disabling_ties(stage: Stage) -> None:
    """With a launch, which comes later and counts."""
    with stage.tool.silent():
        found = stage.learners.any_cell()
        if found is None:
            return
        learner, usage, cell = found
        when = stage.learners.this_second()
        disabled = {**stage.learners.disabled(cell), **when}
        again = {**stage.learners.launch(learner, cell, usage), **when}
        learner.until = 0.0
        score = stage.learners.score(learner, PROBLEMS[0])
        _read_again(stage, f"{cell.sourcedid} disabled and launched", disabled, again, score, lost=1)


#: How likely each is.
PLAYS: tuple[tuple[int, Break], ...] = (
    (6, retired_while_under_way),
    (6, moved_while_under_way),
    (3, taken_over_while_under_way),
    (3, removed_while_under_way),
    (1, removed),
    (5, scores_tie),
    (3, launches_tie),
    (2, disabling_ties),
)

"""
What each cell of a gradebook must end with, from all events that ever arrived. Pure, and none of the daemon's code.

The newest event is the one with the greatest ``modified`` (an absent one is the time in its entry's id) and, of equals,
the one whose entry came last on the stream. An entry that is repeated is another entry.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Cell(NamedTuple):
    """What a campus calls one learner's grade; over LTI 1.3 client id, line item and ``sub``."""

    key: str
    url: str
    sourcedid: str


#: ``modified`` in microseconds, and the two numbers of the entry's id.
Age = tuple[int, tuple[int, int]]
#: Usage id to its parent (None for the course) and, for problems, the points possible.
Blocks = Mapping[str, tuple[str | None, float | None]]


@dataclass(frozen=True)
class Entry:
    """One entry of the stream, whether or not it is still there. *blocks*: of a structure."""

    number: int
    id: str
    fields: Mapping[str, str]
    blocks: Blocks | None = None
    #: The number of the entry that it repeats.
    repeats: int | None = None

    @property
    def type(self) -> str:
        return self.fields["type"]

    @cached_property
    def place(self) -> tuple[int, int]:
        ms, _, sequence = self.id.partition("-")
        return int(ms), int(sequence)

    @cached_property
    def age(self) -> Age:
        given = self.fields.get("modified")
        if given is None:
            return self.place[0] * 1000, self.place
        return (datetime.fromisoformat(given) - _EPOCH) // timedelta(microseconds=1), self.place

    @cached_property
    def owner(self) -> tuple[str, str]:
        """Campus and learner of a launch or its end, as the campus calls them."""
        names = (
            ("client_id", "lti_user_id") if "issuer" in self.fields else ("oauth_consumer_key", "lis_result_sourcedid")
        )
        return self.fields[names[0]], self.fields[names[1]]

    @cached_property
    def cell(self) -> Cell:
        """That of a launch."""
        key, sourcedid = self.owner
        return Cell(key, self.fields["lineitem" if "issuer" in self.fields else "lis_outcome_service_url"], sourcedid)

    @cached_property
    def link(self) -> tuple[str, ...]:
        """Of the launches with the same link only the newest counts."""
        return self.owner[0], *(self.fields[name] for name in ("user_id", "usage_id", "resource_link_id"))


class Wanted(NamedTuple):
    """What a cell must hold, and the launch that says whose it is."""

    grade: str
    launch: Entry


def text_of(earned: float, possible: float) -> str:
    """A grade as it goes on the wire."""
    return f"{earned / possible:.6f}".rstrip("0").rstrip(".") or "0"


class Oracle:
    """
    Knows the newest of everything.

    Args:
        entries: All that ever arrived.
        added: By consumer key the number of entries there were when it was last added: earlier launches there may have
            gone with the consumer, or may have been read again since.
    """

    def __init__(self, entries: Sequence[Entry], added: Mapping[str, int]) -> None:
        self._added = added
        self.of_type: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            self.of_type[entry.type].append(entry)
        self._retired = self._newest("user.retired", lambda entry: entry.fields["user_id"])
        self._scores = self._newest("score.changed", lambda entry: (entry.fields["user_id"], entry.fields["usage_id"]))
        self._owners = self._newest("launch", lambda entry: entry.cell)
        self._links = self._newest("launch", lambda entry: entry.link)
        self._disabled = self._newest("assignment.disabled", lambda entry: entry.owner)
        structures = sorted(self.of_type["course.structure"], key=lambda entry: int(entry.fields["version"]))
        self._blocks: Blocks = (structures[-1].blocks if structures else None) or {}
        #: By link the newest disabling of any sourcedid that it ever had.
        self._link_disabled: dict[tuple[str, ...], Age] = {}
        for launch in self.of_type["launch"]:
            end = self._disabled.get(launch.owner)
            if end is not None:
                self._link_disabled[launch.link] = max(end.age, self._link_disabled.get(launch.link, end.age))

    def _newest(self, kind: str, of: Callable[[Entry], object]) -> dict[object, Entry]:
        newest: dict[object, Entry] = {}
        for entry in self.of_type[kind]:
            known = newest.get(of(entry))
            if known is None or known.age < entry.age:
                newest[of(entry)] = entry
        return newest

    def wanted(self) -> dict[Cell, Wanted]:
        """Every cell of which it is known what it must hold."""
        found = {}
        for launch in self._owners.values():
            if self._counts(launch):
                grade = self.grade(launch.fields["user_id"], launch.fields["usage_id"])
                if grade is not None:
                    found[launch.cell] = Wanted(grade, launch)
        return found

    def _counts(self, launch: Entry) -> bool:
        """
        Whether the newest launch of a cell says surely whose it is.

        Not where a newer launch of the same link has another cell, where the sourcedid (or an earlier one of the same
        link) was disabled later, where the learner was retired later, or where the consumer was removed since.
        """
        ended = self._link_disabled.get(launch.link)
        return (
            self._links[launch.link] is launch
            and not self._is_retired(launch)
            and (ended is None or ended < launch.age)
            and launch.number >= self._added.get(launch.cell.key, 0)
        )

    def _is_retired(self, entry: Entry) -> bool:
        end = self._retired.get(entry.fields["user_id"])
        return end is not None and entry.age < end.age

    def grade(self, user: str, usage: str) -> str | None:
        """The sum over the problems at and below a block; None where the learner attempted none."""
        problems = [one for one in self._below(usage) if self._blocks[one][1] is not None]
        scores = [self._scores.get((user, one)) for one in problems]
        scores = [None if one is None or self._is_retired(one) else one for one in scores]
        if not any(scores):
            return None
        earned = sum(float(one.fields["points_earned"]) for one in scores if one)
        return text_of(earned, sum(self._possible(*pair) for pair in zip(problems, scores, strict=True)))

    def _possible(self, problem: str, score: Entry | None) -> float:
        return float((self._blocks[problem][1] or 0) if score is None else score.fields["points_possible"])

    def _below(self, usage: str) -> Iterable[str]:
        yield usage
        for block, (parent, _) in self._blocks.items():
            if parent == usage:
                yield from self._below(block)

    def history(self, cell: Cell) -> list[Entry]:
        """Every event that has to do with a cell, in order of arrival."""
        launches = [entry for entry in self.of_type["launch"] if entry.cell == cell]
        users = {entry.fields["user_id"] for entry in launches}
        links = {entry.link for entry in launches}
        found = [entry for entry in self.of_type["launch"] if entry.link in links or entry.cell == cell]
        found += [entry for entry in self.of_type["score.changed"] if entry.fields["user_id"] in users]
        found += [entry for entry in self.of_type["user.retired"] if entry.fields["user_id"] in users]
        found += [one for one in self.of_type["assignment.disabled"] if one.owner == (cell.key, cell.sourcedid)]
        return sorted(found, key=lambda entry: entry.number)

"""What a small world of courses and campuses should come to, worked out apart from the code under test."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

#: Usage key to its parent (None for the course) and, for problems, the points possible.
Blocks = dict[str, tuple[str | None, float | None]]

#: Where a grade is written: the outcome service's URL and the sourcedid.
Address = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose grade a sourcedid is for. *modified*: microseconds."""

    user: str
    block: str
    link: str
    modified: int
    enabled: bool = True


@dataclass(slots=True)
class Expected:
    """The newest of all events."""

    #: By learner and problem: points earned and possible, and when.
    scores: dict[tuple[str, str], tuple[float, float, int]] = field(default_factory=dict)
    blocks: Blocks | None = None
    owners: dict[Address, Owner] = field(default_factory=dict)
    #: By learner, when they were retired.
    retired: dict[str, int] = field(default_factory=dict)

    def score(self, user: str, problem: str, earned: float, possible: float, modified: int) -> None:
        known = self.scores.get((user, problem))
        if modified > self.retired.get(user, 0) and (known is None or known[2] <= modified):
            self.scores[user, problem] = (earned, possible, modified)

    def displaced_by(self, address: Address, said: Owner, services: frozenset[str]) -> list[Address]:
        """Other sourcedids of the same link and learner, newest first. *services*: the URLs of its campus."""
        there = (said.user, said.block, said.link)
        linked = [
            other
            for other, owner in self.owners.items()
            if other != address and other[0] in services and (owner.user, owner.block, owner.link) == there
        ]
        return sorted(linked, key=lambda other: -self.owners[other].modified)

    def launch(self, address: Address, said: Owner, services: frozenset[str]) -> bool:
        """False if something newer is known."""
        owner, displaced = self.owners.get(address), self.displaced_by(address, said, services)
        known = [self.owners[other] for other in displaced] + ([owner] if owner else [])
        if any(said.modified < other.modified for other in known) or said.modified <= self.retired.get(said.user, 0):
            return False
        if owner is not None and replace(said, enabled=owner.enabled) == owner:
            return True  # an identical repeat enables nothing
        for other in displaced:
            del self.owners[other]
        self.owners[address] = said
        return True

    def disable(self, sourcedid: str, services: frozenset[str], modified: int) -> None:
        for address, owner in self.owners.items():
            if address[1] == sourcedid and address[0] in services and owner.modified <= modified:
                self.owners[address] = replace(owner, modified=modified, enabled=False)

    def retire(self, user: str, modified: int) -> None:
        self.retired[user] = modified
        self.owners = {address: owner for address, owner in self.owners.items() if owner.user != user}
        self.scores = {key: points for key, points in self.scores.items() if key[0] != user}

    def is_unknown(self, user: str, block: str) -> bool:
        """Whether it is not known what the block is worth: it is in no structure, and no problem that has a score."""
        return (self.blocks is None or block not in self.blocks) and (user, block) not in self.scores

    def grade(self, user: str, block: str) -> str | None:
        """As it goes on the wire; None where there is none to send."""
        below = [block] if self.blocks is None or block not in self.blocks else self._problems_below(block)
        own = {problem: self.scores[user, problem] for problem in below if (user, problem) in self.scores}
        if not own:
            return None
        earned = sum(points[0] for points in own.values())
        possible = sum(own[problem][1] if problem in own else self._possible(problem) for problem in below)
        return f"{earned / possible:.6f}".rstrip("0").rstrip(".") or "0"

    def touches(self, problem: str, block: str) -> bool:
        """Whether a score on the problem is part of the block's grade."""
        step: str | None = problem
        while step is not None and step != block:
            step = self.blocks[step][0] if self.blocks is not None and step in self.blocks else None
        return step == block

    def _possible(self, problem: str) -> float:
        assert self.blocks is not None
        return self.blocks[problem][1] or 0.0

    def _problems_below(self, block: str) -> list[str]:
        assert self.blocks is not None
        return [usage for usage, (_, possible) in self.blocks.items() if possible and self.touches(usage, block)]


def limit(campus: Mapping[str, Any], *, now: int, max_per_campus: int) -> int:
    """How many requests a campus may have at once; *campus*: its row, with its consumer's ``paused_at``."""
    if campus["paused_at"] is not None or campus["blocked_until"] > now:
        return 0
    if campus["tripped_at"] is not None or campus["answered_at"] is None:
        return 1
    return max_per_campus if campus["max_in_flight"] is None else min(campus["max_in_flight"], max_per_campus)

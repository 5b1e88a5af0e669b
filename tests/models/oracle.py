"""What a small world of courses and campuses should come to, worked out apart from the code under test."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

#: Usage key to its parent (None for the course) and, for problems, the points possible.
Blocks = dict[str, tuple[str | None, float | None]]

#: Where a grade is written: the outcome service's URL and the sourcedid.
Address = tuple[str, str]

#: Where a row is: the consumer's key and an address.
Place = tuple[str, str, str]

#: The order of events: when it was said, microseconds, and which of all events it is on the stream.
Moment = tuple[int, int]
_NEVER: Moment = (0, 0)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose grade a sourcedid is for."""

    user: str
    block: str
    link: str
    moment: Moment
    enabled: bool = True


@dataclass(slots=True)
class Expected:
    """The newest of all events, in whatever order and however often they are read."""

    #: By learner and problem: points earned and possible, and when.
    scores: dict[tuple[str, str], tuple[float, float, Moment]] = field(default_factory=dict)
    blocks: Blocks | None = None
    version: int = 0
    #: By learner: the tree of their own (None: it is taken away), its version, and when.
    own: dict[str, tuple[Blocks | None, int, Moment]] = field(default_factory=dict)
    owners: dict[Place, Owner] = field(default_factory=dict)
    #: By learner, when they were retired; and by the consumer and sourcedid that a retired learner had.
    retired: dict[str, Moment] = field(default_factory=dict)
    retired_names: dict[tuple[str, str], Moment] = field(default_factory=dict)

    def score(self, user: str, problem: str, earned: float, possible: float, moment: Moment) -> bool:
        """Whether the points differ from those before."""
        known = self.scores.get((user, problem))
        if moment <= self.retired.get(user, _NEVER) or (known is not None and known[2] > moment):
            return False
        self.scores[user, problem] = (earned, possible, moment)
        return known is None or known[0] != earned

    def structure(self, blocks: Blocks, version: int) -> None:
        if version >= self.version:
            self.blocks, self.version = blocks, version

    def own_structure(self, user: str, blocks: Blocks | None, version: int, moment: Moment) -> None:
        _, known, then = self.own.get(user, (None, -2, _NEVER))
        if moment > self.retired.get(user, _NEVER) and version > known and moment[0] >= then[0]:
            self.own[user] = blocks, version, moment

    def _tree(self, user: str) -> Blocks | None:
        own, *_ = self.own.get(user, (None,))
        return self.blocks if own is None else own

    def known(self, place: Place, said: Owner) -> list[Place]:
        """The place, if it has an owner, and then the consumer's others of the same link and learner, newest first."""
        there = (said.user, said.block, said.link)
        linked = [
            other
            for other, owner in self.owners.items()
            if other != place and other[0] == place[0] and (owner.user, owner.block, owner.link) == there
        ]
        return ([place] if place in self.owners else []) + sorted(
            linked, key=lambda other: self.owners[other].moment, reverse=True
        )

    def launch(self, place: Place, said: Owner) -> bool:
        """False if something newer is known, or this one."""
        owner, known = self.owners.get(place), self.known(place, said)
        if any(said.moment < self.owners[other].moment for other in known):
            return False
        if said.moment <= self.retired.get(said.user, _NEVER) or (owner is not None and owner.moment == said.moment):
            return False
        for other in known:
            del self.owners[other]
        self.owners[place] = said
        return True

    def disable(self, consumer: str, sourcedid: str, moment: Moment) -> bool:
        """Whether it is refused, as nothing has that sourcedid; not if it is about a learner who was retired since."""
        if all((place[0], place[2]) != (consumer, sourcedid) for place in self.owners):
            return moment > self.retired_names.get((consumer, sourcedid), _NEVER)
        for place, owner in self.owners.items():
            if (place[0], place[2]) == (consumer, sourcedid) and owner.moment <= moment:
                self.owners[place] = replace(owner, moment=moment, enabled=False)
        return False

    def retire(self, user: str, moment: Moment) -> None:
        if moment > self.retired.get(user, _NEVER):
            self.retired[user] = moment
            stay = {
                place: owner
                for place, owner in self.owners.items()
                if owner.user != user or (owner.moment > moment and owner.enabled)
            }
            for consumer, _, sourcedid in self.owners.keys() - stay.keys():
                name = consumer, sourcedid
                self.retired_names[name] = max(moment, self.retired_names.get(name, _NEVER))
            self.owners = stay
            self.scores = {key: points for key, points in self.scores.items() if key[0] != user or points[2] > moment}
            self.own = {whose: known for whose, known in self.own.items() if whose != user or known[2] > moment}

    def remove(self, consumer: str) -> None:
        self.owners = {place: owner for place, owner in self.owners.items() if place[0] != consumer}

    def is_unknown(self, user: str, block: str) -> bool:
        """Whether it is not known what the block is worth: it is in no structure, and no problem that has a score."""
        tree = self._tree(user)
        return (tree is None or block not in tree) and (user, block) not in self.scores

    def grade(self, user: str, block: str) -> str | None:
        """As it goes on the wire; None where there is none to send."""
        tree = self._tree(user)
        below = {block: 0.0}
        if tree is not None and block in tree:
            below = {
                usage: points for usage, (_, points) in tree.items() if points and self.touches(user, usage, block)
            }
        own = {problem: self.scores[user, problem] for problem in below if (user, problem) in self.scores}
        if not own:
            return None
        earned = sum(points[0] for points in own.values())
        possible = sum(own[problem][1] if problem in own else points for problem, points in below.items())
        return f"{earned / possible:.6f}".rstrip("0").rstrip(".") or "0"

    def touches(self, user: str, problem: str, block: str) -> bool:
        """Whether the learner's score on the problem is part of the block's grade."""
        tree, step = self._tree(user) or {}, problem
        while step != block and step in tree:
            step = tree[step][0] or ""
        return step == block


def limit(campus: Mapping[str, Any], *, now: int, max_per_campus: int) -> int:
    """How many requests a campus may have at once; *campus*: its row, with its consumer's ``paused_at``."""
    if campus["paused_at"] is not None or campus["blocked_until"] > now:
        return 0
    if campus["tripped_at"] is not None or campus["answered_at"] is None:
        return 1
    return max_per_campus if campus["max_in_flight"] is None else min(campus["max_in_flight"], max_per_campus)

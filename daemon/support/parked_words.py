"""Parked grades in words: by what they are parked for, and who has to act. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from daemon.infra.text import counted, past, printable
from daemon.why.advice import Advice, about_parked, of_all
from models.queries.parked import ParkedGroup


@dataclass(frozen=True, slots=True)
class ParkedReason:
    """What is parked for one reason at one campus. *groups*: one a course."""

    groups: Sequence[ParkedGroup]

    @property
    def number(self) -> int:
        return sum(group.number for group in self.groups)

    @property
    def advice(self) -> Advice:
        """Who has to act, and what helps."""
        first = self.groups[0]
        advice = about_parked(first.reason, first.scope, protocol=first.protocol)
        return Advice(advice.who, of_all(advice.words, self.number))

    def head(self, zone: tzinfo | None) -> str:
        """How many, where, since when and why. *zone*: of the time; None: the machine's."""
        first, since = self.groups[0], min(group.since for group in self.groups)
        return (
            f"{counted(self.number, 'grade')} at {printable(first.consumer)} ({printable(first.origin)}) "
            f"since {past(since, zone)}: {printable(first.reason)}"
        )


def parked_reasons(groups: Sequence[ParkedGroup]) -> list[ParkedReason]:
    """Those of one reason at one campus together, the most grades first."""
    found: dict[tuple[str, str, str, str], list[ParkedGroup]] = {}
    for group in groups:
        found.setdefault((group.consumer_key, group.origin, group.scope, group.reason), []).append(group)
    return sorted(map(ParkedReason, found.values()), key=lambda one: -one.number)


def in_course_words(group: ParkedGroup) -> str:
    """How many of a reason are in one course."""
    return f"{group.number} in course {printable(group.course_id)}"

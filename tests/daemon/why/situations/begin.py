"""The register of situations, and how most of them begin."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from models.assignment import GradedAssignment
from models.queries.grades import Query
from tests.daemon.why.story import Sent, Story

SITUATIONS: dict[str, Callable[[Story], Awaitable[Query]]] = {}

UNAVAILABLE = Sent("ambiguous", "0.25", http_status=503, description="HTTP 503: no words", duration_ms=40)
NO_CONNECTION = Sent("retried", "0.25", description="cannot connect: connection refused")


def situation(story: Callable[[Story], Awaitable[Query]]) -> Callable[[Story], Awaitable[Query]]:
    SITUATIONS[story.__name__] = story
    return story


def situations(table: Mapping[str, Any]) -> Callable[[Callable[[Story, Any], Awaitable[Query]]], None]:
    """Register a story for each row of a table."""

    def register(story: Callable[[Story, Any], Awaitable[Query]]) -> None:
        SITUATIONS.update({name: partial(story, row=row) for name, row in table.items()})

    return register


async def begun(story: Story, *, scored: bool = True, usage_id: str = "unit") -> int:
    """A campus, a course, a learner with a score and a launch some hours ago; gives the assignment, which is due."""
    await story.consumer()
    await story.structure()
    if scored:
        await story.score(501, 1)
    await story.launch(500, usage_id=usage_id)
    return await id_of(usage_id)


async def id_of(usage_id: str) -> int:
    return (await GradedAssignment.get(usage_id=usage_id)).id

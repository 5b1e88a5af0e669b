"""The register of situations."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from models.queries.grades import Query
from tests.daemon.why.story import Story

SITUATIONS: dict[str, Callable[[Story], Awaitable[Query]]] = {}


def situation(story: Callable[[Story], Awaitable[Query]]) -> Callable[[Story], Awaitable[Query]]:
    SITUATIONS[story.__name__] = story
    return story


def situations(table: Mapping[str, Any]) -> Callable[[Callable[[Story, Any], Awaitable[Query]]], None]:
    """Register a story for each row of a table."""

    def register(story: Callable[[Story, Any], Awaitable[Query]]) -> None:
        SITUATIONS.update({name: partial(story, row=row) for name, row in table.items()})

    return register

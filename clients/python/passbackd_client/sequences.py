"""One event or many."""

from collections.abc import Iterable

from passbackd_client.event import Event

#: What is handed in to be sent.
Events = Event | Iterable[Event]


def listed(events: Events) -> list[Event]:
    """The events in their order."""
    return [events] if isinstance(events, Event) else list(events)

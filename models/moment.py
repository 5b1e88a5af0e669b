"""
When something happened by the tool's account, and its place on the stream, which decides between equal times.

A tool may keep whole seconds, and a stream may be read again from its start: of two events with the same time, the one
that arrived first must lose however often both are read.
"""

from typing import NamedTuple

#: Characters of a place: two numbers of 64 bits in decimal digits, and a hyphen.
MAX_PLACE = 41


class Moment(NamedTuple):
    """
    The order of two events about the same thing: the later moment wins, and an equal one is the same event.

    *modified_us*: microseconds since 1970. *place*: by :func:`place_of`.
    """

    modified_us: int
    place: str = ""


def place_of(entry_id: str | None) -> str:
    """
    The place of a stream entry, ``<milliseconds>-<sequence>``: a text that sorts as the stream orders its entries.

    Of fixed length, so that every collation of a database sorts it so. Empty without an entry: before all places.
    """
    if not entry_id:
        return ""
    ms, _, sequence = entry_id.partition("-")
    return f"{int(ms):020}-{int(sequence or 0):020}"


def entry_at(place: str) -> str | None:
    """The stream entry at a place."""
    if not place:
        return None
    ms, _, sequence = place.partition("-")
    return f"{int(ms)}-{int(sequence)}"

"""Whether it is safe to send: not before intake has caught up with the stream. Pure."""

from daemon.ingest.stream import STREAM_START, EntryId, StreamRead, parse_id


class CatchUp:
    """
    A daemon that was away, or whose database was restored, must not send last night's grades first.

    *applied* becomes true once the position reaches the last entry that the stream had at start, or no entry is left
    between. It becomes false when the position falls below the highest one: the database was restored meanwhile.
    """

    def __init__(self) -> None:
        self._goal: EntryId | None = None
        self._highest: tuple[int, EntryId] = (0, parse_id(STREAM_START))
        self.applied = False

    def observe(self, epoch: int, position: str, seen: StreamRead) -> None:
        """Note the position of intake, and what the stream held at that moment."""
        here = (epoch, parse_id(position))
        if here < self._highest:
            self.applied, self._goal = False, None
        self._highest = here
        if self._goal is None:
            self._goal = parse_id(seen.last_id)
        if here[1] >= self._goal or not seen.entries:
            self.applied = True

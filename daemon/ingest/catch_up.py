"""Whether it is safe to send: not before what stood in the stream when we came has been applied. Pure."""

from daemon.ingest.stream import STREAM_START, EntryId, Look, parse_id


class CatchUp:
    """
    A database that was restored, or a daemon that was away, must not send last night's grades first.

    Closed until the position has reached the stream's last entry as it stood at start, or nothing is left between. It
    closes again when the position falls below the highest one seen: then the database was restored under us.
    """

    def __init__(self) -> None:
        self._goal: EntryId | None = None
        self._highest: tuple[int, EntryId] = (0, parse_id(STREAM_START))
        self.applied = False

    def saw(self, epoch: int, position: str, look: Look) -> None:
        """Note where intake stands, and what the stream held at that moment."""
        here = (epoch, parse_id(position))
        if here < self._highest:
            self.applied, self._goal = False, None
        self._highest = here
        if self._goal is None:
            self._goal = parse_id(look.last_id)
        if here[1] >= self._goal or not look.entries:
            self.applied = True

"""How far the relay has got, in Redis beside the stream."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis

from openedx_passbackd.marks import Names

#: An entry's id: its time in milliseconds, and a number.
Id = tuple[int, int]


class StreamLostError(redis.RedisError):
    """The stream lost entries while a sweep went on, perhaps those of the sweep."""


@dataclass(frozen=True)
class Progress:
    """What the sweeps before have done; without a time there were none."""

    #: When the newest sweep that was completed began.
    swept_at: datetime | None = None
    #: When the newest long one did.
    swept_long_at: datetime | None = None
    #: The newest row of the platform's table of assignments.
    assignment: int = 0


@dataclass(frozen=True)
class Position:
    """How far a stream had got: its newest entry ever, and how many there ever were (None where Redis is too old)."""

    newest: Id = (0, 0)
    added: int | None = None


class State:
    """Reads and writes the progress; forgets it when the stream has lost what it held."""

    def __init__(self, client: redis.Redis, stream: str) -> None:
        self._client = client
        self._stream = stream
        #: Where the stream was when this process read or wrote the progress last.
        self._seen = Position()
        self.names = Names(stream)

    def read(self) -> Progress:
        """The progress; nothing of it where the stream, or what is beside it, was lost."""
        stored: dict[str, str] = self._client.hgetall(self.names.state)  # type: ignore[assignment]
        # A Redis that crashed, or that was restored, lost the newest of the progress with the newest entries.
        lost = not stored or self._has_lost(_stored_position(stored)) or self._has_lost(self._seen)
        self._seen = self._position()
        if lost:
            self._forget()
            return Progress()
        return Progress(
            swept_at=datetime.fromtimestamp(float(stored["swept_at"]), UTC),
            swept_long_at=datetime.fromtimestamp(float(stored["swept_long_at"]), UTC),
            assignment=int(stored["assignment"]),
        )

    def write(self, progress: Progress) -> None:
        """
        Store what a completed sweep has done.

        :raises StreamLostError: if entries were lost since :meth:`read`.
        """
        if progress.swept_at is None or progress.swept_long_at is None:
            raise ValueError("a sweep has times")
        if self._has_lost(self._seen):
            raise StreamLostError("the stream lost entries during the sweep")
        self._seen = self._position()
        values = {
            "swept_at": str(progress.swept_at.timestamp()),
            "swept_long_at": str(progress.swept_long_at.timestamp()),
            "assignment": str(progress.assignment),
            "stream_id": "-".join(map(str, self._seen.newest)),
        }
        if self._seen.added is not None:
            values["added"] = str(self._seen.added)
        self._client.hset(self.names.state, mapping=values)

    def _has_lost(self, before: Position) -> bool:
        """Whether entries of *before* are gone that nothing has trimmed."""
        if before.newest == (0, 0):
            return False
        info = self._info()
        if info is None or _id(info["last-generated-id"]) < before.newest:
            return True
        first = info["first-entry"]
        if first is not None and _id(first[0]) <= before.newest:
            entry = "-".join(map(str, before.newest))
            return not self._client.xrange(self._stream, entry, entry)
        # Everything from then was trimmed, or this is a new stream, which had no entries but those that it has.
        added = info.get("entries-added")
        return before.added is not None and added is not None and added < before.added + info["length"]

    def _position(self) -> Position:
        info = self._info()
        return Position() if info is None else Position(_id(info["last-generated-id"]), info.get("entries-added"))

    def _info(self) -> dict[str, Any] | None:
        try:
            return self._client.xinfo_stream(self._stream)  # type: ignore[return-value]
        except redis.ResponseError as error:
            if "no such key" in str(error):
                return None
            raise

    def _forget(self) -> None:
        own = list(self._client.scan_iter(match=self.names.all_own_trees, count=1000))
        for start in range(0, len(own), 1000):
            self._client.delete(*own[start : start + 1000])
        self._client.delete(self.names.state, self.names.trees)


def _stored_position(stored: dict[str, str]) -> Position:
    return Position(_id(stored["stream_id"]), int(stored["added"]) if "added" in stored else None)


def _id(entry_id: str) -> Id:
    moment, _, number = entry_id.partition("-")
    return int(moment), int(number)

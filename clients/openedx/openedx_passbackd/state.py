"""How far the relay has got, in Redis beside the stream."""

from dataclasses import dataclass
from datetime import UTC, datetime

import redis

from openedx_passbackd.marks import Names


@dataclass(frozen=True)
class Progress:
    """What the sweeps before have done; without a time there were none."""

    #: When the newest sweep that was completed began.
    swept_at: datetime | None = None
    #: When the newest long one did.
    swept_long_at: datetime | None = None
    #: The newest row of the platform's table of assignments.
    assignment: int = 0


class State:
    """Reads and writes the progress; forgets it when the stream has lost what it held."""

    def __init__(self, client: redis.Redis, stream: str) -> None:
        self._client = client
        self._stream = stream
        self.names = Names(stream)

    def read(self) -> Progress:
        """The progress; nothing of it where the stream, or what is beside it, was lost."""
        stored: dict[str, str] = self._client.hgetall(self.names.state)  # type: ignore[assignment]
        if not stored or self._newest() < _id(stored["stream_id"]):
            self._forget()
            return Progress()
        return Progress(
            swept_at=datetime.fromtimestamp(float(stored["swept_at"]), UTC),
            swept_long_at=datetime.fromtimestamp(float(stored["swept_long_at"]), UTC),
            assignment=int(stored["assignment"]),
        )

    def write(self, progress: Progress) -> None:
        """Store what a completed sweep has done."""
        if progress.swept_at is None or progress.swept_long_at is None:
            raise ValueError("a sweep has times")
        values = {
            "swept_at": str(progress.swept_at.timestamp()),
            "swept_long_at": str(progress.swept_long_at.timestamp()),
            "assignment": str(progress.assignment),
            "stream_id": "-".join(map(str, self._newest())),
        }
        self._client.hset(self.names.state, mapping=values)

    def _newest(self) -> tuple[int, int]:
        """The id of the newest entry that the stream ever had; zeros where there is no stream."""
        if not self._client.exists(self._stream):
            return 0, 0
        return _id(self._client.xinfo_stream(self._stream)["last-generated-id"])  # type: ignore[index]

    def _forget(self) -> None:
        own = list(self._client.scan_iter(match=self.names.all_own_trees, count=1000))
        for start in range(0, len(own), 1000):
            self._client.delete(*own[start : start + 1000])
        self._client.delete(self.names.state, self.names.trees)


def _id(entry_id: str) -> tuple[int, int]:
    moment, _, number = entry_id.partition("-")
    return int(moment), int(number)

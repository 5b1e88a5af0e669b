"""The tool: knows everything that it ever put onto the stream, and repeats what was lost unread."""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import redis

from tests.blackbox.world import COURSE, STREAM, Fields
from tests.chaos.oracle import Blocks, Entry

#: Seconds that Redis may be away or full.
PATIENCE = 60.0
POSSIBLE = 1000
PROBLEMS = ("problem-1", "problem-2", "problem-3")
#: Problem 1 is graded by itself, and the chapter.
USAGES = ("problem-1", "chapter")
_WHOLE: Blocks = {
    COURSE: (None, None),
    "chapter": (COURSE, None),
    "appendix": (COURSE, None),
    **dict.fromkeys(PROBLEMS, ("chapter", POSSIBLE)),
}
#: Problem 3 moves out of the chapter and back.
STRUCTURES: tuple[Blocks, ...] = (_WHOLE, {**_WHOLE, "problem-3": ("appendix", POSSIBLE)})

Place = tuple[int, int]


def place(entry_id: str) -> Place:
    """An entry's id as numbers."""
    ms, _, sequence = entry_id.partition("-")
    return int(ms), int(sequence)


class Tool:
    """
    Puts events onto the stream; may be used from any thread.

    While it holds its lock (:meth:`silent`) no other thread adds anything.

    Args:
        ties: Whether two events may have the same time. Without, each says its own, to the microsecond.
    """

    def __init__(self, url: str, *, ties: bool = True) -> None:
        self.redis = redis.Redis.from_url(url, socket_timeout=10, decode_responses=True)
        self._lock = threading.RLock()
        self._ties, self._last = ties, datetime.now(UTC)
        #: Everything that ever arrived, in order.
        self.entries: list[Entry] = []
        #: The numbers of those that are no longer on the stream.
        self.gone: set[int] = set()
        self._version = 0

    def say(self, *events: Fields, repeats: Sequence[int] = ()) -> list[Entry]:
        """Put events onto the stream, all at once and in this order; gives them as entries."""
        with self._lock:
            texts = [{name: str(value) for name, value in event.items()} for event in events]
            if not self._ties and not repeats:
                texts = [{**text, "modified": self._own_time(text.get("modified"))} for text in texts]
            ids = self._add(texts)
            known = list(repeats) or [None] * len(ids)
            said = [
                Entry(len(self.entries) + at, *pair, blocks=_blocks(pair[1]), repeats=known[at])
                for at, pair in enumerate(zip(ids, texts, strict=True))
            ]
            self.entries += said
            return said

    def _own_time(self, given: str | None) -> str:
        """One that no other event has, near the given one."""
        self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
        ago = self._last - datetime.fromisoformat(given) if given else timedelta()
        late = ago > timedelta(seconds=1)
        return (self._last - timedelta(seconds=ago.seconds) if late else self._last).isoformat()

    def _add(self, texts: list[dict[str, str]]) -> list[str]:
        """In one transaction, which is refused as a whole while Redis is full."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with self.redis.pipeline(transaction=True) as pipe:
                    for text in texts:
                        pipe.xadd(STREAM, dict(text))
                    return list(map(str, pipe.execute()))
            except redis.ResponseError as error:
                if time.monotonic() > deadline or not str(error).startswith(("OOM", "EXECABORT", "Command # 1")):
                    raise
            time.sleep(0.05)

    def structure(self) -> None:
        """The next version of the course's structure."""
        with self._lock:
            self._version += 1
            blocks = [
                {"usage_id": usage, "parent": parent, **({} if possible is None else {"points_possible": possible})}
                for usage, (parent, possible) in STRUCTURES[self._version % 2].items()
            ]
            texts = {"course_id": COURSE, "version": self._version, "blocks": json.dumps(blocks)}
            self.say({"type": "course.structure", **texts})

    @property
    def newest(self) -> Place:
        """Where the newest entry was."""
        return self.entries[-1].place if self.entries else (0, 0)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Add nothing meanwhile."""
        with self._lock:
            yield

    def repeat_lost(self, read: Place) -> tuple[int, int]:
        """
        Repeat what was lost unread, and in their order all events since the first of these.

        Args:
            read: How far the stream had been read before it lost anything.

        Returns:
            How many entries are newly gone, and how many were repeated.
        """
        with self._lock:
            left = {entry_id for entry_id, _ in self.redis.xrange(STREAM)}
            lost = [entry for entry in self.entries if entry.id not in left and entry.number not in self.gone]
            self.gone.update(entry.number for entry in lost)
            first = next((entry.number for entry in lost if entry.place > read), len(self.entries))
            again = self.entries[first:]
            if again:
                self.say(*(dict(entry.fields) for entry in again), repeats=[entry.number for entry in again])
            return len(lost), len(again)


def _blocks(text: Mapping[str, str]) -> Blocks | None:
    if text["type"] != "course.structure":
        return None
    return {one["usage_id"]: (one["parent"], one.get("points_possible")) for one in json.loads(text["blocks"])}

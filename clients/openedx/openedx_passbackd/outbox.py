"""The relay's way onto the stream: what it has sent already is not sent again, unless the stream was lost."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable

import redis

from openedx_passbackd.events import Event

#: Events whose digests are kept, some 100 bytes each.
REMEMBERED = 200_000
#: Bytes that are sent to Redis together; a structure alone may be larger.
BATCH_BYTES = 1_000_000


class Outbox:
    """Appends events; raises :class:`redis.RedisError` where Redis does not take them."""

    def __init__(self, client: redis.Redis, stream: str, remembered: int = REMEMBERED) -> None:
        self._client = client
        self._stream = stream
        self._sent: OrderedDict[bytes, None] = OrderedDict()
        self._remembered = remembered

    def send(self, events: Iterable[Event]) -> int:
        """Append those that were not sent yet; how many that were."""
        sent = 0
        batch: dict[bytes, Event] = {}
        size = 0
        for event in events:
            digest = hashlib.blake2b(json.dumps(event, sort_keys=True).encode(), digest_size=16).digest()
            if digest in self._sent:
                self._sent.move_to_end(digest)
                continue
            batch[digest] = event
            size += sum(map(len, event.values()))
            if size > BATCH_BYTES:
                sent += self._append(batch)
                batch, size = {}, 0
        return sent + self._append(batch)

    def forget(self) -> None:
        """Send everything again."""
        self._sent.clear()

    def _append(self, batch: dict[bytes, Event]) -> int:
        if not batch:
            return 0
        pipeline = self._client.pipeline(transaction=False)
        for event in batch.values():
            pipeline.xadd(self._stream, event)  # type: ignore[arg-type]
        pipeline.execute()
        self._sent.update(dict.fromkeys(batch))
        while len(self._sent) > self._remembered:
            self._sent.popitem(last=False)
        return len(batch)

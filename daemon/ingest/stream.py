"""The Redis stream of events, as intake reads it: one atomic read at a time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from daemon.infra.redis import naming

#: A stream entry id as numbers: milliseconds, sequence.
EntryId = tuple[int, int]

STREAM_START = "0-0"

#: More entries than any stream can have.
_ENDLESS = 2**63 - 1


def parse_id(entry_id: str) -> EntryId:
    """``<milliseconds>-<sequence>`` as two numbers, which compare as the stream orders them."""
    ms, _, sequence = entry_id.partition("-")
    return int(ms), int(sequence or 0)


@dataclass(frozen=True, slots=True)
class StreamRead:
    """
    The stream at one moment, seen from a position.

    *entries*: those after the position, oldest first: id, and field names and values as bytes. *last_id*: the last id
    ever given out; ``0-0`` without a stream. *first_id*: the oldest entry left. *at_position*: whether the entry at the
    position is left. *owner*: as :mod:`daemon.ingest.ownership` describes it; None if there is none.
    """

    entries: list[tuple[str, dict[bytes, bytes]]]
    last_id: str
    first_id: str | None
    at_position: bool
    owner: str | None = None

    def was_reset(self, position: str) -> bool:
        """Whether the stream is another one than that in which *position* was read."""
        if parse_id(self.last_id) < parse_id(position):
            return True
        older = self.first_id is not None and parse_id(self.first_id) < parse_id(position)
        return position != STREAM_START and not self.at_position and older

    def has_gap(self, position: str) -> bool:
        """Whether entries after the position may have gone unread."""
        if position == STREAM_START or self.at_position:
            return False
        # Only newer ones are left; or none, though ids were given out after the position.
        return self.first_id is not None or parse_id(self.last_id) > parse_id(position)


# Nothing can follow it, and Redis takes it for no exclusive start of a range.
_LARGEST = f"{2**64 - 1}-{2**64 - 1}"

# Counts in the server, so that no payload travels. By small pages: Lua holds one in memory, and other clients wait.
_COUNT = f"""
if ARGV[1] == '{_LARGEST}' then return {{0, ARGV[1]}} end
local page = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
local last = ARGV[1]
if #page > 0 then last = page[#page][1] end
return {{#page, last}}
"""
_PAGE = 100

# An event is one argument, and not one for each name and value: packing these took three times as long.
_ADD = """
local ids = {}
for at = 1, #ARGV do
    ids[at] = redis.call('XADD', KEYS[1], '*', unpack(cjson.decode(ARGV[at])))
end
return ids
"""
#: The last byte that is read of an owner: another program may have written anything there.
_OWNER_END = 127
# Entries one by one until they are as many or as large as wanted, so that no more bytes are ever read at once; a single
# one that is larger is read alone.
_READ = f"""
local entries, bytes, last = {{}}, 0, ARGV[1]
while #entries < tonumber(ARGV[2]) and last ~= '{_LARGEST}' do
    local entry = redis.call('XRANGE', KEYS[1], '(' .. last, '+', 'COUNT', 1)[1]
    if not entry then break end
    for _, part in ipairs(entry[2] or {{}}) do bytes = bytes + #part end
    if #entries > 0 and bytes > tonumber(ARGV[3]) then break end
    entries[#entries + 1] = entry
    last = entry[1]
end
return entries
"""
# The id of the first entry in a range, without its content.
_FIRST = """
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', 1)[1]
return entry and entry[1]
"""
#: Bytes that are read at once.
MAX_READ_BYTES = 8 * 1024 * 1024

# Only the stream in which the position was read: another one may have replaced it since.
_TRIM = """
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then return 0 end
return redis.call('XTRIM', KEYS[1], 'MINID', ARGV[2])
"""

#: Milliseconds for which a reader's name stays after it was written last: longer than a batch takes.
READER_MS = 20_000

# The first daemon that comes; the others find its name. What is no name, another program wrote.
_MARK = """
local reader = redis.call('GET', KEYS[1])
if reader and reader ~= ARGV[1] and #reader == 32 and not string.find(reader, '[^%x]') then return reader end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
"""
_UNMARK = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


@dataclass(slots=True)
class Stream:
    """The tool's event stream. *redis*: a client that returns bytes, whose time-out is longer than *block_ms*."""

    redis: Redis
    key: str
    #: Whether a read also tries whether the stream can be written; not where the ACL forbids trimming.
    tries_writing: bool = True

    @property
    def owner_key(self) -> str:
        """The key that names the stream's owner."""
        return f"{self.key}:owner"

    @property
    def reader_key(self) -> str:
        """The key that names the daemon that reads."""
        return f"{self.key}:reader"

    async def owner(self) -> str | None:
        """Whose the stream is; None without an owner."""
        with naming(self.owner_key):
            return as_text(await self.redis.getrange(self.owner_key, 0, _OWNER_END)) or None

    async def claim(self, owner: str) -> str | None:
        """Set the owner unless there is one; returns who it is then."""
        await self.redis.set(self.owner_key, owner, nx=True)
        return await self.owner()

    async def mark(self, reader: str) -> str:
        """Name a daemon as the reader if there is no other, for :data:`READER_MS`; returns who it is then."""
        with naming(self.reader_key):
            found: Any = await self.redis.eval(_MARK, 1, self.reader_key, reader, str(READER_MS))
        return as_text(found)

    async def unmark(self, reader: str) -> None:
        """Remove the name of a daemon that ends."""
        await self.redis.eval(_UNMARK, 1, self.reader_key, reader)

    async def read(self, position: str, count: int) -> StreamRead:
        """
        Read everything that intake decides from, in one MULTI: as of one moment.

        At most *count* entries, and no more than :data:`MAX_READ_BYTES` unless the first one is larger.
        """
        try:
            return await self._read(position, count)
        except NoPermissionError:
            if not self.tries_writing:
                raise
            self.tries_writing = False
            return await self._read(position, count)

    async def _read(self, position: str, count: int) -> StreamRead:
        async with self.redis.pipeline(transaction=True) as pipe:
            if self.tries_writing:
                # Changes nothing, and fails where nothing can be written: a replica's stream may be old, or another.
                pipe.execute_command("XTRIM", self.key, "MAXLEN", _ENDLESS)
            pipe.xinfo_stream(self.key)
            pipe.eval(_FIRST, 1, self.key, position, position)
            pipe.eval(_FIRST, 1, self.key, "-", "+")
            pipe.eval(_READ, 1, self.key, position, str(count), str(MAX_READ_BYTES))
            pipe.getrange(self.owner_key, 0, _OWNER_END)
            *trimmed, info, at_position, first, entries, owner = await pipe.execute(raise_on_error=False)
        if isinstance(info, ResponseError) and "no such key" in str(info).lower():
            info = {"last-generated-id": STREAM_START}
        with naming(self.key):
            _raise_first(*trimmed, info, at_position, first, entries)
        with naming(self.owner_key):
            _raise_first(owner)
        return StreamRead(
            entries=[(as_text(entry_id), _fields(fields or ())) for entry_id, fields in entries],
            last_id=as_text(info["last-generated-id"]),
            first_id=as_text(first) if first else None,
            at_position=bool(at_position),
            owner=as_text(owner) or None,
        )

    async def last_ms(self) -> int | None:
        """The time in the newest id that the stream has given, in milliseconds since 1970; None without a stream."""
        try:
            info: Any = await self.redis.xinfo_stream(self.key)
        except ResponseError as error:
            if "no such key" not in str(error).lower():
                raise
            return None
        return parse_id(as_text(info["last-generated-id"]))[0]

    async def ahead_ms(self) -> int:
        """Milliseconds by which the clock of Redis, from which entries have their ids, is ahead of this machine's."""
        before = time.time()
        seconds, microseconds = await self.redis.time()
        return int((seconds + microseconds / 1e6 - (before + time.time()) / 2) * 1000)

    async def wait(self, position: str, block_ms: int) -> None:
        """Wait until there is an entry after *position*, or the time is up."""
        await self.redis.xread({self.key: position}, count=1, block=block_ms)

    async def add(self, fields: dict[str, str]) -> str:
        """Put an event onto the stream; returns its entry id."""
        named: dict[Any, Any] = dict(fields)
        with naming(self.key):
            return as_text(await self.redis.xadd(self.key, named))

    async def add_all(self, events: Sequence[dict[str, str]]) -> list[str]:
        """
        As :meth:`add`, many in one round trip, in their order, all or none; returns their entry ids.

        An event may have :data:`daemon.ingest.parse.MAX_FIELDS` fields: Lua hands on some thousands of arguments.
        """
        texts = [to_json([part for field in fields.items() for part in field]) for fields in events]
        with naming(self.key):
            found: Any = await self.redis.eval(_ADD, 1, self.key, *texts)
        return [as_text(entry_id) for entry_id in found]

    async def entry(self, entry_id: str) -> dict[bytes, bytes] | None:
        """The fields of one entry; None if the stream does not hold it any more."""
        found: Any = await self.redis.xrange(self.key, entry_id, entry_id)
        return dict(found[0][1]) if found else None

    async def lag(self, position: str) -> int:
        """How many entries there are after *position*."""
        total = 0
        while True:
            answer: Any = await self.redis.eval(_COUNT, 1, self.key, position, str(_PAGE))
            count, position = int(answer[0]), as_text(answer[1])
            total += count
            if count < _PAGE:
                return total

    async def trim(self, position: str, *, before_ms: int) -> int:
        """Drop entries older than *before_ms* but never the one at *position* nor a later one; return how many."""
        oldest = min((max(0, before_ms), 0), parse_id(position))
        answer: Any = await self.redis.eval(_TRIM, 1, self.key, position, f"{oldest[0]}-{oldest[1]}")
        return int(answer)


def _raise_first(*answers: object) -> None:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer


def _fields(parts: Sequence[bytes]) -> dict[bytes, bytes]:
    """Names and values in turn."""
    return dict(zip(parts[::2], parts[1::2], strict=True))


def as_text(value: bytes | str) -> str:
    """Text from a client that may return bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value

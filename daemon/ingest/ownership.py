"""
Whose the stream is: one stream for a database, one database for a stream.

The key beside the stream, ``<stream>:owner``, names the database whose daemons read it, and has a random token for the
stream itself, which goes with it when Redis loses everything. The database holds the token of the stream that it
reads, and each heartbeat the token that its daemon sees. A daemon that finds another database's name, or a stream that
is not the one which other daemons read for this database, comes second: it neither reads nor sends until that changes.

A copy of a database has its name. So one of a database's daemons keeps its own name in ``<stream>:reader``; a daemon
whose database has never heard of that one works on a copy, and comes second too.
"""

import asyncio
import re
import secrets
from dataclasses import replace

import structlog
from tortoise.transactions import in_transaction

from daemon.ingest.stream import READER_MS, Stream
from models.db.clock import Clock
from models.heartbeat import beat, reader_seen_at, was_seen
from models.stream_position import Position, adopt_stream, lock_position

log = structlog.get_logger(__name__)

#: Seconds for which a stream counts as read after its last reader was seen: a restart takes less.
RESTART = 15.0
#: Seconds between two looks at who reads the stream.
LOOK_EVERY = 1.0
#: Seconds that removing the name may take at the end.
RELEASE_TIME = 1.0
#: Milliseconds for which a daemon that was killed is known: longer than its name stays in Redis.
KNOWN_MS = READER_MS + 5_000
#: Seconds after which a trouble is logged: a Redis that lost everything is settled within less.
LOG_AFTER = 3.0

_OWNER = re.compile("(?P<database>[0-9a-f]{32}) (?P<token>[0-9a-f]{32})")

#: What is wrong with a daemon that reads another stream than the others, with the cure.
OTHER_STREAM = (
    "redis.stream: other daemons on this database read another stream; correct redis.url and redis.stream so that all"
    " are the same: this daemon goes on once no other reads another stream"
)

#: What is wrong with a daemon on a copy of the database, with the cure.
COPY = (
    "redis.stream: this stream is being read for a copy of this database, or for the database of which this is a copy;"
    " stop the daemons of one of them, or give the copy another redis.stream and redis.dramatiq_namespace"
)


def wrong_database(position: Position | None, owner: str | None, key: str) -> str | None:
    """
    What is wrong if the stream is another database's, with the cure after a semicolon. Pure.

    *position*: None of a database on which no daemon has run yet.
    """
    if owner is None:
        return None
    written = _OWNER.fullmatch(owner)
    if written is not None and position is not None and written["database"] == position.database_id:
        return None
    return (
        "redis.stream: this stream is read for another database than that of database.url; correct redis.url,"
        " redis.stream or database.url, or, if that other database is given up,"
        f" remove its name from this Redis: redis-cli DEL {key}"
    )


def token_of(owner: str | None) -> str | None:
    """The stream's token; None without an owner, or if another program wrote it."""
    written = _OWNER.fullmatch(owner or "")
    return None if written is None else written["token"]


class Ownership:
    """
    What this daemon, *name*, knows of the stream.

    *trouble*: why it neither reads nor sends; None: it does. *token*: of the stream that it reads; None while it waits.
    """

    def __init__(self, stream: Stream, clock: Clock, name: str) -> None:
        self._stream = stream
        self._clock = clock
        self._name = name
        self.trouble: str | None = "redis.stream: the stream has not been read yet"
        self.token: str | None = None
        #: The token that it read last.
        self._own: str | None = None
        self._reader_seen_at: int | None = None
        self._reader_beat = float("-inf")
        self._look_at = float("-inf")
        self._second_since: float | None = None
        self._logged = False

    async def confirm(self, position: Position, owner: str | None) -> bool:
        """Whether a stream, in which *owner* was read, is this database's. Takes one without an owner."""
        read_by_others = False
        if owner is None:
            self.token = None
            read_by_others = await self._is_read_by_others(position)
            if not read_by_others:
                owner = await self._stream.claim(f"{position.database_id} {secrets.token_hex(16)}")
        wrong = wrong_database(position, owner, self._stream.owner_key)
        if wrong is not None:
            self._come_second(wrong)
            return False
        token = token_of(owner)
        if token is not None and token == position.stream_token:
            if not await self._reads_for_this_database():
                self._come_second(COPY)
                return False
            self._go_on(token)
            return True
        self.token = None
        if read_by_others or await self._is_read_by_others(position):
            self._come_second(OTHER_STREAM)
            return False
        return token is not None and await self._adopt(position, token)

    async def release(self) -> None:
        """This daemon ends: one on a copy need not wait for its name to go."""
        if self.token is not None:
            try:
                async with asyncio.timeout(RELEASE_TIME):
                    await self._stream.unmark(self._name)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with Redis, the name goes by itself
                log.info("the reader's name was left in Redis", error=error)

    async def _reads_for_this_database(self) -> bool:
        """Whether the daemon that has its name in Redis is this one, or another one that this database knows."""
        now = self._clock.monotonic()
        if now < self._look_at:
            return True
        reader = await self._stream.mark(self._name)
        if reader != self._name and not await was_seen(reader, since=self._clock.now() - KNOWN_MS):
            return False
        self._look_at = now + LOOK_EVERY
        return True

    async def _is_read_by_others(self, position: Position) -> bool:
        """Whether others read the stream that the position is of, or did until a moment ago."""
        if position.stream_token is None:
            return False
        now = self._clock.monotonic()
        seen_at = await reader_seen_at(position.stream_token, except_for=self._name, now=self._clock.now())
        if seen_at is not None:
            # One that was killed does not beat between two looks.
            if self._reader_seen_at not in (None, seen_at):
                self._reader_beat = now
            self._reader_seen_at = seen_at
            return True
        # A daemon that read that stream itself knows that it is gone.
        return self._own != position.stream_token and now - self._reader_beat < RESTART

    async def _adopt(self, position: Position, token: str) -> bool:
        async with in_transaction():
            here = await lock_position()
            if here is None or here.stream_token != position.stream_token:
                return False
            now = self._clock.now()
            if here.stream_token and await reader_seen_at(here.stream_token, except_for=self._name, now=now):
                return False
            await adopt_stream(token)
            # In this transaction: another daemon must not find the stream adopted and unread.
            await beat(self._name, now=now, stream_token=token)
        log.info("the stream is this database's from now on", known_before=position.stream_token is not None)
        return await self.confirm(replace(position, stream_token=token), f"{position.database_id} {token}")

    def _come_second(self, trouble: str) -> None:
        now = self._clock.monotonic()
        if self.trouble != trouble or self._second_since is None:
            self.trouble, self._second_since, self._logged = trouble, now, False
        self.token = None
        if not self._logged and now - self._second_since >= LOG_AFTER:
            self._logged = True
            log.error("intake and sending wait", reason=trouble)

    def _go_on(self, token: str) -> None:
        if self._logged:
            log.info("intake and sending go on")
        self.trouble, self._second_since, self._logged = None, None, False
        self.token = self._own = token

"""Takes typed values out of a stream entry's bytes. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from yarl import URL

from actors.protocols.address import MAX_URL, split_address
from daemon.infra.moments import OutOfRangeError, read_moment
from daemon.ingest.blocks import MAX_ID_LENGTH, MAX_POINTS
from daemon.ingest.events import BadEvent

#: Characters of a sourcedid, and of titles and the campus's own ids.
MAX_SOURCEDID, MAX_DETAIL = 8192, 1024
#: How far an event's ``modified`` may lie ahead of its entry id, and this ahead of the database's clock, in
#: milliseconds: an hour of clock error.
MAX_AHEAD_MS = 3_600_000

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)


def entry_ms(entry_id: str) -> int:
    """The time in a stream entry id, milliseconds since 1970."""
    return int(entry_id.partition("-")[0])


@dataclass(frozen=True, slots=True)
class EntryReader:
    """Takes typed values out of an entry's bytes, or raises BadEvent with what is wrong with them."""

    entry_id: str
    fields: Mapping[bytes, bytes]

    def optional(self, name: str) -> str | None:
        value = self.fields.get(name.encode())
        if value is None:
            return None
        try:
            text = value.decode()
        except UnicodeDecodeError as error:
            raise BadEvent(f"{name} is not valid UTF-8", name) from error
        if "\x00" in text:
            raise BadEvent(f"{name} holds a NUL character", name)
        return text

    def text(self, name: str, most: int | None = None) -> str:
        text = self.detail(name, most)
        if not text:
            raise BadEvent(f"{name} is {'absent' if text is None else 'empty'}", name)
        return text

    def detail(self, name: str, most: int | None) -> str | None:
        """A text that may be absent, of *most* characters."""
        text = self.optional(name)
        if text is not None and most is not None and len(text) > most:
            raise BadEvent(f"{name} is longer than {most} characters", name)
        return text

    def id(self, name: str) -> str:
        return self.text(name, MAX_ID_LENGTH)

    def number(self, name: str, *, least: float = -MAX_POINTS) -> float:
        text = self.text(name)
        if text.strip().lstrip("+-").lower() in ("nan", "inf", "infinity"):
            raise BadEvent(f"{name} is not a finite number: {text[:64]!r}", name)
        if not _NUMBER.fullmatch(text):
            raise BadEvent(f"{name} is not a number: {text[:64]!r}", name)
        value = float(text)
        if abs(value) > MAX_POINTS:
            raise BadEvent(f"{name} is beyond {MAX_POINTS:g}: {text[:64]!r}", name)
        if value < least:
            raise BadEvent(f"{name} is negative: {text[:64]!r}", name)
        return value

    def integer(self, name: str) -> int:
        text = self.text(name)
        if not _INTEGER.fullmatch(text):
            raise BadEvent(f"{name} is not an integer: {text[:64]!r}", name)
        if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
            raise BadEvent(f"{name} does not fit 64 bits: {text[:64]!r}", name)
        return int(text)

    def given_modified(self) -> int | None:
        """``modified`` in microseconds since 1970, if the event has it."""
        text = self.optional("modified")
        if not text:
            return None
        try:
            moment = read_moment(text)
        except OutOfRangeError as error:
            raise BadEvent(f"modified is out of range: {text[:64]!r}", "modified") from error
        except ValueError as error:
            raise BadEvent(f"modified is not an ISO 8601 time: {text[:64]!r}", "modified") from error
        if moment.tzinfo is None:
            raise BadEvent(f"modified has no time zone: {text[:64]!r}", "modified")
        try:
            modified_us = (moment.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)
        except OverflowError as error:
            raise BadEvent(f"modified is out of range: {text[:64]!r}", "modified") from error
        if modified_us > (entry_ms(self.entry_id) + MAX_AHEAD_MS) * 1000:
            raise BadEvent(f"modified lies more than an hour ahead of the entry: {text[:64]!r}", "modified")
        return modified_us

    def modified(self) -> int:
        """``modified``, or the entry id's time where the event has none, in microseconds since 1970."""
        given = self.given_modified()
        if given is not None:
            return given
        return entry_ms(self.entry_id) * 1000

    def address(self, name: str) -> str:
        """A whole address without white space around it, and with a host of a national script as DNS has it."""
        url = self.text(name).strip()
        if len(url) > MAX_URL:
            raise BadEvent(f"{name} is longer than {MAX_URL} characters", name)
        try:
            netloc = urlsplit(url).netloc
            ascii_host = "" if netloc.isascii() else URL(f"https://{netloc}").raw_authority
        except ValueError as error:
            raise BadEvent(f"{name} is malformed", name) from error
        address = url.replace(netloc, ascii_host, 1) if ascii_host else url
        try:
            split_address(address, f"{name} cannot be used")
        except ValueError as error:
            raise BadEvent(str(error), name) from error
        return address

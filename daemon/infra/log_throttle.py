"""A lost server in the log: one line a minute, whoever misses it, and how many more there would have been."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from structlog.typing import EventDict, WrappedLogger

from daemon.infra.errors import describe, is_data_fault, lost_server

#: Seconds between two lines about the same outage.
TELL_EVERY = 60.0


@dataclass(slots=True)
class _Told:
    at: float
    #: Lines that were kept back since.
    kept_back: int = 0


class Outages(logging.Filter):
    """
    Lets one line a minute through about each lost server, and one about each other fault that time may mend.

    Whatever is below a warning, or carries no error, or one that trying again cannot mend, passes.

    Args:
        monotonic: Seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._told: dict[Hashable, _Told] = {}
        # Dramatiq logs from threads of its own.
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        what = _outage(record)
        if what is None:
            return True
        with self._lock:
            now = self._monotonic()
            told = self._told.get(what)
            if told is not None and now - told.at < TELL_EVERY:
                told.kept_back += 1
                return False
            self._told[what] = _Told(now)
        record.more_like_it = told.kept_back if told is not None else 0
        return True


def tell_outage(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """How many more there were; and for a traceback, which tells nothing of a server that is away, its one line."""
    if more := getattr(event.get("_record"), "more_like_it", 0):
        event["more_like_it"] = more
    error = _from_exc_info(event.get("exc_info"))
    if error is not None and (server := lost_server(error)) is not None:
        del event["exc_info"]
        event["server"], event["error"] = server, describe(error)
    return event


def _outage(record: logging.LogRecord) -> Hashable:
    """What a record is about, if it is about something that is away; the same for all that are alike."""
    if record.levelno < logging.WARNING:
        return None
    fields: dict[str, Hashable] = record.msg if isinstance(record.msg, dict) else {}
    if fields.get("server") is not None:
        return fields["server"]
    error = _error(record, fields)
    if error is None or is_data_fault(error):
        return None
    # Dramatiq's loggers are named "...ConsumerThread(queue)".
    return lost_server(error) or (record.name.partition("(")[0], fields.get("event", record.msg), type(error))


def _error(record: logging.LogRecord, fields: Mapping[str, object]) -> BaseException | None:
    """The error that a record carries: as such, among its fields, or among what is to be put into its message."""
    arguments = record.args if isinstance(record.args, tuple) else ()
    carried = (_from_exc_info(record.exc_info), _from_exc_info(fields.get("exc_info")), *fields.values(), *arguments)
    return next((value for value in carried if isinstance(value, BaseException)), None)


def _from_exc_info(given: object) -> BaseException | None:
    """What ``exc_info=`` was given: an error, a triple with it, or True for the one that is being handled."""
    if given is True:
        given = sys.exc_info()
    if isinstance(given, tuple):
        given = given[1]
    return given if isinstance(given, BaseException) else None

"""
A lost server in the log: one line a minute for what is wrong with it, whichever part misses it, with the number of
lines left out.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from structlog.typing import EventDict, WrappedLogger

from daemon.infra.errors import Trouble, describe, is_data_fault, trouble

#: Seconds between two lines about the same outage.
THROTTLE_SECONDS = 60.0
#: What a loop logs once its servers answer again.
WORKS_AGAIN = "works again"


class LogThrottle(logging.Filter):
    """
    Passes one warning a minute about each lost server, or other fault that time may repair; and every other line.

    Of :data:`WORKS_AGAIN` one line a loop for all the warnings that passed before: a server may come and go.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        #: By outage: when its last line passed, and how many were left out since.
        self._passed: dict[Hashable, tuple[float, int]] = {}
        #: Warnings that passed; and by loop, how many had when it worked again.
        self._warnings, self._answered = 0, dict[object, int]()
        # Dramatiq logs from threads of its own.
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        outage = _outage(record)
        if outage is None:
            return self._is_new(record)
        if isinstance(outage, Trouble):
            record.problem = outage.words
        with self._lock:
            now = self._monotonic()
            at, left_out = self._passed.get(outage, (-THROTTLE_SECONDS, 0))
            if now - at < THROTTLE_SECONDS:
                self._passed[outage] = at, left_out + 1
                return False
            self._passed[outage] = now, 0
            self._warnings += 1
        record.more_like_it = left_out
        return True

    def _is_new(self, record: logging.LogRecord) -> bool:
        fields = record.msg if isinstance(record.msg, dict) else {}
        if fields.get("event") != WORKS_AGAIN:
            return True
        loop = fields.get("loop")
        with self._lock:
            answered, self._answered[loop] = self._answered.get(loop, -1), self._warnings
        return answered < self._warnings


def summarize_outage(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name a server's trouble in our words, in place of its traceback; add how many lines were left out."""
    record = event.get("_record")
    if left_out := getattr(record, "more_like_it", 0):
        event["more_like_it"] = left_out
    error = _from_exc_info(event.get("exc_info"))
    if error is not None and (lost := trouble(error)) is not None:
        del event["exc_info"]
        event["server"], event["error"] = lost.server, error
    if problem := getattr(record, "problem", None):
        event["problem"] = problem
    if isinstance(event.get("error"), BaseException):
        event["error"] = describe(event["error"])
    return event


def _outage(record: logging.LogRecord) -> Hashable:
    """What a record is about, if it is about something that is away; the same for all that are alike."""
    if record.levelno < logging.WARNING:
        return None
    fields: dict[str, Any] = record.msg if isinstance(record.msg, dict) else {}
    error = _error(record, fields)
    lost = None if error is None else trouble(error)
    if lost is not None:
        return lost
    if fields.get("server") is not None:
        return Trouble(fields["server"])
    if error is None or is_data_fault(error):
        return None
    # Dramatiq's loggers are named "...ConsumerThread(queue)".
    return record.name.partition("(")[0], fields.get("event", record.msg), type(error)


def _error(record: logging.LogRecord, fields: Mapping[str, object]) -> BaseException | None:
    """The error that a record carries: as such, among its fields, or among the arguments of its message."""
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

"""One log for passbackd and its libraries, as lines for people or as JSON for machines."""

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from daemon.config import zone
from daemon.infra.journal import is_journal, with_priority
from daemon.infra.log_throttle import LogThrottle, summarize_outage
from daemon.infra.text import printable

__all__ = ["REPETITIVE", "TALKATIVE", "configure", "printable"]

#: Below a warning these log statements with their values and what they sign: personal data and secrets.
TALKATIVE = ("aiosqlite", "asyncpg", "oauthlib", "tortoise")
#: At "info" these log every attempt to reach a lost server.
REPETITIVE = ("dramatiq",)
#: By this name a second call of :func:`configure` finds the handler of the first, and leaves others alone.
_HANDLER = "passbackd"
_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.StackInfoRenderer(),
]
#: One list, since each logger keeps the one with which it is first used.
_FIRST: list[Processor] = [
    structlog.stdlib.filter_by_level,
    *_SHARED,
    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
]
_FOR_MACHINES: tuple[Processor, ...] = (
    structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%S.%f+00:00", utc=True),
    structlog.processors.JSONRenderer(default=str),
)


class _JournalFormatter(structlog.stdlib.ProcessorFormatter):
    """Begins each line with its priority."""

    def format(self, record: logging.LogRecord) -> str:
        return with_priority(super().format(record), record.levelno)


def configure(
    level: Literal["debug", "info", "warning", "error"],
    format: Literal["console", "json"],  # noqa: A002 - the name of the key in config.toml
    timezone: str,
    *,
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Log everything to *stream* (standard error); *timezone* is that of the console, JSON is always in UTC."""
    stream = stream or sys.stderr
    colours = stream.isatty() and not environ.get("NO_COLOR")
    handler = logging.StreamHandler(stream)
    handler.set_name(_HANDLER)
    handler.addFilter(LogThrottle(monotonic))
    formatter = _JournalFormatter if is_journal(stream, environ) else structlog.stdlib.ProcessorFormatter
    handler.setFormatter(
        formatter(
            foreign_pre_chain=_SHARED,
            processors=[
                summarize_outage,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Plain: prettier tracebacks show local variables, which hold secrets.
                structlog.processors.format_exc_info,
                *(_for_people(zone(timezone), colours=colours) if format == "console" else _FOR_MACHINES),
            ],
        )
    )
    root = logging.getLogger()
    for old in [old for old in root.handlers if old.get_name() == _HANDLER]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    for name in REPETITIVE:
        logging.getLogger(name).setLevel(logging.WARNING if root.level == logging.INFO else root.level)
    structlog.configure(
        processors=_FIRST,
        logger_factory=structlog.stdlib.LoggerFactory(),
        # What is below the level costs a call that does nothing.
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


def _for_people(where: tzinfo | None, *, colours: bool) -> list[Processor]:
    def add_time(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        now = datetime.now(UTC).astimezone(where)
        milliseconds = now.microsecond // 1000
        return {**event, "timestamp": f"{now:%Y-%m-%d %H:%M:%S}.{milliseconds:03d} {now:%Z}"}

    return [
        add_time,
        _escape,
        structlog.dev.ConsoleRenderer(
            colors=colours, repr_native_str=True, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]


def _escape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape control characters in what the renderer does not quote: they could forge a line or steer a terminal."""
    allowed = {"event": "", "exception": "\n\t", "stack": "\n\t"}
    return {key: printable(str(value), allowed[key]) if key in allowed else value for key, value in event.items()}

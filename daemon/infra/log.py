"""One log for all: ours and that of the libraries, as lines for people or as JSON for machines."""

import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from daemon.config import zone
from daemon.infra.log_throttle import Outages, tell_outage

#: Below a warning these write statements with their values and what they sign: people's data and secrets.
TALKATIVE = ("aiosqlite", "asyncpg", "oauthlib", "pydantic_settings", "tortoise")
#: At "info" these tell of every try to reach a lost server.
REPETITIVE = ("dramatiq",)


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that a second call of :func:`configure` finds it and leaves those of others alone."""


def configure(
    level: Literal["debug", "info", "warning", "error"],
    format: Literal["console", "json"],  # noqa: A002 - the name of the key in config.toml
    timezone: str,
    *,
    stream: TextIO | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """
    Send everything that is logged to *stream* (standard error).

    Args:
        timezone: Of the times on a console, as ``log.timezone`` has it; JSON is always in UTC.
        monotonic: Seconds, for telling of a lost server once a minute.
    """
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
    ]
    handler = _Handler(stream)
    handler.addFilter(Outages(monotonic))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                tell_outage,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Plain, since prettier tracebacks show local variables, and these hold secrets.
                structlog.processors.format_exc_info,
                *(_for_people(zone(timezone), stream) if format == "console" else _for_machines()),
            ],
        )
    )
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    for name in REPETITIVE:
        logging.getLogger(name).setLevel(logging.WARNING if root.level == logging.INFO else root.level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _for_machines() -> list[Processor]:
    def add_time(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {"timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"), **event}

    return [add_time, structlog.processors.JSONRenderer(default=str)]


def _for_people(where: tzinfo | None, stream: TextIO) -> list[Processor]:
    def add_time(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        now = datetime.now(UTC).astimezone(where)
        milliseconds = now.microsecond // 1000
        return {**event, "timestamp": f"{now:%Y-%m-%d %H:%M:%S}.{milliseconds:03d} {now:%Z}"}

    colours = stream.isatty() and not os.environ.get("NO_COLOR")
    return [
        add_time,
        _escape,
        structlog.dev.ConsoleRenderer(
            colors=colours, repr_native_str=True, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]


def _escape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take control characters out of what is not quoted anyway, so that nobody forges a line or steers a terminal."""
    allowed = {"event": "", "exception": "\n\t", "stack": "\n\t"}
    return {key: printable(str(value), allowed[key]) if key in allowed else value for key, value in event.items()}


def printable(text: str, allowed: str = "") -> str:
    """Somebody's words without control characters, but for those *allowed*: nobody steers a terminal with them."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in allowed else char.encode("unicode_escape").decode() for char in text
    )

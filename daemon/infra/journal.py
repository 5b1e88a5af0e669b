"""What systemd's journal takes a line for: how grave it is, by sd-daemon(3)'s prefix ``<N>``."""

import logging
import os
from collections.abc import Mapping
from typing import TextIO

#: Python's levels, the gravest first, and syslog's priorities.
PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
DEBUG = 7


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether *stream* leads to the journal: ``$JOURNAL_STREAM`` is its device and inode (systemd.exec(5))."""
    try:
        file = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{file.st_dev}:{file.st_ino}"


def with_priority(text: str, level: int) -> str:
    """*text*, each of its lines with the priority of *level*; the journal splits at line feeds alone."""
    priority = next((priority for least, priority in PRIORITIES if level >= least), DEBUG)
    return "\n".join(f"<{priority}>{line}" for line in text.split("\n"))

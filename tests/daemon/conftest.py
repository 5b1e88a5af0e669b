"""Fixtures of the tests of the daemon."""

import logging

import pytest
import structlog

from daemon.infra import log


@pytest.fixture
def log_of_before():
    """The log of the process as it was, after each test."""
    root = logging.getLogger()
    level, levels = root.level, {name: logging.getLogger(name).level for name in (*log.TALKATIVE, *log.REPETITIVE)}
    handlers = root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()

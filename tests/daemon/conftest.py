"""Fixtures of the tests of the daemon."""

import logging
import sys

import pytest
import structlog

from daemon.infra import log


@pytest.fixture(autouse=True)
def log_of_before():
    """The log of the process as it was, after each test that set it up, as each command within the process does."""
    root = logging.getLogger()
    level, levels = root.level, {name: logging.getLogger(name).level for name in (*log.TALKATIVE, *log.REPETITIVE)}
    handlers = root.handlers[:]
    yield
    if not structlog.is_configured():
        return
    root.setLevel(level)
    root.handlers[:] = handlers
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()
    for module in list(sys.modules.values()):
        for value in vars(module).values():
            # A logger keeps what was set up when it was first used.
            if type(value) is type(structlog.get_logger()):
                vars(value).pop("bind", None)

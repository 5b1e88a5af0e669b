"""Keeps a receiver's faults out of the learner's request: the platform sends most of its signals unguarded."""

import functools
import logging
from collections.abc import Callable
from typing import Any

from openedx_passbackd import counters

log = logging.getLogger(__name__)


def guarded(receiver: Callable[..., None]) -> Callable[..., None]:
    """The receiver, which counts and logs what goes wrong in place of raising it."""
    name = receiver.__name__

    @functools.wraps(receiver)
    def safe(sender: Any, **kwargs: Any) -> None:
        try:
            receiver(sender, **kwargs)
        except Exception:
            number = counters.count(f"{name}.failed")
            log.exception("passbackd: %s left an event out (%d of this process)", name, number)

    return safe

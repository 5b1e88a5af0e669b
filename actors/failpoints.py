"""Named points of the work. Nothing happens there, unless a test of faults kills or stops the process at one."""

from collections.abc import Callable
from typing import Literal

Failpoint = Literal["stream read", "batch applied", "batch committed", "messages sent", "claimed", "answered", "ended"]

#: Called at each point that the work reaches.
Hit = Callable[[Failpoint], None]


def pass_by(_failpoint: Failpoint) -> None:
    """What a real daemon does at a failpoint."""

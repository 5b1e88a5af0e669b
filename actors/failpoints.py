"""Named points of the work. Nothing happens there, unless a test of faults kills or stops the process at one."""

from collections.abc import Callable
from typing import Literal

Checkpoint = Literal["stream read", "batch applied", "batch committed", "messages sent", "claimed", "answered", "ended"]

#: Called at each point that the work reaches.
Reached = Callable[[Checkpoint], None]


def pass_by(_checkpoint: Checkpoint) -> None:
    """What a real daemon does at a checkpoint."""

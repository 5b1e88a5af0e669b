"""Which queue an assignment's wake-ups pass through: always the same one."""

from __future__ import annotations


def queue_names(partitions: int) -> list[str]:
    """The names of all partition queues, ``outcomes.0`` to ``outcomes.<partitions - 1>``."""
    return [f"outcomes.{number}" for number in range(partitions)]


def queue_name(assignment_id: int, partitions: int) -> str:
    """The name of one assignment's queue."""
    return f"outcomes.{assignment_id % partitions}"

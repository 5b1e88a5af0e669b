"""The tasks of the LTI provider; they keep what is enqueued, in place of Celery."""

from typing import Any

#: Name, arguments and countdown of each task.
ENQUEUED: list[tuple[str, tuple[Any, ...], int | None]] = []


class _Task:
    def __init__(self, name: str) -> None:
        self._name = name

    def delay(self, *args: Any) -> None:
        self.apply_async(args)

    def apply_async(self, args: tuple[Any, ...], countdown: int | None = None) -> None:
        ENQUEUED.append((self._name, tuple(args), countdown))


send_leaf_outcome = _Task("send_leaf_outcome")
send_composite_outcome = _Task("send_composite_outcome")

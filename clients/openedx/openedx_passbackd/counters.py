"""What happened in this process, by name; each failure is also a line of the log."""

import threading
from collections import Counter

_lock = threading.Lock()
_counts: Counter[str] = Counter()


def count(name: str) -> int:
    """One more of *name*; how many there were by now."""
    with _lock:
        _counts[name] += 1
        return _counts[name]


def counts() -> dict[str, int]:
    """A copy of all counters of this process."""
    with _lock:
        return dict(_counts)

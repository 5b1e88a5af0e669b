"""What makes the demo's campus a busy one."""

from collections.abc import Callable
from itertools import count, cycle

from daemon.demo.lms.answer import Answer
from daemon.demo.lms.request import RequestRecord

#: Seconds until any answer.
LATENCY = 0.02


def busy(every: int = 10) -> Callable[[RequestRecord], Answer]:
    """
    Answer one in *every* requests with 503, but never the next one for the same sourcedid.

    For every other of these the grade is stored all the same: no sender can know.
    """
    numbers, stored = count(1), cycle((False, True))
    to_repeat: set[str | None] = set()

    def behave(record: RequestRecord) -> Answer:
        if next(numbers) % every or record.sourcedid in to_repeat:
            to_repeat.discard(record.sourcedid)
            return Answer(LATENCY)
        to_repeat.add(record.sourcedid)
        return Answer(LATENCY, 503, body=b"<html>busy</html>", content_type="text/html", apply=next(stored))

    return behave

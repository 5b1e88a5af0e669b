"""``manage.py lms celery_worker``: sends what waits in the broker, one task after the other, until SIGTERM."""

import logging
import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand

from campus_work.passing import QUEUE, broker, run_task

log = logging.getLogger(__name__)
#: Seconds between two looks at an empty queue.
TICK = 0.05


class Command(BaseCommand):
    """A task that fails is lost, as it is at the platform."""

    def handle(self, *args: Any, **options: Any) -> None:
        ended = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        client = broker()
        while not ended.is_set():
            due = client.zrange(QUEUE, 0, time.time(), byscore=True, offset=0, num=1)
            if not due:
                ended.wait(TICK)
                continue
            try:
                run_task(due[0])
            except Exception:
                log.exception("a task failed")
            # Only now: what is under way counts as waiting.
            client.zrem(QUEUE, due[0])

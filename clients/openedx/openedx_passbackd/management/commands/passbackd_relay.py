"""``manage.py lms passbackd_relay``: appends to passbackd's stream what the receivers could not."""

import logging
import math
import signal
import threading
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.utils.dateparse import parse_datetime

from openedx_passbackd.publisher import connect
from openedx_passbackd.relay import TREE_SECONDS, Relay

log = logging.getLogger(__name__)

#: Seconds between a sweep and the next one.
PAUSE = 30.0
#: Seconds that the relay waits for Redis.
TIMEOUT = 10.0


def _moment(text: str) -> datetime:
    moment = parse_datetime(text)
    if moment is None or moment.tzinfo is None:
        raise CommandError(f"--since {text}: write a time with its zone, such as 2026-03-02T09:00:00+01:00")
    return moment


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT, or once."""

    help = "Read the scores, assignments and courses that the platform has stored, and append what passbackd may lack."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one sweep; fails if Redis did not take everything")
        parser.add_argument(
            "--every", metavar="SECONDS", type=float, default=PAUSE, help="pause between two sweeps (default: 30)"
        )
        parser.add_argument(
            "--since", metavar="WHEN", help="let the first sweep go at least that far back (ISO 8601, zone)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.PASSBACKD_REDIS_URL:
            raise CommandError("PASSBACKD_REDIS_URL is not set")
        since = _moment(options["since"]) if options["since"] else None
        relay = Relay(
            connect(settings.PASSBACKD_REDIS_URL, TIMEOUT),
            settings.PASSBACKD_STREAM,
            tree_seconds=math.inf if options["once"] else TREE_SECONDS,
        )
        if options["once"]:
            try:
                self.stdout.write(f"{relay.sweep(since)} events appended")
            except redis.RedisError as error:
                raise CommandError(f"Redis did not take everything: {error}") from error
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _end)
        while not _ended.is_set():
            if _sweep(relay, since):
                since = None
            _ended.wait(options["every"])


_ended = threading.Event()


def _end(*_: Any) -> None:
    """End at once, in the middle of a sweep too: the next process repeats it."""
    # Python drops an exception that is raised within a finalizer; then the loop sees this.
    _ended.set()
    raise SystemExit


def _sweep(relay: Relay, since: datetime | None) -> bool:
    """One sweep; whether it was completed. One that was not is repeated as far back."""
    close_old_connections()
    try:
        number = relay.sweep(since)
    except (redis.RedisError, DatabaseError):
        log.exception("passbackd: the sweep was not completed, the next one goes back as far")
        return False
    log.info("passbackd: %d events appended", number)
    return True

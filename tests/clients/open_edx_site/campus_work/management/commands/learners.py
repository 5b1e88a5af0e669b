"""``manage.py lms learners PART``: an LMS process with learners at work, one request after the other, until SIGTERM."""

import random
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from campus_work.passing import broker
from campus_work.requests import Requests

#: Keys of the broker with which the test has groups of learners rest: a set of their names, and who has seen it.
RESTING, SEEN = "resting", "seen:"
#: Seconds between two requests.
TICK = 0.2


class Command(BaseCommand):
    """Who does what next is random; in the test nothing depends on it."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("part", type=int)
        parser.add_argument("--group", action="append", default=[], metavar="NAME=ID,ID")

    def handle(self, *args: Any, **options: Any) -> None:
        ended = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        client, chance = broker(), random.Random(options["part"])
        groups = {name: [int(one) for one in ids.split(",")] for name, ids in (g.split("=") for g in options["group"])}
        requests = Requests(client, chance, first_new=1_000_000 * (1 + options["part"]))
        while not ended.wait(TICK):
            resting = client.smembers(RESTING)
            name = chance.choice([*groups])
            if name not in resting:
                requests.one(name, chance.choice(groups[name]))
            client.set(f"{SEEN}{options['part']}", " ".join(sorted(resting)) or "none")

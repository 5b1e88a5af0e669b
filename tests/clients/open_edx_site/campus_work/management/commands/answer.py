"""``manage.py lms answer LEARNER PROBLEM``: that learner comes from the campus, and gives one answer."""

import random
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from campus_work.requests import Requests


class Command(BaseCommand):
    """No task is made: the site itself passes nothing on."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("learner", type=int)
        parser.add_argument("problem")

    def handle(self, *args: Any, **options: Any) -> None:
        requests = Requests(None, random.Random(), first_new=1_000_000)
        requests.launch(options["learner"], options["problem"])
        requests.answer(options["learner"], options["problem"])

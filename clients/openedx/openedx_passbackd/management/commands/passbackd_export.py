"""``manage.py lms passbackd_export``: what the platform has stored, as passbackd's events, a JSON object a line."""

import json
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from openedx_passbackd import own_trees
from openedx_passbackd.assignments import courses, graded_learners, learners
from openedx_passbackd.course_trees import DIFFERS, course_event
from openedx_passbackd.events import Event
from openedx_passbackd.keys import course_of
from openedx_passbackd.pages import PAGE
from openedx_passbackd.scores import Scores
from openedx_passbackd.structures import collected


class Command(BaseCommand):
    """Writes onto standard output, a course after the other, and holds a page of rows."""

    help = (
        "Write the structures and scores of all courses in which a campus expects grades, for passbackd import openedx."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        structures = "write the structures of the courses, and those of learners who are shown other problems"
        parser.add_argument("--structures", action="store_true", help=structures)
        parser.add_argument("--scores", action="store_true", help="write the learners' scores")

    def handle(self, *args: Any, **options: Any) -> None:
        neither = not options["structures"] and not options["scores"]
        scores = Scores()
        for course in courses():
            course_key = course_of(course)
            if course_key is None:
                continue
            if options["structures"] or neither:
                self._structure(course_key)
            if options["scores"] or neither:
                for page in scores.of_course(course_key):
                    self._write(page)

    def _structure(self, course_key: Any) -> None:
        try:
            event, _, differs = course_event(course_key, collected)
        except Exception as error:  # noqa: BLE001 - one broken course must not keep the others back
            self.stderr.write(f"no structure of {course_key}: {error}")
        else:
            self._write([event])
            if differs:
                self.stderr.write(DIFFERS % (course_key, ", ".join(differs)))
                self._own_trees(course_key)

    def _own_trees(self, course_key: Any) -> None:
        user_ids = graded_learners(course_key)
        for start in range(0, len(user_ids), PAGE):
            for user in learners(user_ids[start : start + PAGE]).values():
                try:
                    tree = own_trees.read(user, course_key)
                except Exception as error:  # noqa: BLE001 - nor one learner the others
                    self.stderr.write(f"no tree of learner {user.pk} in {course_key}: {error}")
                else:
                    self._write([tree.event])

    def _write(self, events: Iterable[Event]) -> None:
        for event in events:
            self.stdout.write(json.dumps(event, ensure_ascii=False))

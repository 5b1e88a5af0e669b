"""``manage.py lms make_site KEY=URL…``: tables, learners, assignments and the scores of the years before."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction
from django.utils import timezone
from lms.djangoapps.courseware.models import StudentModule
from lms.djangoapps.lti_provider.models import GradedAssignment, LtiConsumer, LtiUser, OutcomeService
from opaque_keys.edx.keys import CourseKey

from campus_work.collected import COURSE, OLD_COURSE, key_of
from campus_work.course import ANSWERED, LEARNERS_NOW, LINKED, RAW


class Command(BaseCommand):
    """Of each campus there are as many learners, in turn."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campuses", nargs="+", metavar="KEY=URL")
        parser.add_argument("--learners", type=int, required=True)
        parser.add_argument("--secret", default="secret of {key}", help="of each campus; {key} is its own")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", run_syncdb=True, verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode = WAL")  # so that an export does not keep learners waiting
        with transaction.atomic():
            services = [self._campus(*one.split("=", 1), options["secret"]) for one in options["campuses"]]
            users = get_user_model().objects.bulk_create(
                get_user_model()(pk=number, username=f"learner-{number}")
                for number in range(1, options["learners"] + 1)
            )
            places = [(user, services[user.pk % len(services)]) for user in users]
            LtiUser.objects.bulk_create(
                LtiUser(lti_consumer=service.lti_consumer, lti_user_id=f"theirs-{user.pk}", edx_user=user)
                for user, service in places
            )
            GradedAssignment.objects.bulk_create(
                GradedAssignment(
                    user=user,
                    course_key=_course(user),
                    usage_key=key_of(name, _course(user)),
                    outcome_service=service,
                    lis_result_sourcedid=f"{user.pk}:{name}",
                )
                for user, service in places
                for name in LINKED
            )
            now = timezone.now()
            StudentModule.objects.bulk_create(
                StudentModule(
                    student=user,
                    course_id=_course(user),
                    module_state_key=key_of(name, _course(user)),
                    grade=100.0 + (7 * user.pk + 31 * number) % 200,
                    max_grade=RAW,
                    modified=now - timedelta(days=30 + user.pk % 400, minutes=number),
                )
                for user in users
                for number, name in enumerate(ANSWERED)
            )

    def _campus(self, key: str, url: str, secret: str) -> OutcomeService:
        consumer = LtiConsumer.objects.create(
            consumer_name=f"{key.title()} University", consumer_key=key, consumer_secret=secret.format(key=key)
        )
        return OutcomeService.objects.create(lis_outcome_service_url=url, lti_consumer=consumer)


def _course(user: Any) -> CourseKey:
    return COURSE if user.pk <= LEARNERS_NOW else OLD_COURSE

"""Tables of the LTI provider."""

from django.conf import settings
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField, UsageKeyField


class LtiConsumer(models.Model):
    """A campus."""

    consumer_name = models.CharField(max_length=255, unique=True)
    consumer_key = models.CharField(max_length=32, unique=True)
    consumer_secret = models.CharField(max_length=32, unique=True)
    instance_guid = models.CharField(max_length=255, null=True, unique=True)
    require_user_account = models.BooleanField(default=False)
    use_lti_pii = models.BooleanField(default=False)


class OutcomeService(models.Model):
    """An address of a campus."""

    lis_outcome_service_url = models.CharField(max_length=255, unique=True)
    lti_consumer = models.ForeignKey(LtiConsumer, on_delete=models.CASCADE)


class GradedAssignment(models.Model):
    """A learner's grade at a campus."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course_key = CourseKeyField(max_length=255, db_index=True)
    usage_key = UsageKeyField(max_length=255, db_index=True)
    outcome_service = models.ForeignKey(OutcomeService, on_delete=models.CASCADE)
    lis_result_sourcedid = models.CharField(max_length=255, db_index=True)
    version_number = models.IntegerField(default=0)

    class Meta:
        unique_together = ("outcome_service", "lis_result_sourcedid")


class LtiUser(models.Model):
    """A learner as a campus names them."""

    lti_consumer = models.ForeignKey(LtiConsumer, on_delete=models.CASCADE)
    lti_user_id = models.CharField(max_length=255)
    edx_user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    class Meta:
        unique_together = ("lti_consumer", "lti_user_id")

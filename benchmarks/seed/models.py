"""Who is graded for what, and where the grade goes."""

from __future__ import annotations

from django.db import models


class LtiConsumer(models.Model):
    """A campus."""

    consumer_name = models.CharField(max_length=255, unique=True)
    consumer_key = models.CharField(max_length=32, unique=True)
    consumer_secret = models.CharField(max_length=32)
    instance_guid = models.CharField(max_length=255, null=True, blank=True, unique=True)


class OutcomeService(models.Model):
    """Where a campus takes grades."""

    lis_outcome_service_url = models.CharField(max_length=255, unique=True)
    lti_consumer = models.ForeignKey(LtiConsumer, on_delete=models.CASCADE)


class GradedAssignment(models.Model):
    """A learner's grade for one block of a course."""

    user_id = models.BigIntegerField(db_index=True)
    course_id = models.CharField(max_length=255, db_index=True)
    usage_id = models.CharField(max_length=255, db_index=True)
    outcome_service = models.ForeignKey(OutcomeService, on_delete=models.CASCADE)
    lis_result_sourcedid = models.CharField(max_length=255, db_index=True)
    version_number = models.IntegerField()

    class Meta:
        unique_together = (("outcome_service", "lis_result_sourcedid"),)


class Score(models.Model):
    """What the learning platform itself knows: a learner's points for one problem."""

    user_id = models.BigIntegerField()
    course_id = models.CharField(max_length=255)
    usage_id = models.CharField(max_length=255)
    points_earned = models.FloatField()
    points_possible = models.FloatField()

    class Meta:
        unique_together = (("user_id", "course_id", "usage_id"),)

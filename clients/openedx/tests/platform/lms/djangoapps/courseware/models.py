"""The state of learners in problems."""

from django.conf import settings
from django.db import models
from opaque_keys.edx.django.models import LearningContextKeyField, UsageKeyField


class StudentModule(models.Model):
    """One learner's state and raw score of one block."""

    module_type = models.CharField(max_length=32, default="problem")
    module_state_key = UsageKeyField(max_length=255, db_column="module_id")
    student = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    course_id = LearningContextKeyField(max_length=255, db_index=True)
    state = models.TextField(null=True)
    grade = models.FloatField(null=True, db_index=True)
    max_grade = models.FloatField(null=True)
    modified = models.DateTimeField(db_index=True)

    class Meta:
        unique_together = ("student", "module_state_key", "course_id")

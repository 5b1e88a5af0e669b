"""Learners under other names."""

from django.conf import settings
from django.db import models
from opaque_keys.edx.django.models import LearningContextKeyField


class AnonymousUserId(models.Model):
    """The name of a learner in one course, in the submissions app among others."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    anonymous_user_id = models.CharField(unique=True, max_length=32)
    course_id = LearningContextKeyField(max_length=255, db_index=True, blank=True)

    class Meta:
        app_label = "student"

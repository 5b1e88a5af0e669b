"""How far the deletion of a learner has got."""

from django.conf import settings
from django.db import models


class RetirementState(models.Model):
    """A step."""

    state_name = models.CharField(max_length=30, unique=True)


class UserRetirementStatus(models.Model):
    """The step of one learner."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    current_state = models.ForeignKey(RetirementState, on_delete=models.CASCADE)
    modified = models.DateTimeField()

"""A substitute for the platform's package of this name."""

from common.djangoapps.student.models.user import AnonymousUserId

__all__ = ["AnonymousUserId"]

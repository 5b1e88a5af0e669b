"""Django's settings, for processes that :mod:`benchmarks.seed.measure` starts: it hands them the database's URL."""

from __future__ import annotations

import os

from psycopg.conninfo import conninfo_to_dict

_place = conninfo_to_dict(os.environ["SEED_DATABASE"])

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _place.pop("dbname"),
        "USER": _place.pop("user", ""),
        "PASSWORD": _place.pop("password", ""),
        "HOST": _place.pop("host", ""),
        "PORT": _place.pop("port", ""),
        "OPTIONS": _place,
        # Seconds; Celery needs a setting of its own as well: see worker.py.
        "CONN_MAX_AGE": 600,
    }
}
INSTALLED_APPS = ["benchmarks.seed"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

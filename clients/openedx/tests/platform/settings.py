"""Settings of a project that has the platform's substitutes, made by the real plugin machinery."""

import os
from typing import Any

from edx_django_utils.plugins import add_plugins, get_plugin_apps
from openedx_events.learning import signals

# A release of the platform that is older than its event of a launch, for the tests.
vars(signals).pop(os.environ.get("PLATFORM_WITHOUT"), None)
PROJECT = os.environ.get("PLATFORM_PROJECT", "lms.djangoapp")
SECRET_KEY = "only for tests"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
_SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": os.environ.get("PLATFORM_DATABASE", ":memory:"),
    "OPTIONS": {"timeout": 60},
}


def _mariadb(port: str) -> dict[str, Any]:
    """As Tutor sets it, on the test's own server."""
    import pymysql  # noqa: PLC0415 - not where SQLite is the database

    pymysql.install_as_MySQLdb()
    return {
        "ENGINE": "django.db.backends.mysql",
        "NAME": os.environ.get("PLATFORM_DATABASE", "openedx"),
        "HOST": "127.0.0.1",
        "PORT": port,
        "USER": "root",
        "ATOMIC_REQUESTS": True,
        "OPTIONS": {
            "init_command": "SET sql_mode='STRICT_TRANS_TABLES'",
            "charset": "utf8mb4",
            "isolation_level": "repeatable read",
        },
    }


_PORT = os.environ.get("PLATFORM_MARIADB")
DATABASES = {"default": _mariadb(_PORT) if _PORT else _SQLITE}
# On MariaDB a migration of edx-submissions alters a column that is not there, so its models make the tables.
MIGRATION_MODULES = {"submissions": None}
LTI_CUSTOM_PARAMS = ["custom_of_the_site"]
LTI_AGGREGATE_SCORE_PASSBACK_DELAY = 900
_PLATFORM = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "submissions",
    "common.djangoapps.student",
    "lms.djangoapps.courseware",
    "openedx.core.djangoapps.content.course_overviews",
    "openedx.core.djangoapps.user_api",
    "openedx.core.djangoapps.plugins",
]
_LTI = ["lms.djangoapps.lti_provider"] if PROJECT == "lms.djangoapp" else []
_PLUGINS = get_plugin_apps(PROJECT)
INSTALLED_APPS = _PLATFORM + (_PLUGINS + _LTI if os.environ.get("PLUGIN_FIRST") else _LTI + _PLUGINS)

add_plugins(__name__, PROJECT, "common")
# What a site's own settings say, after those of the plugins.
PASSBACKD_REDIS_URL = os.environ.get("PASSBACKD_REDIS_URL")
PASSBACKD_REPLACES_LTI_PROVIDER = bool(os.environ.get("PASSBACKD_REPLACES"))
add_plugins(__name__, PROJECT, "production")

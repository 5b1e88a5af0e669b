"""Settings of a project that has the platform's substitutes, made by the real plugin machinery."""

import os

from edx_django_utils.plugins import add_plugins, get_plugin_apps

PROJECT = os.environ.get("PLATFORM_PROJECT", "lms.djangoapp")
SECRET_KEY = "only for tests"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("PLATFORM_DATABASE", ":memory:"),
        "OPTIONS": {"timeout": 60},
    }
}
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

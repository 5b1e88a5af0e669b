"""
A site of the platform's substitutes: one course, some campuses, and tasks that pass grades on as the platform's do.

``PLATFORM_DATABASE``: its SQLite file. ``SITE_BROKER_URL``: the Redis in which tasks wait, if any are made.
``SITE_SETTINGS``: a file of Python with what the operator has set.
"""

import os
from pathlib import Path

from settings import *  # noqa: F403 - as a site's own settings begin
from settings import DATABASES, INSTALLED_APPS

# Another process may write between the first read and the first write of a transaction.
DATABASES["default"]["OPTIONS"]["transaction_mode"] = "IMMEDIATE"
INSTALLED_APPS += ["campus_work"]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"openedx_passbackd": {"level": "INFO"}},
}
SITE_BROKER_URL = os.environ.get("SITE_BROKER_URL")
LTI_AGGREGATE_SCORE_PASSBACK_DELAY = 3
exec(compile(Path(os.environ["SITE_SETTINGS"]).read_text(), "the operator's settings", "exec"))

"""The Celery app; Celery itself sets Django up in the worker, and then finds ``tasks``."""

from __future__ import annotations

import os

from celery import Celery

# Celery's command line looks for an app in a module.
app = Celery("seed", broker=os.environ["SEED_BROKER"], task_ignore_result=True)
if os.environ["SEED_TUNED"]:
    # Celery closes the connection to PostgreSQL after each task, whatever Django's CONN_MAX_AGE says; this keeps it.
    app.conf.CELERY_DB_REUSE_MAX = 1000
app.autodiscover_tasks()

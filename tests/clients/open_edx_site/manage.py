"""``manage.py lms COMMAND``: as the platform's own, which wants the name of the service first."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

HERE = Path(__file__).resolve().parent
PLATFORM = HERE.parents[2] / "clients/openedx/tests/platform"

if __name__ == "__main__":
    script, service, *arguments = sys.argv
    os.environ["PLATFORM_PROJECT"] = f"{service}.djangoapp"
    os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
    sys.path[:0] = [str(HERE), str(PLATFORM)]
    execute_from_command_line([script, *arguments])

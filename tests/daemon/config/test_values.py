"""The types of values that are more than numbers and words."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from daemon.config import zone


def test_the_local_time_zone_is_that_of_the_machine():
    moment = datetime(2026, 7, 1, tzinfo=UTC)
    assert zone("local") is None
    assert zone("Europe/Berlin") == ZoneInfo("Europe/Berlin")
    assert moment.astimezone(zone("Europe/Berlin")).hour == 2

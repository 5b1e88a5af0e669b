"""What of a configuration that is read anew takes effect, and what waits for a restart."""

from daemon.config import Config
from daemon.config.reload import LIVE, differences, merged
from daemon.config.sections import LogSection, OutcomesSection, WebSection, keys

OLD = Config()
NEW = Config(
    outcomes=OutcomesSection(max_per_campus=8, timeout_seconds=5),
    log=LogSection(level="debug"),
    web=WebSection(port=1234),
)


def test_what_can_change_is_separated_from_what_cannot():
    assert differences(OLD, NEW) == (
        ["outcomes.max_per_campus", "log.level"],
        ["outcomes.timeout_seconds", "web.port"],
    )
    assert differences(OLD, OLD) == ([], [])
    assert set(keys()) > LIVE


def test_what_cannot_change_stays():
    taken = merged(OLD, NEW)
    assert taken.outcomes == OutcomesSection(max_per_campus=8)
    assert taken.log.level == "debug"
    assert taken.web == OLD.web

"""A configuration that is read anew: what takes effect, what waits for a restart, and a wrong one."""

from __future__ import annotations

import pytest

from daemon.config import Config, ConfigError, Fault
from daemon.config.sections import Log, Outcomes, Web, keys
from daemon.notify import Notifier
from daemon.reload import LIVE, Reloader, differences, merged

OLD = Config()
NEW = Config(outcomes=Outcomes(max_per_campus=8, timeout_seconds=5), log=Log(level="debug"), web=Web(port=1234))


class Noted(Notifier):
    def __init__(self):
        super().__init__(None)
        self.told = []

    def _tell(self, *lines):
        self.told.append(lines[0])


def test_what_can_change_is_told_from_what_cannot():
    assert differences(OLD, NEW) == (
        ["outcomes.max_per_campus", "log.level"],
        ["outcomes.timeout_seconds", "web.port"],
    )
    assert differences(OLD, OLD) == ([], [])
    assert set(keys()) > LIVE


def test_what_cannot_change_stays():
    taken = merged(OLD, NEW)
    assert taken.outcomes == Outcomes(max_per_campus=8)
    assert taken.log.level == "debug"
    assert taken.web == OLD.web


def test_a_second_reload_compares_with_the_first():
    configs, adopted = [NEW, NEW, OLD], []
    told = Noted()
    reloader = Reloader(OLD, lambda: configs.pop(0), adopted.append, told)
    for _ in range(3):
        reloader.reload()
    assert [config.outcomes.max_per_campus for config in adopted] == [8, 4]
    assert told.told == ["RELOADING=1", "READY=1"] * 3


def test_whatever_goes_wrong_the_supervisor_is_told_and_nothing_changes():
    def broken():
        raise PermissionError("no look into that folder")

    adopted, told = [], Noted()
    Reloader(OLD, broken, adopted.append, told).reload()
    assert (adopted, told.told) == ([], ["RELOADING=1", "READY=1"])


@pytest.mark.parametrize("faults", [1, 2])
def test_a_wrong_one_changes_nothing_and_the_supervisor_is_not_left_waiting(faults):
    def wrong():
        raise ConfigError([Fault("web.port", "config.toml", "is no port")] * faults)

    adopted, told = [], Noted()
    Reloader(OLD, wrong, adopted.append, told).reload()
    assert adopted == []
    assert told.told == ["RELOADING=1", "READY=1"]

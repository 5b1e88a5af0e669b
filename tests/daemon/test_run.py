"""Running the loops until the stop; a configuration that is read anew, and a wrong one."""

import asyncio

import pytest

from daemon.config import Config, ConfigError, ConfigFault
from daemon.config.sections import LogSection, OutcomesSection, WebSection
from daemon.infra.loop import Loop
from daemon.infra.stop import Stop
from daemon.run import Reloader, run_loops
from tests.daemon.doubles import NotedNotifier

OLD = Config()
NEW = Config(
    outcomes=OutcomesSection(max_per_campus=8, timeout_seconds=5),
    log=LogSection(level="debug"),
    web=WebSection(port=1234),
)


async def sleeps(stop: Stop) -> None:
    await stop.sleep(60)


async def test_a_loop_that_dies_ends_the_others_and_says_of_what():
    async def dies(stop: Stop) -> None:
        raise ValueError("a bug")

    stop = Stop()
    with pytest.raises(ValueError, match="a bug"):
        await run_loops([Loop("a", sleeps), Loop("b", dies)], stop)
    assert stop.is_set()


async def test_a_loop_that_hangs_in_a_lost_server_is_left_behind_and_not_cancelled():
    release, ended = asyncio.Event(), []

    async def hangs(stop: Stop) -> None:
        await release.wait()
        ended.append("in its own time")

    stop = Stop()
    stop.set()
    loop = asyncio.create_task(run_loops([Loop("a", hangs)], stop, patience=0.01))
    await loop
    assert ended == []


def test_a_reload_changes_what_can_change_and_compares_with_the_one_before():
    configs, adopted = [NEW, NEW, OLD], []
    notifier = NotedNotifier()
    reloader = Reloader(OLD, lambda: configs.pop(0), adopted.append, notifier)
    for _ in range(3):
        reloader.reload()
    assert [config.outcomes for config in adopted] == [OutcomesSection(max_per_campus=8), OLD.outcomes]
    assert [(config.log.level, config.web) for config in adopted] == [("debug", OLD.web), ("info", OLD.web)]
    assert notifier.sent == ["RELOADING=1", "READY=1"] * 3


@pytest.mark.parametrize(
    "error",
    [
        PermissionError("the folder may not be read"),
        ConfigError([ConfigFault("web.port", "config.toml", "is no port")] * 2),
    ],
    ids=repr,
)
def test_a_reload_that_fails_changes_nothing_and_the_supervisor_does_not_wait(error):
    def fails():
        raise error

    adopted, notifier = [], NotedNotifier()
    Reloader(OLD, fails, adopted.append, notifier).reload()
    assert (adopted, notifier.sent) == ([], ["RELOADING=1", "READY=1"])

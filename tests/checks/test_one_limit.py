"""The check finds limits of concurrency wherever a number can be written."""

import pytest

from tests.checks.one_limit import found


@pytest.mark.parametrize(
    "line",
    [
        "WINDOW = 4096",
        "CAMPUSES_AT_ONCE: int = 4 * 8",
        "turn = asyncio.Semaphore(32)",
        "pool = ThreadPoolExecutor(max_workers=SOME)",
        "def send(*, max_connections: int = 200): ...",
        "def send(first, window=8, /): ...",
        "class Settings:\n    max_per_campus: int = 4",
    ],
)
def test_a_number_that_limits_is_found(tmp_path, line):
    module = tmp_path / "actors" / "sender.py"
    module.parent.mkdir()
    module.write_text(line)
    (fault,) = found(tmp_path)
    assert fault.startswith(f"actors/sender.py:{len(line.splitlines())}: ")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("models/campus.py", "MAX_IN_FLIGHT = 1"),
        ("daemon/config/sections.py", "max_connections: int = 200"),
        ("actors/sender.py", "turn = asyncio.Semaphore(config.outcomes.max_connections)"),
        ("actors/sender.py", "def send(*, max_connections: int): ..."),
        ("actors/sender.py", "BYTES = 4096"),
    ],
)
def test_what_is_defined_in_its_place_or_derived_is_left_alone(tmp_path, path, line):
    module = tmp_path / path
    module.parent.mkdir(parents=True)
    module.write_text(line)
    assert list(found(tmp_path)) == []

"""The checks find a public name that is defined twice, and a number that limits what is done at once."""

import pytest

from tests.checks.one_definition import repeated
from tests.checks.one_limit import found


@pytest.fixture
def write(tmp_path):
    def write(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    return write


def test_classes_functions_and_constants_of_one_name_are_found_with_their_modules(tmp_path, write):
    write("actors/a.py", "class Result: ...\ndef classify(): ...\nMAX = 1\n")
    write("daemon/sub/b.py", "Result = int\nasync def classify(): ...\nMAX: int = 2\nFIRST, classify = 1, 2\n")
    both = ["actors/a.py", "daemon/sub/b.py"]
    assert repeated(tmp_path) == {"MAX": both, "Result": both, "classify": both}


def test_private_imported_and_inner_names_are_not(tmp_path, write):
    write("actors/a.py", "def run(): ...\ndef _help(): ...\nclass A:\n    def close(self): ...\n")
    write("models/b.py", "from actors.a import run\ndef _help(): ...\nclass B:\n    def close(self): ...\n")
    assert repeated(tmp_path) == {}


def test_versions_of_lti_may_have_the_same_names_in_modules_of_the_same_name(tmp_path, write):
    write("actors/protocols/lti11/a.py", "def classify(): ...\ndef other(): ...\n")
    write("actors/protocols/lti13/a.py", "def classify(): ...\n")
    write("actors/protocols/lti13/b.py", "def other(): ...\n")
    assert list(repeated(tmp_path)) == ["other"]


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
def test_a_number_that_limits_is_found(tmp_path, write, line):
    write("actors/sender.py", line)
    (fault,) = found(tmp_path)
    assert fault.startswith(f"actors/sender.py:{len(line.splitlines())}: ")


def test_limits_that_are_defined_in_their_place_or_derived_are_left_alone(tmp_path, write):
    write("models/campus.py", "MAX_IN_FLIGHT = 1")
    write("daemon/config/sections.py", "max_connections: int = 200")
    turn = "turn = asyncio.Semaphore(config.outcomes.max_connections)"
    write("actors/sender.py", f"{turn}\ndef send(*, max_connections: int): ...\nBYTES = 4096")
    assert list(found(tmp_path)) == []

"""The check finds a public name in two modules, and only that."""

import pytest

from tests.checks.one_definition import repeated


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

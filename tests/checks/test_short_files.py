"""The check finds source files that are too long."""

import pytest

from tests.checks.short_files import FOLDERS, MAX_LINES, too_long


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_with_a_line_too_many_is_found_with_its_length(tmp_path, folder):
    (tmp_path / folder / "sub").mkdir(parents=True)
    (tmp_path / folder / "sub" / "full.py").write_text("\n" * MAX_LINES)
    (tmp_path / folder / "sub" / "long.py").write_text("\n" * MAX_LINES + "end")
    (tmp_path / folder / "sub" / "long.json").write_text("\n" * 9_999)
    assert list(too_long(tmp_path)) == [
        f"{folder}/sub/long.py has 300 lines: divide it by concept, so that each file has at most 299"
    ]


def test_code_outside_these_folders_is_left_alone(tmp_path):
    for folder in (".venv", "clients/typescript/node_modules"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "long.mjs").write_text("\n" * 9_999)
    assert list(too_long(tmp_path)) == []

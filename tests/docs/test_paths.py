"""Where the pages say that something is in the project, it is there."""

import re

import pytest

from tests.checks.one_definition import ROOT

PATH = re.compile(r"`((?:actors|benchmarks|daemon|deploy|docs|models|tests)/[\w./-]+)`")
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page):
    assert [path for path in PATH.findall(page.read_text()) if not (ROOT / path).exists()] == []

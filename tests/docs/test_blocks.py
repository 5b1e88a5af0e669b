"""The blocks of the pages are found, what is not run is listed here with its reason, and each path exists."""

import re

import pytest

from tests.docs.blocks import BACKGROUND, NOT_RUN, SAYS, Block, PageError, blocks
from tests.docs.docs_runner import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
#: What is not a command: layouts, drawings, files.
NOT_COMMANDS = ("", "yaml", "mermaid", "nginx")
PATH = re.compile(r"`((?:actors|benchmarks|clients|daemon|deploy|docs|models|tests)/[\w./-]+)`")


def test_a_block_has_its_language_its_line_and_its_comments():
    page = "# Title\n\n<!-- says: a -->\n<!-- says: b: c -->\n```sh\nls\n\npwd\n```\n\n```\nnot a command\n```\n"
    assert blocks(page) == [Block("sh", "ls\n\npwd\n", 5, {SAYS: ["a", "b: c"]}), Block("", "not a command\n", 11)]
    assert blocks(page)[0].wish(SAYS) == "a"
    assert blocks(page)[0].wish(BACKGROUND) is None


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<!-- sais: a -->\n```sh\nls\n```\n", "line 1: the comment 'sais' is unknown"),
        ("<!-- says: a -->\n\n```sh\nls\n```\n", "line 2: a comment about a block, and no block"),
        ("x\n```sh\nls\n", "line 2: the block does not end"),
    ],
)
def test_a_slip_in_a_page_is_named(page, words):
    with pytest.raises(PageError, match=words):
        blocks(page)


def test_what_is_not_run_is_known_with_its_reason():
    not_run = {
        (str(page.relative_to(ROOT)), block.text.splitlines()[0]): block.wish(NOT_RUN)
        for page in PAGES
        for block in blocks(page.read_text())
        if block.wish(NOT_RUN) is not None
    }
    assert not_run == {
        ("README.md", "make test    # lint, types, import contracts and all tests, on real servers"): (
            "it is what runs them"
        ),
        ("README.md", 'pipx install "$(echo dist/passbackd-*.whl)[embedded]"'): (
            "tests/deploy types the same in docs/install.md"
        ),
        ("docs/install.md", "make dist"): "tests/deploy builds them once for all its tests",
        ("docs/install.md", "cd dist"): "no container can be run there; tests/deploy runs the image's own commands",
        ("docs/install.md", "sudo make install"): (
            "it needs root and systemd; tests/deploy does the same on a machine of its own"
        ),
        ("docs/install.md", "sudo mkdir -p /etc/systemd/system/passbackd.service.d"): "as above",
        ("docs/operate.md", "redis-cli RENAME passback:events passback:events:put-aside"): (
            "it puts the events of a live stream aside"
        ),
        ("docs/open-edx.md", "python clients/openedx/tests/check_platform.py /path/to/edx-platform"): (
            "it wants a checkout of the platform"
        ),
        ("docs/releasing.md", "make test"): "it is what runs them",
        ("docs/releasing.md", "git clone --quiet --branch v1.2.3 . ../passbackd-1.2.3"): (
            "tests/deploy builds what it builds, once for all its tests"
        ),
        ("docs/releasing.md", "git push --atomic origin main v1.2.3"): "it publishes",
        ("docs/releasing.md", ".venv/bin/uv publish dist/*.whl dist/*.tar.gz"): "it publishes",
    }


def test_every_block_is_run_or_says_why_not():
    for page in PAGES:
        for block in blocks(page.read_text()):
            runs = block.language in ("sh", "bash", "python")
            assert runs or block.wish(NOT_RUN) or block.language in NOT_COMMANDS, f"{page}, line {block.line}"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page):
    assert [path for path in PATH.findall(page.read_text()) if not (ROOT / path).exists()] == []

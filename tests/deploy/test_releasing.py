"""The steps of a release do what docs/releasing.md says, word for word, and refuse what would be a wrong release."""

import os
import shutil
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path

import pytest

from deploy.release.changelog import release_notes
from deploy.release.versions import PLACES, set_version
from tests.docs.blocks import NOT_RUN, blocks
from tests.docs.docs_runner import ROOT

CHANGELOG = """\
# Changelog

## [Unreleased]

### Upgrade

- Run this first:

  ```sh
  # with the new release
  passbackd migrate
  ```

### Fixed

- A fault.

## [1.2.0] - 2026-11-01

### Upgrade

Nothing.
"""
ACCOUNT = {f"GIT_{role}_{what}": "t@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Checkout:
    """What the steps need of a checkout, after the release 1.2.0, with some changes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in (
            *PLACES,
            "Makefile",
            *(f"deploy/release/{path.name}" for path in ROOT.glob("deploy/release/*.py")),
        ):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
        set_version(root, "1.2.1")
        self.changelog.write_text(CHANGELOG)
        (root / ".gitignore").write_text("__pycache__/\n")
        for words in ("init --quiet --initial-branch=main", "add .", "commit --quiet --message=all", "tag v1.2.0"):
            self.type(f"git {words}")

    @property
    def changelog(self) -> Path:
        return self.root / "CHANGELOG.md"

    def type(self, text: str) -> str:
        """What commands print that succeed."""
        code, said = self.run(text)
        assert code == 0, said
        return said

    def run(self, text: str) -> tuple[int, str]:
        """Exit code and output of commands."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "GIT_"))}
        done = subprocess.run(
            ["sh", "-eu"],
            input=text,
            cwd=self.root,
            env={**clean, **ACCOUNT, "PYTHON": sys.executable, "HOME": str(self.root.parent)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


def test_the_steps_of_the_page_print_what_it_says_and_tag_the_changelogs_section(checkout):
    page = blocks((ROOT / "docs/releasing.md").read_text())
    typed = 0
    for block, following in zip_longest(page, page[1:]):
        if block.language != "sh" or block.wish(NOT_RUN) is not None:
            continue
        printed = following.text if following is not None and following.language == "" else ""
        assert checkout.type(block.text) == printed, f"docs/releasing.md, line {block.line}"
        typed += 1
    assert typed == 6
    notes = release_notes(checkout.changelog.read_text(), "1.2.3")
    assert "# with the new release" in notes
    assert checkout.type("git tag --list --format='%(contents)' v1.2.3").strip("\n") == notes
    assert checkout.type("git cat-file -t v1.2.3") == "tag\n", "an annotated one"
    assert checkout.type("git log --format=%s v1.2.3~1..") == "Begin 1.2.4\nRelease 1.2.3\n"
    assert checkout.type("make version") == "1.2.4\n"


@pytest.mark.parametrize(
    ("before", "step", "said"),
    [
        ("", "make version VERSION=1.2.0", "1.2.0 is released: the next version has to be newer"),
        ("", "make version VERSION=1.3", "'1.3' is no version: write three numbers"),
        (
            "sed -i 's/1.2.1/1.2.2/' clients/tutor/pyproject.toml",
            "make release",
            "clients/tutor/pyproject.toml: version",
        ),
        ("sed -i '0,/### Upgrade/s//### Changed/' CHANGELOG.md", "make release", "has no '### Upgrade' with what"),
        ("sed -i '5,16d' CHANGELOG.md", "make release", "nothing to release below '## [Unreleased]'"),
        ("git tag v1.1.9", "make release", "the tag v1.1.9: no section '## [1.1.9] - YYYY-MM-DD'"),
        ("make release; git commit -qam R; sed -i '3a - B.' CHANGELOG.md", "make tag", "there are changes since"),
        (
            "make release; git commit -qam R",
            "make release",
            "1.2.1 is released: `make version VERSION=...` sets the next",
        ),
        ("", "make tag", "no section '## [1.2.1] - YYYY-MM-DD'"),
        ("make release", "make tag", "commit this first, a tag is of a commit:\n M CHANGELOG.md"),
        (
            "make release; git commit -qam R; make tag",
            "make tag",
            "there is a tag v1.2.1: a release is never made anew",
        ),
    ],
)
def test_a_step_that_would_make_a_wrong_release_is_refused_and_changes_nothing(checkout, before, step, said):
    checkout.type(before)
    state = "git status --porcelain; git diff; git tag"
    earlier = checkout.type(state)
    code, printed = checkout.run(step)
    assert code != 0
    assert said in printed
    assert checkout.type(state) == earlier


def test_a_source_without_its_repository_is_checked_too(checkout):
    shutil.rmtree(checkout.root / ".git")
    said = checkout.type("$PYTHON -m deploy.release.steps check")
    assert said == "version 1.2.1 is in all places, and the changelog is in its form\n"

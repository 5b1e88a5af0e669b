"""The release before is the newest tag that a commit follows, and a clone that lacks it is named as such."""

import os
import subprocess

import pytest

from tests.blackbox.release_before import HistoryError, release_before

ACCOUNT = {f"GIT_{role}_{what}": "t@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Clone:
    """A repository of commits without files."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words):
        done = subprocess.run(
            ("git", *words), cwd=self.folder, env={**os.environ, **ACCOUNT}, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, *tags):
        self.git("commit", "--quiet", "--allow-empty", "--message=a commit")
        for name in tags:
            self.git("tag", "--annotate", f"--message={name}", name)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path / "clone")


def test_while_there_was_no_release_it_is_the_first_commit_that_is_given(clone):
    first = clone.commit()
    clone.commit()
    assert release_before(clone.folder, [], "0.1.0", first=first) == first


def test_it_is_the_newest_release_by_its_number_and_not_one_of_this_commit_or_of_another_branch(clone):
    clone.commit("v0.9.0")
    clone.commit("v0.10.0", "varied")
    clone.git("switch", "--quiet", "--create", "other")
    clone.commit("v0.11.0")
    clone.git("switch", "--quiet", "main")
    clone.commit("v0.12.0")
    assert release_before(clone.folder, ["0.12.0", "0.10.0", "0.9.0"], "0.12.0") == "v0.10.0"
    clone.commit()
    assert release_before(clone.folder, ["0.12.0", "0.10.0", "0.9.0"], "0.12.1") == "v0.12.0"


def test_a_clone_without_tags_is_named_with_the_cure(clone, tmp_path):
    clone.commit("v0.1.0")
    clone.commit()
    bare = Clone(tmp_path / "bare")
    bare.git("fetch", "--quiet", "--no-tags", str(clone.folder), "main")
    bare.git("reset", "--quiet", "--hard", "FETCH_HEAD")
    with pytest.raises(HistoryError, match=r"has 0\.1\.0 as released, and no commit .* `git fetch --tags` brings it"):
        release_before(bare.folder, ["0.1.0"], "0.2.0")


def test_a_shallow_clone_is_named_with_the_cure(clone, tmp_path):
    clone.commit("v0.1.0")
    clone.commit()
    clone.git("clone", "--quiet", "--depth=1", clone.folder.as_uri(), str(tmp_path / "shallow"))
    with pytest.raises(HistoryError, match="this clone is shallow: `git fetch --unshallow --tags` brings"):
        release_before(tmp_path / "shallow", ["0.1.0"], "0.2.0")


def test_a_clone_without_the_first_commit_and_a_folder_that_is_no_clone_are_named(clone, tmp_path):
    clone.commit()
    clone.commit()
    with pytest.raises(HistoryError, match="needs a whole clone, with its tags"):
        release_before(clone.folder, [], "0.1.0", first="0" * 40)
    (tmp_path / "source").mkdir()
    with pytest.raises(HistoryError, match="needs a whole clone, with its tags"):
        release_before(tmp_path / "source", [], "0.1.0")

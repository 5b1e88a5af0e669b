"""Which release came before this commit, for the test that upgrades it."""

import subprocess
from pathlib import Path

#: What serves as the release before, while there is none.
FIRST = "09f4e44bee73a81e6c5a416153f780ed55ca0972"


class HistoryError(Exception):
    """The release before is not in this clone; the text says how to fetch it."""


def release_before(root: Path, released: list[str], version: str, *, first: str = FIRST) -> str:
    """
    The newest tag of a release that the commit at HEAD follows; while there was no release, the commit *first*.

    Args:
        root: The clone.
        released: The versions that the changelog has sections of, the newest one first.
        version: The project's own.

    Raises:
        HistoryError: The clone lacks it, as one that is shallow or was made without tags does.
    """
    if _git(root, "rev-parse", "--is-shallow-repository").strip() != "false":
        raise HistoryError(
            "this clone is shallow: `git fetch --unshallow --tags` brings the release before this commit"
        )
    followed = _git(root, "tag", "--list", "v[0-9]*", "--merged", "HEAD^", "--sort=-version:refname").split()
    before = [f"v{number}" for number in released if number != version]
    if before and before[0] not in followed:
        raise HistoryError(
            f"the changelog has {before[0][1:]} as released, and no commit before this one has the tag {before[0]}: "
            "`git fetch --tags` brings it, or `make tag` was forgotten"
        )
    found = followed[0] if followed else first
    _git(root, "rev-parse", "--verify", "--quiet", f"{found}^{{commit}}")
    return found


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(("git", *words), cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HistoryError(
            f"no release before this one: `git {' '.join(words)}` failed ({done.stderr.strip() or done.returncode}); "
            "the test of an upgrade needs a whole clone, with its tags"
        )
    return done.stdout

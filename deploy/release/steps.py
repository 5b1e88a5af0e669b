"""
The steps of a release that change the checkout, each a call of ``make``: docs/releasing.md has them in their order.

They need nothing but Python, so that no environment has to fit the version which they set.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from deploy.release.changelog import form_faults, release_notes, releases, version_order_faults, with_release
from deploy.release.versions import PLACES, numbers, project_version, set_version, version_faults

CHANGELOG = "CHANGELOG.md"


class ReleaseError(Exception):
    """A step that cannot be made; the text says why, and what to do first."""


def faults(root: Path) -> Iterator[str]:
    """What contradicts itself about versions: files, changelog, and the tags that this commit follows."""
    page = (root / CHANGELOG).read_text()
    found = [*version_faults(root), *(f"{CHANGELOG}:{fault}" for fault in form_faults(page))]
    yield from found
    if found:
        return  # what is compared has to be readable
    for fault in version_order_faults(page, project_version(root), tags(root)):
        yield f"{CHANGELOG}: {fault}"
    version = project_version(root)
    if f"v{version}" in tags(root) and f"v{version}" not in git(root, "tag", "--points-at", "HEAD").split():
        yield f"{version} is released, and this commit comes after it: `make version VERSION=...` sets the next one"


def tags(root: Path) -> list[str]:
    """Those of releases that this commit follows, or has; none in a source without its repository."""
    if not (root / ".git").exists():
        return []
    return git(root, "tag", "--list", "v[0-9]*", "--merged", "HEAD").split()


def check(root: Path) -> str:
    """
    Find no fault.

    Raises:
        ReleaseError: there are some.
    """
    if found := list(faults(root)):
        raise ReleaseError("\n".join(found))
    return f"version {project_version(root)} is in all places, and the changelog is in its form"


def change_version(root: Path, version: str | None) -> str:
    """
    Set the version everywhere; without one, say which it is.

    Raises:
        ReleaseError: it is none, or not newer than the newest release.
    """
    if version is None:
        return project_version(root)
    try:
        wanted = numbers(version)
    except ValueError as error:
        raise ReleaseError(str(error)) from error
    for release in releases((root / CHANGELOG).read_text())[:1]:
        if wanted <= numbers(release.version):
            raise ReleaseError(f"{release.version} is released: the next version has to be newer than that")
    set_version(root, version)
    return "\n  ".join((f"version {version} is in:", *PLACES))


def date_changelog(root: Path, today: date) -> str:
    """
    Make a release's section of what the changelog has as unreleased.

    Raises:
        ReleaseError: versions or changelog contradict themselves, or the version is released.
        ChangelogError: there is nothing to release, or it does not say what an upgrade needs.
    """
    check(root)
    version, path = project_version(root), root / CHANGELOG
    page = path.read_text()
    if any(release.version == version for release in releases(page)):
        raise ReleaseError(f"{version} is released: `make version VERSION=...` sets the next version")
    path.write_text(with_release(page, version, today))
    return f"{CHANGELOG} has a section of {version}: read it once more, commit it, then `make tag`"


def tag(root: Path) -> str:
    """
    Tag the commit as the release of its version, with the changelog's section as the message.

    Raises:
        ReleaseError: versions or changelog contradict themselves, or files are not committed, or there is the tag.
        ChangelogError: the changelog has no section of the version.
    """
    check(root)
    version = project_version(root)
    notes, name = release_notes((root / CHANGELOG).read_text(), version), f"v{version}"
    if changed := git(root, "status", "--porcelain"):
        raise ReleaseError(f"commit this first, a tag is of a commit:\n{changed}")
    if git(root, "tag", "--list", name):
        raise ReleaseError(f"there is a tag {name}: a release is never made anew, but followed by the next one")
    # Else git drops the headings, which it takes for comments.
    git(root, "tag", "--annotate", "--cleanup=verbatim", "--file=-", name, given=f"{notes}\n")
    return f"tagged {name}: `make reproducible` builds what is published with it"


def git(root: Path, *words: str, given: str | None = None) -> str:
    """
    What git prints, without white space at its end. *given*: its input.

    Raises:
        ReleaseError: it fails.
    """
    done = subprocess.run(("git", *words), cwd=root, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.rstrip()


def main(arguments: list[str], root: Path, today: date) -> str | None:
    """Print what a step has done. Returns what is wrong, for :func:`sys.exit`."""
    parser = argparse.ArgumentParser(prog="python -m deploy.release.steps")
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("version").add_argument("version", nargs="?")
    for name in ("check", "date", "tag"):
        steps.add_parser(name)
    asked = parser.parse_args(arguments)
    try:
        match asked.step:
            case "version":
                said = change_version(root, asked.version)
            case "date":
                said = date_changelog(root, today)
            case "tag":
                said = tag(root)
            case _:
                said = check(root)
    except (ReleaseError, ValueError) as error:
        return str(error)
    print(said)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).parents[2], datetime.now(UTC).date()))

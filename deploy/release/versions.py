"""
The version, in each file that has it.

That of ``pyproject.toml`` is the project's; the others repeat it, since a client is also built and installed from its
own folder alone.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

#: Of the one place.
PROJECT = "pyproject.toml"
_TOML = re.compile(r'(?m)^version = "([^"]*)"$')
_NPM = re.compile(r'"name": "passbackd-client",\n +"version": "([^"]*)"')
#: How the version is written, by file; a file may have it more than once.
PLACES = {
    PROJECT: _TOML,
    "clients/python/pyproject.toml": _TOML,
    "clients/openedx/pyproject.toml": _TOML,
    "clients/tutor/pyproject.toml": _TOML,
    "clients/typescript/package.json": _NPM,
    "clients/typescript/package-lock.json": _NPM,
}
#: A pattern of what a release is called.
NUMBERS = r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}"


def numbers(version: str) -> tuple[int, int, int]:
    """
    The three numbers of a release, to compare it with another one.

    Raises:
        ValueError: it is none that PyPI, npm and Debian read alike: three numbers, nothing before or after them.

    Spec: Semantic Versioning 2.0.0, 2.
    """
    if re.fullmatch(NUMBERS, version, re.ASCII) is None:
        raise ValueError(f"{version!r} is no version: write three numbers, as in 1.2.3")
    major, minor, patch = map(int, version.split("."))
    return major, minor, patch


def project_version(root: Path) -> str:
    """The version of the project in the folder *root*."""
    return str(tomllib.loads((root / PROJECT).read_text())["project"]["version"])


def version_faults(root: Path) -> Iterator[str]:
    """The files whose version is another one than the project's, or that have none, in words."""
    version = project_version(root)
    try:
        numbers(version)
    except ValueError as error:
        yield f"{PROJECT}: {error}"
    for name, written in PLACES.items():
        found = written.findall((root / name).read_text())
        if not found:
            yield f"{name}: no version where one is expected"
        elif set(found) != {version}:
            others = ", ".join(sorted(set(found)))
            yield f"{name}: version {others}, and {PROJECT} has {version}: `make version VERSION=...` sets all"


def set_version(root: Path, version: str) -> None:
    """
    Write it into every file that has one.

    Raises:
        ValueError: it is no version.
    """
    numbers(version)
    for name, written in PLACES.items():
        path = root / name
        path.write_text(written.sub(lambda found: found[0].replace(f'"{found[1]}"', f'"{version}"'), path.read_text()))

"""
Whether the packages ``daemon``, ``actors`` and ``models`` are passbackd's alone in this environment.

Others have the same names, and installers overwrite files without a word: the files of python-daemon, say, replace some
of passbackd's, and passbackd's some of its. Nothing of passbackd's is imported here, since that may already fail.
"""

import json
import re
import sys
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path

NAMES = ("daemon", "actors", "models")
_CURE = (
    "install passbackd in an environment of its own: `pipx install`, `uv tool install`, or the one file passbackd.pex"
)

#: A package, or a module of one file, at the top of the environment, as a line of a wheel's RECORD names it.
_TOP_LEVEL = re.compile(rf"^({'|'.join(NAMES)})(?:/|\.py,|\.[\w.-]+\.so,)", re.MULTILINE)
_WRONG = 2


def require_own_names(*, as_json: bool = False) -> None:
    """
    End the command with 2 where another distribution, or a folder of modules, has one of :data:`NAMES`.

    Args:
        as_json: Write the document of ``check --json`` in place of a line on standard error.
    """
    problem = _problem()
    if problem is None:
        return
    if as_json:
        finding = {"severity": "fault", "about": "environment", "problem": problem, "cure": _CURE}
        print(json.dumps({"ok": False, "findings": [finding]}, indent=2))  # noqa: T201 - before Typer is imported
    else:
        print(f"environment: {problem}; {_CURE}", file=sys.stderr)  # noqa: T201
    raise SystemExit(_WRONG)


def _problem() -> str | None:
    """What is wrong, in words; None where nothing is."""
    others = [f"{name} ({', '.join(sorted(owners))})" for name, owners in _other_owners().items()]
    if others:
        return f"{sys.prefix} has packages of the same names from other distributions: {', '.join(others)}"
    home = Path(__file__).resolve().parents[2]
    elsewhere = [str(place) for name in NAMES for place in _places(name) if place.resolve().parent != home]
    if elsewhere:
        return f"another package would be imported in place of passbackd's: {', '.join(elsewhere)}"
    return None


def _other_owners() -> dict[str, set[str]]:
    """The names of the other distributions that have each of :data:`NAMES`, if any have."""
    found: dict[str, set[str]] = {}
    for distribution in distributions():
        # Its name last, which takes longer to read than all else.
        for name in _top_level(distribution):
            owner = str(distribution.metadata["Name"] or "a distribution without a name")
            if owner != "passbackd":
                found.setdefault(name, set()).add(owner)
    return found


def _top_level(distribution: Distribution) -> set[str]:
    """
    Which of :data:`NAMES` a distribution has.

    As ``importlib.metadata.packages_distributions`` finds them, in a twentieth of its time.
    """
    listed = (distribution.read_text("top_level.txt") or "").split()
    return set(NAMES) & set(listed or _TOP_LEVEL.findall(distribution.read_text("RECORD") or ""))


def _places(name: str) -> list[Path]:
    """The folders or the file from which *name* would be imported."""
    spec = find_spec(name)
    if spec is None:
        return []
    folders = spec.submodule_search_locations
    return [Path(place) for place in (folders if folders is not None else [spec.origin or ""])]

"""``python -m tests.checks.one_definition``: fails if a public name is defined in two modules of the three packages."""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("actors", "daemon", "models")

#: Versions of LTI know nothing of each other: each may have a module of the same name, with the same names in it.
VERSIONS = re.compile(r"actors/protocols/lti\d+/")

#: Names that several modules define, and why that is no ambiguity.
EXCEPTIONS = {
    "log": "structlog's logger of a module",
    "main": "the entry point of a program",
    "app": "a group of commands",
    "EVERY": "the pause of a loop, in its own module",
    "Migration": "Tortoise's name for a step of the schema",
    "client_class": "Tortoise's name for the class of an engine",
}


def public_names(module: ast.Module) -> Iterator[str]:
    """What a module defines at its top level, without an underscore before it."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def repeated(root: Path = ROOT) -> dict[str, list[str]]:
    """The public names with more than one module, by name."""
    modules: dict[str, set[str]] = defaultdict(set)
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            for name in public_names(ast.parse(path.read_text())):
                if not name.startswith("_"):
                    modules[name].add(str(path.relative_to(root)))
    return {
        name: sorted(found)
        for name, found in sorted(modules.items())
        if len({VERSIONS.sub("", module) if VERSIONS.match(module) else f"/{module}" for module in found}) > 1
    }


def main() -> str | None:
    """What is wrong, for :func:`sys.exit`."""
    found = {name: modules for name, modules in repeated().items() if name not in EXCEPTIONS}
    return "\n".join(f"{name} is defined in {', '.join(modules)}" for name, modules in found.items()) or None


if __name__ == "__main__":
    sys.exit(main())

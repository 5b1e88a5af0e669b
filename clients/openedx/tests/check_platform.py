"""
``python check_platform.py CHECKOUT``: whether a checkout of the platform is what the substitutes in ``platform`` claim.

Reads the sources only, and ends with 1 where a name, an argument or a column is not where the contract has it.
"""

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONTRACT = Path(__file__).with_name("platform_contract.json")


def _definition(module: ast.Module, name: str) -> ast.stmt | None:
    """What defines *name* at the top of a module, an assignment included."""
    for node in module.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return node
        if isinstance(node, ast.Assign) and name in {ast.unparse(target) for target in node.targets}:
            return node
    return None


def _names(node: ast.stmt) -> set[str]:
    """The columns and methods of a class, or the arguments of a function."""
    if isinstance(node, ast.FunctionDef):
        arguments = node.args
        return {argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    found: set[str] = set()
    for statement in getattr(node, "body", []):
        if isinstance(statement, ast.FunctionDef):
            found.add(statement.name)
        elif isinstance(statement, ast.Assign):
            found |= {ast.unparse(target) for target in statement.targets}
    return found


def _sent(module: ast.Module, signal: str) -> set[str]:
    """The keyword arguments with which a module sends a signal, in whichever of its calls."""
    calls = {f"{signal}.send", f"{signal}.send_event"}
    return {
        keyword.arg
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(tuple(calls))
        for keyword in node.keywords
        if keyword.arg
    }


def differences(checkout: Path, contract: list[dict[str, Any]]) -> Iterator[str]:
    """What is not as the contract has it, a line each."""
    for claim in contract:
        path = checkout / claim["file"]
        where = f"{claim['file']}: {claim['symbol']}"
        if not path.is_file():
            yield f"{where}: there is no such file"
            continue
        module = ast.parse(path.read_text())
        if claim.get("sends"):
            found = _sent(module, claim["symbol"])
        elif (node := _definition(module, claim["symbol"])) is None:
            yield f"{where}: is not defined there"
            continue
        else:
            found = _names(node)
        yield from (f"{where}: has no {name}" for name in claim["names"] if name not in found)


def main() -> int:
    """The exit code."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    found = list(differences(Path(sys.argv[1]), json.loads(CONTRACT.read_text())))
    print("\n".join(found) or "the platform is as the plugin expects it")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

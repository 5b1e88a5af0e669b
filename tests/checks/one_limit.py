"""
``python -m tests.checks.one_limit``: fails if a number that limits how much is done at once is not a campus's or a
setting.

A limit that is derived from one of these is no number of its own.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.checks.one_definition import PACKAGES, ROOT

#: Where limits are defined.
ALLOWED = re.compile(r"models/campus\.py|daemon/config/.*")

#: What a limit is called, in a constant, a field or a parameter.
NAMES = re.compile(
    r"^WINDOW$|(^|_)(AT_ONCE|IN_FLIGHT|PROBES|CONCURREN\w*|PARALLEL\w*|POOL(_SIZE)?|WORKERS|THREADS|ACKNOWLEDGERS"
    r"|PER_CAMPUS|(MAX_)?CONNECTIONS|SIMULTANEOUS\w*)$",
    re.IGNORECASE,
)
#: What is made with a limit.
LIMITED = {"Semaphore", "BoundedSemaphore", "ThreadPoolExecutor", "ProcessPoolExecutor"}

#: Numbers that bound no requests and that no operator has to know.
EXCEPTIONS = {
    "models/db/database.py: POOL": "sessions of PostgreSQL; a statement that waits for one has a time-out of its own",
    "models/db/together.py: Semaphore": "statements of one question; who asks waits, and no grade does",
    "daemon/pages/serving.py: Semaphore": "pages that are worked on; visitors wait, and no grade does",
    "daemon/queue/worker.py: ACKNOWLEDGERS": "threads that wait for Redis; the prefetch of Dramatiq bounds their work",
}


def is_number(node: ast.expr | None) -> bool:
    """Whether it is a literal number, a product of some, or a constant of the module."""
    if isinstance(node, ast.BinOp):
        return is_number(node.left) and is_number(node.right)
    if isinstance(node, ast.Name):
        return node.id.isupper()
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def limits(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of each limit that is a number."""
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and is_number(node.value):
            yield from ((node.lineno, name.id) for name in node.targets if isinstance(name, ast.Name))
        elif isinstance(node, ast.AnnAssign) and is_number(node.value) and isinstance(node.target, ast.Name):
            yield node.lineno, node.target.id
        elif isinstance(node, ast.arguments):
            arguments = [*node.posonlyargs, *node.args]
            given = zip(arguments[len(arguments) - len(node.defaults) :], node.defaults, strict=True)
            for argument, default in (*given, *zip(node.kwonlyargs, node.kw_defaults, strict=True)):
                if is_number(default):
                    yield argument.lineno, argument.arg
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in LIMITED and any(map(is_number, (*node.args, *(word.value for word in node.keywords)))):
                yield node.lineno, called


def found(root: Path = ROOT) -> Iterator[str]:
    """The limits outside the modules that define them, each with file and line."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if ALLOWED.fullmatch(name):
                continue
            for line, limit in limits(ast.parse(path.read_text())):
                if (NAMES.search(limit) or limit in LIMITED) and f"{name}: {limit}" not in EXCEPTIONS:
                    yield f"{name}:{line}: {limit} is a limit: derive it from a setting, or remove it"


if __name__ == "__main__":
    sys.exit("\n".join(found()) or None)

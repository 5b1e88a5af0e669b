"""
Takes the rules out of the models one by one, and sees that the model of :mod:`tests.models.life` notices.

Run it after a change of the statements or of the model: ``python -m tests.models.mutants [--shrink] [name ...]``, where
*name* is part of a mutant's name and ``--shrink`` finds the shortest steps to the failure. Each mutant is a copy of the
models and the tests in a temporary folder, with one replacement. A mutant that cannot make a grade stale or stuck, but
slow or rude, names the file of tests that fix the rule's exact words instead. (A claim needs no look at the lease: the
line that it wants of the attempt before it is written only once that lease is over. The sweep needs it.)
"""

# ruff: noqa: E501 - a replacement is easier to check on one line

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIFE = "tests/models/test_life.py"
FIXED = "tests/models/test_attempt.py"
WAKES = "tests/models/test_assignment.py"

_CONFTEST = """\
from pathlib import Path

from hypothesis import Phase, settings

import models

assert Path(models.__file__).is_relative_to(Path(__file__).parent)
settings.register_profile("mutants", phases={phases}, report_multiple_bugs=False)
settings.load_profile("mutants")
"""


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    old: str
    new: str
    file: str = "models/attempt.py"
    tests: str = LIFE


_ASSIGNMENT = "models/assignment.py"
_DELIVERY = "models/delivery.py"

MUTANTS = [
    Mutant("the end asks for no token", "WHERE id = :id AND claim_token = :token", "WHERE id = :id AND :token <> 0"),
    Mutant(
        "redo bumps nothing",
        '_REDO_SET = f"""version_number = version_number + 1, forced_version',
        '_REDO_SET = f"""forced_version',
        _ASSIGNMENT,
    ),
    Mutant(
        "redo forces nothing",
        "forced_version = version_number + 1, due_at = :now",
        "due_at = :now",
        _ASSIGNMENT,
    ),
    Mutant(
        "a takeover forces nothing",
        "forced_version = CASE WHEN claimed_until IS NOT NULL THEN version_number ELSE forced_version END",
        "forced_version = forced_version",
    ),
    Mutant(
        "an ambiguous end forces nothing",
        "forced_version = CASE WHEN forced_version < :version THEN :version ELSE forced_version END",
        "forced_version = forced_version + :version - :version",
    ),
    Mutant(
        "an ambiguous end holds nothing",
        "hold_until = CASE WHEN hold_until < :hold_until THEN :hold_until ELSE hold_until END",
        "hold_until = hold_until + :hold_until - :hold_until",
    ),
    Mutant(
        "a fenced ambiguous end holds nothing",
        "        if isinstance(how, Uncertain):\n            await _HOLD",
        "        if False:\n            await _HOLD",
    ),
    Mutant(
        "an ambiguous end lowers the hold",
        "hold_until = CASE WHEN hold_until < :hold_until THEN :hold_until ELSE hold_until END",
        "hold_until = :hold_until",
        tests=FIXED,
    ),
    Mutant("an empty end keeps the sent score", "{_SETTLED}, sent_score = NULL", "{_SETTLED}"),
    Mutant(
        "parking looks at no version",
        "parked_at = CASE WHEN {_UNCHANGED_SINCE} THEN :now",
        "parked_at = CASE WHEN CAST(:version AS BIGINT) > 0 THEN :now",
    ),
    Mutant(
        "waiting looks at no version",
        "waiting_since = CASE WHEN {_UNCHANGED_SINCE} THEN :now",
        "waiting_since = CASE WHEN CAST(:version AS BIGINT) > 0 THEN :now",
    ),
    Mutant("fenced, and no redo", "        if redo_if_fenced:", "        if False:"),
    Mutant(
        "the end settles the newest version",
        "sent_version = :version, attempts = 0",
        "sent_version = version_number, attempts = 0",
    ),
    Mutant("must_go_out is never", "return self.forced_version > self.sent_version", "return False"),
    Mutant(
        "must_go_out needs two",
        "return self.forced_version > self.sent_version",
        "return self.forced_version > self.sent_version + 1",
    ),
    Mutant("an end keeps its claim", "_SETTLED = \"\"\"claimed_until = NULL, ", '_SETTLED = """', tests=FIXED),
    Mutant("a lost attempt has no line", "        await write_lost_line(assignment_id, now=now)\n", ""),
    Mutant("a lost line may not be completed", "result = excluded.result", "result = delivery.result", _DELIVERY),
    Mutant("a bump leaves the row parked", ",\n    {_REVIVED}\"\"\"\n\n_BUMP =", '"""\n\n_BUMP =', _ASSIGNMENT),
    Mutant("a bump bumps nothing", '_BUMP_SET = f"""version_number = version_number + 1', '_BUMP_SET = f"""version_number = version_number', _ASSIGNMENT),
    Mutant(
        "a revival bumps nothing",
        "UPDATE graded_assignment SET version_number = version_number + 1, due_at = :now, attempts = 0",
        "UPDATE graded_assignment SET due_at = :now, attempts = 0",
        _ASSIGNMENT,
        WAKES,
    ),
    Mutant("claims: no hold", "AND not_before <= :now AND hold_until <= :now\n    AND (claimed", "AND not_before <= :now\n    AND (claimed", _ASSIGNMENT),
    Mutant("claims: a hold too long", "AND not_before <= :now AND hold_until <= :now\n    AND (claimed", "AND not_before <= :now AND hold_until < :now\n    AND (claimed", _ASSIGNMENT),
    Mutant("claims: a clean row", 'RACING = """version_number > sent_version', 'RACING = """version_number >= sent_version', _ASSIGNMENT),
    Mutant("claims: a lease too long", "claimed_until IS NULL OR claimed_until <= :now)", "claimed_until IS NULL OR claimed_until < :now)", _ASSIGNMENT),
    Mutant("claims: a lease too short", "claimed_until IS NULL OR claimed_until <= :now)", "claimed_until IS NULL OR claimed_until <= :now + 1)", _ASSIGNMENT, WAKES),
    Mutant("claims: no lease", "\n    AND (claimed_until IS NULL OR claimed_until <= :now)", "", _ASSIGNMENT, WAKES),
    Mutant("claims: due too late", "{RACING} AND due_at <= :now", "{RACING} AND due_at < :now", _ASSIGNMENT),
    Mutant("claims: no due time", "{RACING} AND due_at <= :now AND not_before", "{RACING} AND not_before", _ASSIGNMENT, FIXED),
    Mutant("claims: backoff too long", "AND not_before <= :now AND hold_until <= :now\n    AND (claimed", "AND not_before < :now AND hold_until <= :now\n    AND (claimed", _ASSIGNMENT),
    Mutant("claims: no backoff", "AND not_before <= :now AND hold_until <= :now\n    AND (claimed", "AND hold_until <= :now\n    AND (claimed", _ASSIGNMENT, FIXED),
    Mutant("superseded though due", "version_number > :version AND due_at > :now", "version_number > :version", tests=FIXED),
    Mutant("a release keeps the attempt", "THEN attempts - 1 ELSE attempts END", "THEN attempts ELSE attempts END", tests=FIXED),
]  # fmt: skip


def try_mutant(mutant: Mutant, *, shrink: bool, packages: tuple[str, ...] = ("models", "tests")) -> str:
    """One mutant in a folder of its own: which database noticed, how, and after how long."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name)
        ignore = shutil.ignore_patterns("__pycache__", ".*")
        for package in packages:
            shutil.copytree(ROOT / package, folder / package, ignore=ignore)
        shutil.copy(ROOT / "pyproject.toml", folder)
        phases = "(Phase.generate, Phase.shrink)" if shrink else "(Phase.generate,)"
        (folder / "conftest.py").write_text(_CONFTEST.format(phases=phases))
        file = folder / mutant.file
        text = file.read_text()
        assert text.count(mutant.old) == 1, f"{mutant.name}: {text.count(mutant.old)} places to replace"
        file.write_text(text.replace(mutant.old, mutant.new))
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--timeout=900", mutant.tests]
        began = time.monotonic()
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
        return _verdict(done, time.monotonic() - began, shrink=shrink)


def _verdict(done: subprocess.CompletedProcess[str], seconds: float, *, shrink: bool) -> str:
    if done.returncode == 0:
        return f"SURVIVED  ({seconds:.0f} s)"
    lines = done.stdout.splitlines()
    if done.returncode != 1:
        return "\n".join(["BROKEN", *lines[-20:], *done.stderr.splitlines()[-20:]])
    where = next((line.split("::")[-1] for line in lines if line.startswith("FAILED")), "?").split(" - ")[0]
    asked = next((line[1:].strip() for line in lines if line.startswith(">   ") and "assert" in line), "?")
    said = [line.removeprefix("E").strip() for line in lines if line.startswith("E  ")]
    steps = [line.removeprefix("state.") for line in said if line.startswith("state.") and "nothing_goes" not in line]
    report = [f"killed  ({seconds:.0f} s)  {where}", f"    {said[0] if said else '?'}  <-  {asked}"]
    if shrink:
        report += [f"        {step}" for step in steps]
    elif steps:
        report.append(f"    after {len(steps)} steps, not shrunk")
    return "\n".join(report)


def main(arguments: list[str]) -> int:
    shrink = "--shrink" in arguments
    names = [name for name in arguments if name != "--shrink"]
    chosen = [mutant for mutant in MUTANTS if not names or any(name in mutant.name for name in names)]
    survivors = 0
    for mutant in chosen:
        verdict = try_mutant(mutant, shrink=shrink)
        survivors += not verdict.startswith("killed")
        print(f"{mutant.name}: {verdict}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants were killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""
Takes the rules out of the code one by one, and sees that the models of :mod:`tests.models.life` and
:mod:`tests.models.world` notice.

Run it after a change of the statements or of a model: ``python -m tests.models.mutants [--shrink] [name ...]``, where
*name* is part of a mutant's name and ``--shrink`` finds the shortest steps to the failure. Each mutant is a copy of the
tree in a temporary folder, with one fault. For each it prints the fault, the seed and the run in which Hypothesis found
it, and the line that failed: seed 1 is that of ``make test``. A mutant that cannot make a grade stale or stuck, but
slow or rude, names the file of tests that fix the rule's exact words instead.

Not here, since nothing that anybody could see differs:

- A claim needs no look at the lease: the line that it wants of the attempt before it is written only once that lease is
  over. The sweep needs it, and is tried.
- ``<=`` for ``<`` where a value is raised (``hold_until``, ``forced_version``, a gate's ``closed_until``), or ``>=`` for
  ``>`` where the greater of two is taken (the debounce's ceiling, the time of a wake-up): of two equal values it does not
  matter which one is taken.
- ``>=`` for ``>`` where a displaced row's lease or hold is compared with now: what ends now has landed before, and the
  survivor is sent once more.
- That a structure bumps those who wait for one: the block that it brings is new in it, and touched by that.
- ``>=`` for ``>`` in the version that supersedes: a version that nothing bumped is due since before its claim.
"""

# ruff: noqa: E501 - a replacement is easier to check on one line

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("models", "actors", "daemon", "tests")
#: How many seeds are tried on a mutant: that of ``make test``, which is 1, and the next ones.
SEEDS = 6
#: Mutants at once.
AT_ONCE = 2
#: Invariants, which are steps too, are not worth a line.
_SILENT = "_holds("
LIFE = "tests/models/test_life.py"
FIXED = "tests/models/test_attempt.py"
WORLD = "tests/models/test_world.py"
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
    #: Further replacements that the same fault takes.
    more: tuple[tuple[str, str], ...] = ()


_ASSIGNMENT = "models/assignment.py"
_DELIVERY = "models/delivery.py"
_REGISTRATION = "models/registration.py"
_GATE = "models/gate.py"
_WALK = "actors/attempt.py"
_TOGETHER = "models/together.py"

# Of the claim and of the sweep, which share them.
_DUE = "{RACING} AND due_at <= :now AND not_before <= :now AND hold_until <= :now\n    AND (claimed_until IS NULL OR claimed_until <= :now)"
_NOT_WOKEN = "(wake_until IS NULL OR wake_until <= :now) AND {PASSABLE}"


def _due(old: str, new: str) -> dict[str, str]:
    assert _DUE.count(old) == 1
    return {"old": _DUE, "new": _DUE.replace(old, new), "file": _ASSIGNMENT}


MUTANTS = [
    # The claim's condition.
    Mutant("claims: a clean row", 'RACING = """version_number > sent_version', 'RACING = """version_number >= sent_version', _ASSIGNMENT),
    Mutant("claims: due, and one more", **_due("due_at <= :now", "due_at < :now")),
    Mutant("claims: backoff, and one more", **_due("not_before <= :now", "not_before < :now")),
    Mutant("claims: a hold, and one more", **_due("hold_until <= :now", "hold_until < :now")),
    Mutant("claims: a lease, and one more", **_due("OR claimed_until <= :now", "OR claimed_until < :now")),
    Mutant("claims: no hold", **_due(" AND hold_until <= :now", "")),
    Mutant("claims: no due time", **_due(" AND due_at <= :now", ""), tests=FIXED),
    Mutant("claims: no backoff", **_due(" AND not_before <= :now", ""), tests=FIXED),
    Mutant("claims: a lease too short", **_due("OR claimed_until <= :now", "OR claimed_until <= :now + 1"), tests=WAKES),
    Mutant("claims: no lease", **_due("\n    AND (claimed_until IS NULL OR claimed_until <= :now)", ""), tests=WAKES),
    Mutant("claims: a lost attempt of this very moment has no line", "claimed_until IS NOT NULL AND claimed_until <= :now", "claimed_until IS NOT NULL AND claimed_until < :now", _DELIVERY),
    Mutant("a lost attempt has no line", "        await write_lost_line(assignment_id, now=now)\n", ""),
    Mutant("a lost line may not be completed", "result = excluded.result", "result = delivery.result", _DELIVERY),
    Mutant("a takeover forces nothing", "forced_version = CASE WHEN claimed_until IS NOT NULL THEN version_number ELSE forced_version END", "forced_version = forced_version"),
    Mutant(
        "the score is read in the claim's statement",
        "        claim = await self._claim(assignment_id, secrets.randbits(63))\n",
        "        from models.assignment import GradedAssignment\n        row = await GradedAssignment.get(id=assignment_id)\n        self._early = (await read_wanted([(row.user_id, row.course_id, None)]))[row.user_id, row.course_id, None]\n        await self._tools.trees.get(row.course_id)\n        claim = await self._claim(assignment_id, secrets.randbits(63))\n",
        _WALK,
        WORLD,
        more=(("tree, await self._read_scores(claim, tree))", "tree, self._early)"),),
    ),
    # Ends.
    Mutant("the end asks for no token", "WHERE id = :id AND claim_token = :token", "WHERE id = :id AND :token <> 0"),
    Mutant("together: the end asks for no token", 'condition="claim_token = given.token"', 'condition="given.token <> 0"', _TOGETHER, WORLD),
    Mutant("together: an accepted end lowers the hold", "sent_score = given.score, sent_at", "hold_until = 0, sent_score = given.score, sent_at", _TOGETHER, WORLD),
    Mutant("together: takes over a claim that ran out", 'claimed_until IS NULL AND {CLAIMABLE_BY_ID}', "{CLAIMABLE_BY_ID}", _TOGETHER, WORLD),
    Mutant("together: claims what waits", 'claimed_until IS NULL AND {CLAIMABLE_BY_ID}', "claimed_until IS NULL", _TOGETHER, "tests/models/test_together.py"),
    Mutant("an accepted end lowers the hold", "SET {SETTLED}, sent_score = :score", "SET {SETTLED}, hold_until = 0, sent_score = :score"),
    Mutant("the end settles the newest version", "sent_version = :version, attempts = 0", "sent_version = version_number, attempts = 0"),
    Mutant("an end keeps its claim", "SETTLED = \"\"\"claimed_until = NULL, ", 'SETTLED = """', tests=FIXED),
    Mutant("an end that leaves a clean row begins a debounce", "CASE WHEN version_number > :version THEN CAST", "CASE WHEN version_number >= :version THEN CAST", tests=FIXED),
    Mutant("an empty end keeps the sent score", "{SETTLED}, sent_score = NULL", "{SETTLED}"),
    Mutant("parking looks at no version", "parked_at = CASE WHEN {_UNCHANGED_SINCE} THEN :now", "parked_at = CASE WHEN CAST(:version AS BIGINT) > 0 THEN :now"),
    Mutant("waiting looks at no version", "waiting_since = CASE WHEN {_UNCHANGED_SINCE} THEN :now", "waiting_since = CASE WHEN CAST(:version AS BIGINT) > 0 THEN :now"),
    Mutant("skips after an ambiguous end, which forces nothing", "forced_version = CASE WHEN forced_version < :version THEN :version ELSE forced_version END", "forced_version = forced_version + :version - :version"),
    Mutant("an ambiguous end holds nothing", "hold_until = CASE WHEN hold_until < :hold_until THEN :hold_until ELSE hold_until END", "hold_until = hold_until + :hold_until - :hold_until"),
    Mutant("an ambiguous end lowers the hold", "hold_until = CASE WHEN hold_until < :hold_until THEN :hold_until ELSE hold_until END", "hold_until = :hold_until", tests=FIXED),
    Mutant("must_go_out is never", "return self.forced_version > self.sent_version", "return False"),
    Mutant("must_go_out needs two", "return self.forced_version > self.sent_version", "return self.forced_version > self.sent_version + 1"),
    Mutant("must_go_out after it went out", "return self.forced_version > self.sent_version", "return self.forced_version >= self.sent_version", tests=FIXED),
    Mutant("superseded though due", "version_number > :version AND due_at > :now", "version_number > :version", tests=FIXED),
    Mutant("superseded though due now", "version_number > :version AND due_at > :now", "version_number > :version AND due_at >= :now", tests=FIXED),
    Mutant("a release keeps the attempt", "THEN attempts - 1 ELSE attempts END", "THEN attempts ELSE attempts END", tests=FIXED),
    Mutant("an attempt is given back twice", "claimed_until IS NOT NULL AND attempts > 0 THEN attempts - 1", "attempts >= 0 THEN attempts - 1", tests=FIXED),
    # Who was fenced.
    Mutant("fenced, and no redo", "        if redo_if_fenced:", "        if False:"),
    Mutant("fenced after a definite answer, and no redo", "redo_if_fenced=verdict.bytes_left", "redo_if_fenced=verdict.bytes_left and verdict.result == 'ambiguous'", _WALK, WORLD),
    Mutant("a fenced ambiguous end holds nothing", "        if isinstance(how, Uncertain):\n            await _HOLD", "        if False:\n            await _HOLD"),
    Mutant("redo bumps nothing", '_REDO_SET = f"""version_number = version_number + 1, forced_version', '_REDO_SET = f"""forced_version', _ASSIGNMENT),
    Mutant("redo forces nothing", "forced_version = version_number + 1, due_at = :now", "due_at = :now", _ASSIGNMENT),
    # Bumps and wake-ups.
    Mutant("a bump bumps nothing", '_BUMP_SET = f"""version_number = version_number + 1', '_BUMP_SET = f"""version_number = version_number', _ASSIGNMENT),
    Mutant("a bump leaves the row parked", ",\n    {_REVIVED}\"\"\"\n\n_GIVEN =", '"""\n\n_GIVEN =', _ASSIGNMENT),
    Mutant("a revival bumps nothing", 'REVIVE_SET = f"""version_number = version_number + 1, due_at = :now', 'REVIVE_SET = f"""due_at = :now', _ASSIGNMENT),
    Mutant("wakes: a lost wake-up is never sent again", _NOT_WOKEN, "wake_until IS NULL AND {PASSABLE}", _ASSIGNMENT),
    Mutant("wakes: lost, and one more", _NOT_WOKEN, "(wake_until IS NULL OR wake_until < :now) AND {PASSABLE}", _ASSIGNMENT),
    Mutant("wakes: a line has one place less than it has room", "ranked.turn <= ranked.room", "ranked.turn < ranked.room", _ASSIGNMENT, WAKES),
    # Gates.
    Mutant("gates: closed, and one more", "gate.closed_until <= :now", "gate.closed_until < :now", _GATE, WORLD),
    Mutant("gates: a lost probe is never made again", "(gate.shut_at IS NULL OR gate.probe_until IS NULL OR gate.probe_until <= :now)", "(gate.shut_at IS NULL OR gate.probe_until IS NULL)", _GATE, WORLD),
    Mutant("gates: a probe's lease, and one more", "gate.probe_until IS NULL OR gate.probe_until <= :now)", "gate.probe_until IS NULL OR gate.probe_until < :now)", _GATE, WORLD),
    Mutant("gates: no probe is taken", "AND (probe_until IS NULL OR probe_until <= :now)\n    RETURNING failed", "AND probe_until <= :now\n    RETURNING failed", _GATE, WORLD),
    Mutant("gates: a mended consumer leaves what was parked for it", "((_REVIVE, {\"now\": now}), (_HURRY, {}))", "((_HURRY, {}),)", "models/consumer_admin.py", WORLD),
    # Scores and structures.
    Mutant("an older score is applied", "before.modified_us <= change.modified_us", "before.modified_us <= change.modified_us + 1", "models/score.py"),
    Mutant("of two scores of the same time the first is kept", "before.modified_us <= change.modified_us", "before.modified_us < change.modified_us", "models/score.py", WORLD),
    Mutant("a structure touches the new path only", "for tree in (old, new):", "for tree in (new,):", "models/course_tree.py", WORLD),
    Mutant("a structure touches the old path only", "for tree in (old, new):", "for tree in (old,):", "models/course_tree.py", WORLD),
    Mutant("an older structure is applied", "if event.version < stored.version or", "if", "daemon/ingest/structure.py", WORLD),
    Mutant("a score touches no ancestors", 'elif row["usage_id"] in path:', "elif False:", "daemon/ingest/apply.py", WORLD),
    # Launches.
    Mutant("a launch leaves the row parked", "if row.parked_at is not None and launch.modified_us > row.parked_at * 1000:", "if False:", _REGISTRATION, WORLD),
    Mutant("a launch leaves the backoff", "    if newer:\n        await hurry", "    if False:\n        await hurry", _REGISTRATION, WORLD),
    Mutant("a launch leaves the row disabled", "if moved or (row.disabled_at is not None and newer):", "if moved:", _REGISTRATION, WORLD),
    Mutant("a move redoes nothing", "        await redo(row.id, now=now, afresh=True)\n", "", _REGISTRATION, WORLD),
    Mutant("of two launches of the same time the first is kept", "launch.modified_us < row.registered_us", "launch.modified_us <= row.registered_us", _REGISTRATION, WORLD),
    Mutant("an older launch is applied", "any(launch.modified_us < row.registered_us for row in known)", "False", _REGISTRATION, WORLD),
    Mutant("the hold of a displaced row is not taken over", "        await GradedAssignment.filter(id=keep.id, hold_until__lt=landed).update(hold_until=landed)\n", "", _REGISTRATION, WORLD),
    Mutant("the ledger of a displaced row goes with it", "    await Delivery.filter(assignment_id=row.id).update(assignment_id=keep.id)\n", "", _REGISTRATION, WORLD),
    Mutant("a disabling of the same time is stale", "if row.registered_us <= modified_us]", "if row.registered_us < modified_us]", _REGISTRATION, "tests/models/test_registration.py"),
]  # fmt: skip


def try_mutant(mutant: Mutant, *, shrink: bool, packages: tuple[str, ...] = PACKAGES) -> str:
    """One mutant in a folder of its own: how it was noticed, where, and after how long."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name)
        ignore = shutil.ignore_patterns("__pycache__", ".*")
        for package in packages:
            shutil.copytree(ROOT / package, folder / package, ignore=ignore)
        shutil.copy(ROOT / "pyproject.toml", folder)
        phases = "(Phase.generate, Phase.shrink)" if shrink else "(Phase.generate,)"
        (folder / "conftest.py").write_text(_CONFTEST.format(phases=phases))
        _replace(folder / mutant.file, (mutant.old, mutant.new), *mutant.more)
        done = _run(folder, mutant.tests)
        for seed in range(1, SEEDS):
            if done.returncode or mutant.tests not in (LIFE, WORLD):
                break
            _replace(folder / mutant.tests, (f"number={seed},", f"number={seed + 1},"))
            done = _run(folder, mutant.tests)
        return _verdict(done, time.monotonic() - began, shrink=shrink)


def _replace(file: Path, *edits: tuple[str, str]) -> None:
    text = file.read_text()
    for old, new in edits:
        assert text.count(old) == 1, f"{file.name}: {text.count(old)} places to replace {old!r}"
        text = text.replace(old, new)
    file.write_text(text)


def _run(folder: Path, tests: str) -> subprocess.CompletedProcess[str]:
    """The models on SQLite alone: what they look for is in the statements' sense."""
    options = [
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "--timeout=900",
        *(["-k", "sqlite"] if tests in (LIFE, WORLD) else []),
    ]
    command = [sys.executable, "-m", "pytest", *options, tests]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


def _verdict(done: subprocess.CompletedProcess[str], seconds: float, *, shrink: bool) -> str:
    if done.returncode == 0:
        return f"SURVIVED  ({seconds:.0f} s)"
    lines = done.stdout.splitlines()
    if done.returncode != 1:
        return "\n".join(["BROKEN", *lines[-20:], *done.stderr.splitlines()[-20:]])
    test = next((line.split("::")[-1] for line in lines if line.startswith("FAILED")), "?").split(" - ")[0]
    where = [match[1] for line in lines if (match := re.match(r"(\S+\.py:\d+): \w*(?:Error|Exception)", line))]
    asked = [line[1:].strip() for line in lines if line.startswith(">  ")]
    said = [line.removeprefix("E").strip() for line in lines if line.startswith("E  ")]
    seed = next((line for line in lines if re.fullmatch(r"seed \d+, run \d+", line)), "no seed")
    steps = [line.removeprefix("state.") for line in said if line.startswith("state.") and _SILENT not in line]
    report = [
        f"killed  ({seconds:.0f} s)  {test}",
        f"    {seed}{f', {len(steps)} steps' if steps else ''}{'' if shrink or not steps else ', not shrunk'}",
        f"    {where[-1] if where else '?'}: {asked[-1] if asked else '?'}",
        f"    {said[0] if said else '?'}",
    ]
    return "\n".join(report + [f"        {step}" for step in steps] * shrink)


def _fault(mutant: Mutant) -> str:
    edits = ((mutant.old, mutant.new), *mutant.more)
    return "\n".join([f"    {mutant.file}", *(line for old, new in edits for line in _differing(old, new))])


def _differing(old: str, new: str) -> list[str]:
    """The lines that go and come."""
    before, after = old.strip("\n").splitlines(), new.strip("\n").splitlines()
    gone = [f"      - {line.strip()}" for line in before if line not in after]
    return gone + [f"      + {line.strip()}" for line in after if line not in before]


def main(arguments: list[str]) -> int:
    """How many mutants lived, told as an exit code."""
    shrink = "--shrink" in arguments
    names = [name for name in arguments if name != "--shrink"]
    chosen = [mutant for mutant in MUTANTS if not names or any(name in mutant.name for name in names)]
    survivors = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        verdicts = pool.map(lambda mutant: try_mutant(mutant, shrink=shrink), chosen)
        for mutant, verdict in zip(chosen, verdicts, strict=True):
            survivors += not verdict.startswith("killed")
            print(f"{mutant.name}: {verdict}\n{_fault(mutant)}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants were killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""
Takes the rules out of the code one by one, and checks that the models of :mod:`tests.models.life`,
:mod:`tests.models.world` and :mod:`tests.models.platform_life` notice.

Run it after a change of the statements or of a model: ``python -m tests.models.mutants [name ...]``, where *name* is
part of a mutant's name. Each mutant is a copy of the tree in a temporary folder, with one fault. For each it prints the
seed and the run in which Hypothesis found it, and the line that failed: seed 1 is that of ``make test``. A mutant that
makes no grade stale or stuck, but sends late or too much, names the tests of that rule instead.

Not here, since nothing that can be observed differs:

- ``<=`` for ``<`` where a value is raised (``hold_until``, ``forced_version``), or ``>=`` for ``>`` where the greater of
  two is taken (the debounce's ceiling, the latest of a row's times): of two equal values it does not matter which one is
  taken.
- ``>=`` for ``>`` where a displaced row's lease or hold is compared with now: what ends now has landed before, and the
  survivor is sent once more.
- That a structure changes the rows that wait for one: the block that it brings is new in it, and touched by that.
- A claim that does not compare the row's campus again once the row is locked: a launch would have to move the row
  between two statements of one transaction.
- That a disabling raises the place, and a retirement spares a later launch of its time: whichever is read later has the
  later place, also when it is read again.
- ``>=`` for ``>`` in the version that supersedes: a version that nothing changed is due since before its claim.
"""

# ruff: noqa: E501 - a replacement is easier to check on one line

import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.models.planted import LATE_MUTANTS, LIFE, PLATFORMS, READ_AGAIN, WORLD, Mutant
from tests.models.planted_stamps import STAMP_MUTANTS

ROOT = Path(__file__).parents[2]
PACKAGES = ("models", "actors", "daemon", "tests")
#: How many seeds are tried on a mutant: that of ``make test``, which is 1, and the next ones.
SEEDS = 6
#: Mutants at once.
AT_ONCE = 2
CLAIMS = "tests/models/test_claims.py"
FINISHING = "tests/models/test_finishing.py"
HAND_OVER = "tests/models/test_hand_over.py"
MOVES = "tests/models/test_moves.py"
AT_ONCE_TESTS = "tests/models/test_claims_at_once.py"
DAEMONS = "tests/models/test_simulated_daemons.py"
BREAKER = "tests/actors/test_breaker.py"

_CONFTEST = """\
from pathlib import Path

from hypothesis import Phase, settings

import models

assert Path(models.__file__).is_relative_to(Path(__file__).parent)
settings.register_profile("mutants", phases=(Phase.generate,), report_multiple_bugs=False)
settings.load_profile("mutants")
"""


_ASSIGNMENT = "models/assignment.py"
_STATES = "models/states.py"
_CAMPUS = "models/campus.py"
_CHANGES = "models/changes.py"
_CLAIMS = "models/claims.py"
_RESCUE = "models/rescue.py"
_FINISHING = "models/finishing.py"
_DUE = "models/due.py"
_DELIVERY = "models/delivery.py"
_REGISTRATION = "models/registration.py"
_BREAKER = "actors/breaker.py"

_READY_AT = "(CASE WHEN due_at >= not_before AND due_at >= hold_until THEN due_at\n    WHEN not_before >= hold_until THEN not_before ELSE hold_until END)"
_HELD = "hold_until = CASE WHEN given.doubt_until > 0 AND hold_until < given.doubt_until + given.off\n            THEN given.doubt_until + given.off ELSE hold_until END,\n        parked_at"


MUTANTS = [
    # The claim's condition.
    Mutant("claims: a clean row", 'f"""version_number > {sent_version}', 'f"""version_number >= {sent_version}', _ASSIGNMENT),
    Mutant("claims: due, and one more", 'DUE_BY_ID = f"{SENDABLE_BY_ID} AND {READY_AT} <= :now"', 'DUE_BY_ID = f"{SENDABLE_BY_ID} AND {READY_AT} < :now"', _ASSIGNMENT),
    Mutant("claims: no hold", _READY_AT, "(CASE WHEN due_at >= not_before THEN due_at ELSE not_before END)", _STATES),
    Mutant("claims: no due time", _READY_AT, "(CASE WHEN not_before >= hold_until THEN not_before ELSE hold_until END)", _STATES, CLAIMS),
    Mutant("claims: no backoff", _READY_AT, "(CASE WHEN due_at >= hold_until THEN due_at ELSE hold_until END)", _STATES, CLAIMS),
    Mutant("claims: what is claimed", "AND waiting_since IS NULL AND claimed_until IS NULL", "AND waiting_since IS NULL", _ASSIGNMENT),
    Mutant("claims: what waits", "_CLAIM = Statement(_claimed(_by_id(DUE_BY_ID), DUE_BY_ID, LIMIT)", '_CLAIM = Statement(_claimed(_by_id("claimed_until IS NULL"), "claimed_until IS NULL", LIMIT)', _CLAIMS, CLAIMS),
    Mutant("must_go_out is never", "return self.forced_version > self.sent_version", "return False", _CLAIMS),
    Mutant("must_go_out needs two", "return self.forced_version > self.sent_version", "return self.forced_version > self.sent_version + 1", _CLAIMS),
    Mutant("must_go_out after it went out", "return self.forced_version > self.sent_version", "return self.forced_version >= self.sent_version", _CLAIMS, CLAIMS),
    Mutant("superseded though due", "version_number > given.version AND due_at > :now", "version_number > given.version", _CLAIMS, CLAIMS),
    Mutant("superseded though due now", "version_number > given.version AND due_at > :now", "version_number > given.version AND due_at >= :now", _CLAIMS, CLAIMS),
    Mutant(
        "scores that were read before the claim are sent",
        "return await self._scores(wanted_below(claim.user_id, claim.course_id, claim.usage_id, tree)) or {}",
        "wanted = wanted_below(claim.user_id, claim.course_id, claim.usage_id, tree)\n        self._early.setdefault(wanted, await self._scores(wanted) or {})\n        return self._early[wanted]",
        "actors/attempt.py",
        WORLD,
        more=(("self._scores = DataLoader(read_wanted)", "self._scores, self._early = DataLoader(read_wanted), {}"),),
    ),
    # The rescue.
    Mutant("rescue: a lease, and one more", "claimed_until <= :now AND {CURRENT}", "claimed_until < :now AND {CURRENT}", _RESCUE),
    Mutant("rescue: a lease too short", "claimed_until <= :now AND {CURRENT}", "claimed_until <= :now + 1 AND {CURRENT}", _RESCUE),
    Mutant("rescue: nothing is forced", "claim_token = -claim_token, forced_version = version_number", "claim_token = -claim_token", _RESCUE),
    Mutant("rescue: the lost holder is not fenced", "claim_token = -claim_token, forced_version", "forced_version", _RESCUE, more=(("RETURNING id, -claim_token AS token", "RETURNING id, claim_token AS token"),)),
    Mutant("rescue: a lost attempt has no delivery record", "            for row in rows\n        )\n        return len(rows)", "            for row in rows[:0]\n        )\n        return len(rows)", _RESCUE),
    Mutant("rescue: the record of a lost attempt may not be completed", "result = excluded.result", "result = delivery.result", _DELIVERY),
    Mutant("rescue: the record of a lost attempt stays though nothing was sent", "if one.delivery is None})", "if False})", _FINISHING),
    # Finishing.
    Mutant("the finish asks for no token", "WHERE graded_assignment.id = given.assignment_id AND claim_token = given.token", "WHERE graded_assignment.id = given.assignment_id AND given.token <> 0", _FINISHING),
    Mutant("an accepted end lowers the hold", _HELD, _HELD.replace("CASE WHEN", "CASE WHEN given.settles THEN 0 WHEN", 1), _FINISHING),
    Mutant("the finish settles the newest version", "given.settles THEN given.version ELSE sent_version", "given.settles THEN version_number ELSE sent_version", _FINISHING),
    Mutant("the finish keeps its claim", "UPDATE graded_assignment SET claimed_until = NULL,\n        sent_version", "UPDATE graded_assignment SET\n        sent_version", _FINISHING),
    Mutant("a finish that leaves a clean row begins a debounce", "WHEN version_number > given.version THEN given.claimed_at", "WHEN version_number >= given.version THEN given.claimed_at", _FINISHING, FINISHING),
    Mutant("an empty end keeps the sent score", " WHEN 'empty' THEN NULL\n            WHEN", "\n            WHEN", _FINISHING),
    Mutant("parking looks at no version", "parked_at = CASE WHEN given.scope IS NOT NULL AND version_number = given.version\n            THEN given.ended_at", "parked_at = CASE WHEN given.scope IS NOT NULL\n            THEN given.ended_at", _FINISHING),
    Mutant("waiting looks at no version", "given.outcome = 'waiting' AND version_number = given.version THEN :now", "given.outcome = 'waiting' THEN :now", _FINISHING),
    Mutant("skips after an end in doubt, which forces nothing", "IN ('in_doubt', 'overtaken') AND forced_version < given.version\n            THEN given.version", "IN ('in_doubt', 'overtaken') AND forced_version < given.version\n            THEN forced_version", _FINISHING),
    Mutant("an end in doubt holds nothing", _HELD, "parked_at", _FINISHING),
    Mutant("an end in doubt lowers the hold", _HELD, "hold_until = CASE WHEN given.doubt_until > 0\n            THEN given.doubt_until + given.off ELSE hold_until END,\n        parked_at", _FINISHING, FINISHING),
    Mutant("a release keeps the attempt", "THEN attempts - 1 ELSE attempts END", "THEN attempts ELSE attempts END", _FINISHING, FINISHING),
    Mutant("an attempt is given back twice", "given.given_back AND claimed_until IS NOT NULL AND attempts > 0", "given.given_back AND attempts > 0", _FINISHING, FINISHING),
    Mutant("a backoff that a launch ended comes back", "given.backs_off AND attempts > 0", "given.backs_off", _FINISHING, FINISHING),
    # Holders that lost their claim.
    Mutant("fenced, and no resend", '"resend": one.bytes_left,', '"resend": False,', _FINISHING),
    Mutant("fenced after a definite answer, and no resend", '"resend": one.bytes_left,', '"resend": one.bytes_left and one.outcome == "in_doubt",', _FINISHING, WORLD),
    Mutant("fenced in doubt, and no hold", '"doubt_until": one.hold_until,\n            "resend"', '"doubt_until": 0,\n            "resend"', _FINISHING),
    Mutant("fenced, and an equal score is skipped", "forced_version = CASE WHEN given.resend THEN version_number + 1 ELSE", "forced_version = CASE WHEN given.resend THEN forced_version ELSE", _FINISHING),
    # Changes.
    Mutant("a resend by force makes no version", 'f"{UNPARK_SET}, forced_version', 'UNPARK_SET.partition(", ")[2] + f", forced_version', _CHANGES),
    Mutant("a resend by force forces nothing", "{UNPARK_SET}, forced_version = version_number + 1", "{UNPARK_SET}", _CHANGES),
    Mutant("a change makes no version", "version_number = version_number + {changes}, composite", "version_number = version_number, composite", _CHANGES),
    Mutant("a change leaves the row parked", "ELSE pending_since + given.ceiling END,\n            {UNPARKED}", "ELSE pending_since + given.ceiling END", _CHANGES),
    Mutant("a resend makes no version", 'UNPARK_SET = f"version_number = version_number + 1, due_at', 'UNPARK_SET = f"due_at', _CHANGES),
    # The dispatcher.
    Mutant("dispatch: due, and one more", '\nDUE = f"{SENDABLE} AND {READY_AT} <= :now"', '\nDUE = f"{SENDABLE} AND {READY_AT} < :now"', _ASSIGNMENT),
    Mutant("dispatch: one row less than there are slots", "WHERE place <= number", "WHERE place < number", _DUE),
    Mutant("dispatch: retried rows have no capacity", "AND {RETRIED} = 1 AND {DUE} LIMIT 1)", "AND {RETRIED} = 2 AND {DUE} LIMIT 1)", _DUE),
    # The limit.
    Mutant("limit: claims do not count", "{limit} - {IN_FLIGHT} AS free", "{limit} AS free", _CLAIMS, WORLD),
    Mutant("limit: a claim whose lease ran out does not count", "running.campus_id = campus.id AND running.claimed_until IS NOT NULL)\n    +", "running.campus_id = campus.id AND running.claimed_until > :now)\n    +", _CAMPUS, CLAIMS),
    Mutant("limit: requests whose row is gone do not count", "            AND orphaned_claim.claimed_until > :now))", "            AND orphaned_claim.claimed_until < 0))", _CAMPUS, WORLD),
    Mutant("limit: requests whose row is gone count for ever", "            AND orphaned_claim.claimed_until > :now))", "))", _CAMPUS, CLAIMS),
    Mutant("limit: the request of a row that moved to another campus does not count", "slots=row.campus_id != service.campus_id", "slots=False", _REGISTRATION, MOVES),
    Mutant("limit: the request of a displaced row does not count", "    await orphan_claims([row.id for row in displaced], now=now)\n", "", _REGISTRATION, MOVES),
    Mutant("limit: the request of a retired learner does not count", "    await orphan_claims([row.id for row in rows], now=now)\n", "", "models/retirement.py", WORLD),
    Mutant("limit: each daemon counts while another one claims", "ORDER BY campus.id {lock_free:campus}", "ORDER BY campus.id", _CLAIMS, AT_ONCE_TESTS),
    Mutant("limit: of the rows of a campus none is too many", "WHERE wanted.place <= here.free AND {CURRENT}", "WHERE {CURRENT}", _CLAIMS, WORLD),
    Mutant("limit: one row less than there are slots", "wanted.place <= here.free", "wanted.place < here.free", _CLAIMS, WORLD),
    Mutant("limit: more claims than the daemon has connections", "ORDER BY wanted.place LIMIT :most", "ORDER BY wanted.place LIMIT :most + 100", _CLAIMS, CLAIMS),
    Mutant("limit: the newest rows first", "ORDER BY {READY_AT}, graded_assignment.id) AS place", "ORDER BY {READY_AT} DESC, graded_assignment.id) AS place", _CLAIMS, CLAIMS),
    Mutant("limit: a paused campus", "lti_consumer.paused_at IS NOT NULL OR campus.blocked_until > :now THEN 0", "campus.blocked_until > :now THEN 0", _CAMPUS, WORLD),
    Mutant("limit: a blocked campus", "lti_consumer.paused_at IS NOT NULL OR campus.blocked_until > :now THEN 0", "lti_consumer.paused_at IS NOT NULL THEN 0", _CAMPUS, WORLD),
    Mutant("limit: blocked, and one more", "OR campus.blocked_until > :now THEN 0", "OR campus.blocked_until >= :now THEN 0", _CAMPUS, WORLD),
    Mutant("limit: many probes at once", "WHEN campus.tripped_at IS NOT NULL OR campus.answered_at IS NULL THEN 1", "WHEN campus.answered_at IS NULL THEN 1", _CAMPUS, CLAIMS),
    Mutant("limit: no probe", "WHEN campus.tripped_at IS NOT NULL OR campus.answered_at IS NULL THEN 1", "WHEN campus.tripped_at IS NOT NULL THEN 0 WHEN campus.answered_at IS NULL THEN 1", _CAMPUS, WORLD),
    Mutant("limit: many requests at the first contact", "WHEN campus.tripped_at IS NOT NULL OR campus.answered_at IS NULL THEN 1", "WHEN campus.tripped_at IS NOT NULL THEN 1", _CAMPUS, WORLD),
    Mutant("limit: a throttling campus has its whole limit", "    ELSE campus.max_in_flight END", "    ELSE CAST(:max_per_campus AS BIGINT) END", _CAMPUS, CLAIMS),
    Mutant("limit: readers get no slot", "AND {_LIMIT} > 1 THEN 1 ELSE 0 END)", "AND {_LIMIT} > 1 THEN 0 ELSE 0 END)", _CAMPUS, CLAIMS),
    Mutant("limit: readers get the only slot", "AND {_LIMIT} > 1 THEN 1 ELSE 0 END)", "AND {_LIMIT} > 0 THEN 1 ELSE 0 END)", _CAMPUS, CLAIMS),
    Mutant("limit: readers keep their slot for ever", "WHEN campus.reading_until > :now AND", "WHEN campus.reading_until > 0 AND", _CAMPUS, CLAIMS),
    # Hand-over.
    Mutant("hand-over: more claims than attempts ended", "Share(campus_id, len(some), remainder", "Share(campus_id, len(some) + 1, remainder", _FINISHING, HAND_OVER),
    Mutant("hand-over: to a sender that lost its claim", "ended = list(found)", "ended = list(by_id.values())", _FINISHING),
    Mutant("hand-over: of another partition", "return claim.address.campus_id, claim.assignment_id % hand_over.partitions", "return claim.address.campus_id, 0", _FINISHING, HAND_OVER),
    Mutant("hand-over: once more when an attempt is finished again", "[end, *released], self._dependencies.lease(), None)", "[end, *released], self._dependencies.lease(), HandOver(self._dependencies.lease(), self._partitions))", "actors/finisher.py", DAEMONS),
    Mutant("hand-over: what a lost commit handed over stays claimed", "lost, self._lost = self._lost, []", "lost, self._lost = [], []", "actors/finisher.py", DAEMONS),
    Mutant("a finish that is repeated after a newer claim is fenced", "found[fenced.pop(id_)] = Finished()", "found.pop(id_, None)", _FINISHING),
    # The breaker.
    Mutant("breaker: the claim does not know that it is a probe", "tripped_at=campus.tripped_at", "tripped_at=None", _CLAIMS, CLAIMS),
    Mutant("breaker: a request from before it tripped is a failed probe", "if signal.tripped_at != breaker.tripped_at:", "if False:", _BREAKER, BREAKER),
    Mutant("breaker: no failed probe counts", "if signal.tripped_at != breaker.tripped_at:", "if True:", _BREAKER, BREAKER),
    Mutant("breaker: the failures of one assignment trip it", "if breaker.last_failed_assignment in (None, signal.culprit):", "if breaker.last_failed_assignment is None:", _BREAKER, BREAKER),
    Mutant("a corrected consumer leaves what was parked for it", "(_UNPARK, consumer_id=consumer_id, now=now)", "(_CLEAR_BACKOFF, consumer_id=consumer_id)", "models/consumer_admin.py", "tests/models/test_consumer_admin.py"),
    # Scores and structures.
    Mutant("an older score is applied", "before.moment <= change.moment", "before.modified_us <= change.modified_us + 1", "models/score.py"),
    Mutant("of two scores of the same time the first is kept", "before.moment <= change.moment", "before.modified_us < change.modified_us", "models/score.py", WORLD),
    Mutant("a structure touches the new path only", "(changed) for tree in trees)", "(changed) for tree in trees[-1:])", "models/course_tree.py", WORLD),
    Mutant("a structure touches the old path only", "(changed) for tree in trees)", "(changed) for tree in trees[:1])", "models/course_tree.py", WORLD),
    Mutant("an older structure is applied", "if event.version < stored.version or", "if", "daemon/ingest/structure.py", WORLD),
    Mutant("a score touches no ancestors", 'elif row["usage_id"] in path:', "elif False:", "daemon/ingest/apply.py", WORLD),
    # Launches.
    Mutant("a launch leaves the row parked", "unparked = row.parked_at is not None and launch.modified_us > row.parked_at * 1000", "unparked = False", _REGISTRATION, WORLD),
    Mutant("a launch leaves the backoff", "    elif newer:\n", "    elif False:\n", _REGISTRATION, WORLD),
    Mutant("a launch leaves the row disabled", "forced = moved or (row.disabled_at is not None and newer)", "forced = moved", _REGISTRATION, WORLD),
    Mutant("a move resends nothing", "        await force_resend(row.id, now=now)\n    elif", "        pass\n    elif", _REGISTRATION, WORLD),
    Mutant("of two launches of the same time the first is kept", "any(launch.moment < row.registered for", "any(launch.modified_us <= row.registered_us for", _REGISTRATION, WORLD),
    Mutant("an older launch is applied", "any(launch.moment < row.registered for row in (*known, *await moved_over(launch)))", "False", _REGISTRATION, WORLD),
    Mutant("the hold of a displaced row is not taken over", "        await _wait_and_resend(keep.id, until=may_land_until, now=now)\n", "        pass\n", _REGISTRATION, MOVES),
    Mutant("the ledger of a displaced row goes with it", "    await Delivery.filter(assignment_id=row.id).update(assignment_id=keep.id)\n", "", _REGISTRATION, WORLD),
    Mutant("a disabling of the same time is stale", "if row.registered <= moment]", "if row.registered_us < moment.modified_us]", "models/disabling.py", READ_AGAIN),
    *LATE_MUTANTS,
    *STAMP_MUTANTS,
]  # fmt: skip


def try_mutant(mutant: Mutant) -> str:
    """One mutant in a folder of its own: how it was noticed, where, and after how long."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name)
        ignore = shutil.ignore_patterns("__pycache__", ".*")
        for package in PACKAGES:
            shutil.copytree(ROOT / package, folder / package, ignore=ignore)
        shutil.copy(ROOT / "pyproject.toml", folder)
        (folder / "conftest.py").write_text(_CONFTEST)
        _replace(folder / mutant.file, (mutant.old, mutant.new), *mutant.more)
        done = _run(folder, mutant.tests)
        for seed in range(1, SEEDS):
            if done.returncode or mutant.tests not in (LIFE, WORLD, PLATFORMS):
                break
            _replace(folder / mutant.tests, (f"number={seed},", f"number={seed + 1},"))
            done = _run(folder, mutant.tests)
        return _report(done, time.monotonic() - began)


def _replace(file: Path, *edits: tuple[str, str]) -> None:
    text = file.read_text()
    for old, new in edits:
        assert text.count(old) == 1, f"{file.name}: {text.count(old)} places to replace {old!r}"
        text = text.replace(old, new)
    file.write_text(text)


def _run(folder: Path, tests: str) -> subprocess.CompletedProcess[str]:
    """The models on SQLite alone: what they look for is in the statements' sense."""
    options = ["-x", "-q", "-p", "no:cacheprovider", "--timeout=900"]
    if tests in (LIFE, WORLD, PLATFORMS):
        options += ["-k", "sqlite"]
    command = [sys.executable, "-m", "pytest", *options, tests]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


def _report(done: subprocess.CompletedProcess[str], seconds: float) -> str:
    if done.returncode == 0:
        return f"SURVIVED  ({seconds:.0f} s)"
    lines = done.stdout.splitlines()
    if done.returncode != 1:
        return "\n".join(["BROKEN", *lines[-20:], *done.stderr.splitlines()[-20:]])
    test = next((line.split("::")[-1] for line in lines if line.startswith("FAILED")), "?").split(" - ")[0]
    seed = next((line for line in lines if re.fullmatch(r"seed \d+, run \d+", line)), "no seed")
    where = [match[1] for line in lines if (match := re.match(r"(\S+\.py:\d+): \w*(?:Error|Exception)", line))]
    failing = [line[1:].strip() for line in lines if line.startswith(">  ")]
    error = next((line.removeprefix("E").strip() for line in lines if line.startswith("E  ")), "?")
    at = f"{where[-1]}: {failing[-1]}" if where and failing else "?"
    return f"killed  ({seconds:.0f} s)  {test}\n    {seed}\n    {at}\n    {error}"


def main(names: list[str]) -> int:
    """0 if every mutant was found."""
    chosen = [mutant for mutant in MUTANTS if not names or any(name in mutant.name for name in names)]
    survivors = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for mutant, report in zip(chosen, pool.map(try_mutant, chosen), strict=True):
            survivors += not report.startswith("killed")
            print(f"{mutant.file}: {mutant.name}: {report}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants were killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""One fault that is planted on purpose, and those of rows that go, of equal times and of a clock that steps."""

# ruff: noqa: E501 - a replacement is easier to check on one line

from dataclasses import dataclass

LIFE = "tests/models/test_life.py"
WORLD = "tests/models/test_world.py"
PLATFORMS = "tests/models/test_platforms.py"
READ_AGAIN = "tests/daemon/ingest/test_read_again.py"
CLOCK_WATCH = "tests/models/test_clock_watch.py"
AT_ONCE = "tests/models/test_claims_at_once.py"
ORPHANED = "tests/models/test_orphaned_claim.py"
OWN_STRUCTURE = "tests/daemon/ingest/test_own_structure.py"


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    old: str
    new: str
    file: str
    tests: str = LIFE
    #: Further replacements that the same fault takes.
    more: tuple[tuple[str, str], ...] = ()


_CLAIMS = "models/claims.py"
_RESCUE = "models/rescue.py"
_FINISHING = "models/finishing.py"
_REGISTRATION = "models/registration.py"
_ORPHANED = "models/orphaned_claim.py"
_WATCH = "models/clock_watch.py"
_SCORE = "models/score.py"

_NOTED = "            await _overwrite_late(one, _ended_at(one, now), gone=found[one].gone)\n"
_OFF = "SELECT CASE WHEN clock_watch.steps = given.steps THEN 0 ELSE seen_at - given.ended_at END"

LATE_MUTANTS = [
    # Equal times, read again.
    Mutant("ties: a score that is read again wins over a later one of its time", "before.moment <= change.moment", "before.modified_us <= change.modified_us", _SCORE, WORLD),
    Mutant("ties: a score is stored without its place", "        place = excluded.place,\n", "        place = score.place,\n", _SCORE, WORLD),
    Mutant("ties: a launch that is read again wins over a later one of its time", "any(launch.moment < row.registered for", "any(launch.modified_us < row.registered_us for", _REGISTRATION, WORLD),
    Mutant("ties: a disabling that is read again wins over a later launch of its time", "if row.registered <= moment]", "if row.registered_us <= moment.modified_us]", "models/disabling.py", WORLD),
    Mutant("ties: a score that follows a retirement at its time is refused", "if event.moment > retired.get(event.user_id, _NEVER)", "if event.modified_us > retired.get(event.user_id, _NEVER).modified_us", "daemon/ingest/apply.py", WORLD),
    Mutant("ties: a launch that follows a retirement at its time is refused", "return retired is not None and moment <= retired", "return retired is not None and moment.modified_us <= retired.modified_us", "models/retired_user.py", WORLD),
    Mutant("ties: a retirement leaves the scores of its time", "Q(modified_us=moment.modified_us, place__lte=moment.place)", "Q(modified_us=moment.modified_us, place__lt='')", "models/retirement.py", WORLD),
    # Learners' own trees.
    Mutant("own tree: the course's counts for its learner", "COALESCE(learner_structure.digest, course_structure.digest) AS digest,\n        COALESCE(learner_structure.size, 0) AS size", "COALESCE(course_structure.digest, learner_structure.digest) AS digest, 0 AS size", "models/course.py", WORLD),
    Mutant("own tree: a change of it sends nothing", 'for row in rows if row["usage_id"] in touched]', "for row in rows if row is None]", "daemon/ingest/structure.py", WORLD),
    Mutant("own tree: it outlives its learner's retirement", "    await LearnerStructure.filter(user_id=user_id, modified_us__lte=moment.modified_us).delete()\n", "", "models/retirement.py", OWN_STRUCTURE),
    # Rows that go while a request is under way.
    Mutant("late: a row that comes into a cell does not wait for a request of the one before", "    if may_land_until > now and not (known", "    if False and not (known", _REGISTRATION, WORLD),
    Mutant("late: a row that comes into a cell is sent unforced", "    await force_resend(assignment_id, now=now)\n\n\ndef _is_in_cell", "\n\ndef _is_in_cell", _REGISTRATION, ORPHANED),
    Mutant("late: a row that leaves its cell leaves no doubt there", "    if not _is_in_cell(row, launch, service):\n", "    if row.campus_id != service.campus_id:\n", _REGISTRATION, WORLD),
    Mutant("late: a retired learner leaves no doubt", "    await orphan_claims([row.id for row in rows], now=now)\n", "", "models/retirement.py", WORLD),
    Mutant("late: a removed consumer leaves no doubt", 'await orphan_claims([row["id"] for row in locked], now=now)', "pass", "models/consumer_admin.py", WORLD),
    Mutant("late: a lease leaves no doubt", "CASE WHEN claimed_until > hold_until THEN claimed_until ELSE hold_until END\n    FROM", "hold_until\n    FROM", _ORPHANED, WORLD),
    Mutant("late: a hold leaves no doubt", "CASE WHEN claimed_until > hold_until THEN claimed_until ELSE hold_until END\n    FROM", "COALESCE(claimed_until, 0)\n    FROM", _ORPHANED, WORLD),
    Mutant("late: slots of a consumer that is added again are free", "orphaned_claim.consumer_key = lti_consumer.consumer_key AND", "orphaned_claim.consumer_key = lti_consumer.consumer_name || 'x' AND", "models/campus.py", WORLD),
    Mutant("late: what a request of a gone row may still do is not noted", _NOTED, "            pass\n", _FINISHING, WORLD),
    Mutant("late: of a gone row", "late += [one for one, finished in found.items() if finished.gone or finished.fenced]", "late += [one for one, finished in found.items() if finished.fenced]", _FINISHING, WORLD),
    Mutant("late: of a row that has moved", "        late += [by_id[row[\"id\"]] for row in rows if _has_moved(by_id[row[\"id\"]].claim, row)]\n", "", _FINISHING, ORPHANED),
    Mutant("late: of a row that has moved and was claimed since", "if finished.gone or finished.fenced]", "if finished.gone]", _FINISHING, ORPHANED),
    Mutant("late: no row that is there already is sent once more", "    await _OVERWRITE.rows(", "    await _LOCK_CELL.rows(**cell) if cell else await _OVERWRITE.rows(", _ORPHANED, WORLD),
    Mutant("late: a row that comes then does not wait", "    if late.in_doubt_until > now:\n", "    if False:\n", _ORPHANED, WORLD),
    # The database's clock steps.
    Mutant("clock: claims by the old time", "AND {CURRENT} ORDER BY wanted.place", "ORDER BY wanted.place", _CLAIMS, CLOCK_WATCH),
    Mutant("clock: a step passes over a claim that is being made", "        await hold_still()\n        locked =", "        locked =", _CLAIMS, AT_ONCE),
    Mutant("clock: a step passes over an attempt that is being ended", "        await hold_still()\n        rows = await _FINISH", "        rows = await _FINISH", _FINISHING, AT_ONCE),
    Mutant("clock: rescue by the old time", "claimed_until <= :now AND {CURRENT}", "claimed_until <= :now", _RESCUE, LIFE),
    Mutant("clock: intake by the old time", "if here != position or not await is_current(self.clock.steps):", "if here != position:", "daemon/ingest/batch.py", WORLD),
    Mutant("clock: forward, nothing is moved", "await _move(by, after=row[\"seen_at\"] if by > 0 else now)", "await _move(min(by, 0), after=row[\"seen_at\"] if by > 0 else now)", _WATCH, LIFE),
    Mutant("clock: back, nothing is moved", "await _move(by, after=row[\"seen_at\"] if by > 0 else now)", "await _move(max(by, 0), after=row[\"seen_at\"] if by > 0 else now)", _WATCH, LIFE),
    Mutant("clock: everything is moved twice", "await _move(by, after=row[\"seen_at\"] if by > 0 else now)", "await _move(2 * by, after=row[\"seen_at\"] if by > 0 else now)", _WATCH, LIFE),
    Mutant("clock: no lease is moved", '_UNDER_WAY = ("claimed_until", "hold_until")', '_UNDER_WAY = ("hold_until",)', _WATCH, LIFE),
    Mutant("clock: no hold is moved", '_UNDER_WAY = ("claimed_until", "hold_until")', '_UNDER_WAY = ("claimed_until",)', _WATCH, LIFE),
    Mutant("clock: back, no due time is moved", '_WAITS = ("due_at", "not_before"', '_WAITS = ("not_before"', _WATCH, LIFE),
    Mutant("clock: back, no backoff is moved", '_WAITS = ("due_at", "not_before"', '_WAITS = ("due_at"', _WATCH, LIFE),
    Mutant("clock: back, no time of parking is moved", '"parked_at", "returns_at"', '"returns_at"', _WATCH, WORLD),
    Mutant("clock: back, no campus is moved", "    if by < 0:\n        await _MOVE_CAMPUSES", "    if by == 0:\n        await _MOVE_CAMPUSES", _WATCH, WORLD),
    Mutant("clock: no late request is moved", "    await _MOVE_ORPHANS.rows(by=by, after=after)\n", "", _WATCH, WORLD),
    Mutant("clock: what was over when it stepped is moved too", "after=row[\"seen_at\"] if by > 0 else now)", "after=0)", _WATCH, CLOCK_WATCH),
    Mutant("clock: steps are not counted", "await _MOVE.rows(now=now, step=int(stepped))", "await _MOVE.rows(now=now, step=0)", _WATCH, WORLD),
    Mutant("clock: an end from before the step keeps its times", _OFF, "SELECT 0", _WATCH, LIFE),
    Mutant("clock: the end of a gone row from before the step keeps its times", 'return 0 if row is None or row["steps"] == steps else int(row["seen_at"]) - at', "return 0", _WATCH, CLOCK_WATCH),
    Mutant("clock: an end from before the step blocks its campus", "if not expected or not await is_current(steps):", "if not expected:", "models/signals.py", CLOCK_WATCH),
    Mutant("clock: a daemon that has not seen the step forgets late requests", "in_doubt_until <= :now AND {CURRENT} RETURNING", "in_doubt_until <= :now RETURNING", _ORPHANED, CLOCK_WATCH),
]  # fmt: skip

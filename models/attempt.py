"""
One attempt at passing back an assignment's grade: the claim, and every way that it can end.

Each statement stands beside the rule that it keeps. Times are milliseconds since 1970 by :mod:`models.db.clock`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tortoise.transactions import in_transaction

from models.assignment import CLAIMABLE, CLAIMABLE_BY_ID, RETRIED, Kind, Wake, redo, wake_bumped, wake_claimable
from models.consumer import note_error
from models.db.sql import Statement, storable
from models.delivery import Line, Written, forget_lost_line, write_lines, write_lost_line
from models.encryption import OPEN
from models.gate import OF_SERVICE, PASSABLE, Campus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.encryption import Vault


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one assignment's grade until the lease ends."""

    assignment_id: int
    token: int
    version: int
    #: Milliseconds since 1970.
    claimed_at: int
    #: Counts from 1 since the last acceptance.
    attempt: int
    forced_version: int
    sent_version: int
    sent_score: str | None
    user_id: str
    course_key: str
    usage_key: str
    kind: Kind
    lis_result_sourcedid: str
    outcome_service_id: int
    #: Milliseconds since 1970: what the delivery's lag counts from.
    due_at: int
    #: The stream entry of the newest change; None before any.
    entry_id: str | None = None
    #: Whether somebody else's claim had run out before.
    took_over: bool = False
    #: What the campus calls the learner, if its launch said.
    lti_user_id: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """What leads to the learner, and is not to be kept in a campus's words."""
        return tuple(filter(None, (self.lis_result_sourcedid, self.lti_user_id, self.user_id)))

    @property
    def must_go_out(self) -> bool:
        """Rule 5: an equal score is skipped only while nothing forces it."""
        return self.forced_version > self.sent_version


@dataclass(frozen=True, slots=True)
class Ended:
    """What the end of an attempt found. *fenced*: somebody else had taken the claim over, or the row was redone."""

    fenced: bool = False
    gone: bool = False
    #: Whether the row is out of the race now, with a reason.
    parked: bool = False
    wake: Wake | None = None


# Rule 1: one conditional UPDATE. Taking over a claim that ran out forces the version, since the lost holder's request
# may have left; and it is open only to one whose lost attempt stands in the ledger.
CLAIM_SET = """claimed_at = :now, claimed_until = :until, claimed_version = version_number, attempts = attempts + 1,
        wake_until = NULL"""
CLAIMED = """id, version_number, attempts, forced_version, sent_version, sent_score, user_id, course_key, usage_key,
        composite, lis_result_sourcedid, outcome_service_id, due_at, entry_id, lti_user_id"""

_CLAIM = Statement(f"""
    UPDATE graded_assignment SET claim_token = :token, {CLAIM_SET},
        forced_version = CASE WHEN claimed_until IS NOT NULL THEN version_number ELSE forced_version END
    WHERE id = :id AND {CLAIMABLE_BY_ID} AND (claimed_until IS NULL OR EXISTS (
        SELECT 1 FROM delivery WHERE assignment_id = graded_assignment.id
            AND delivery.claim_token = graded_assignment.claim_token))
    RETURNING {CLAIMED}""")

_LAPSED = Statement(f"""
    SELECT id FROM graded_assignment WHERE id = :id AND claimed_until IS NOT NULL AND {CLAIMABLE_BY_ID}""")


async def claim(assignment_id: int, *, token: int, now: int, lease_ms: int) -> Claim | None:
    """
    Take the right to send, if the row is claimable.

    Args:
        token: A fresh random 63-bit number; a counter could repeat after a restore.
        now: Taken before this call, by the clock that leases are compared with.

    Returns:
        None when nothing is to be done or somebody else has it: the holder looks again when it ends.
        Rule 2: read the score after this, in a later statement.
    """
    parameters = {"id": assignment_id, "token": token, "now": now, "until": now + lease_ms}
    row = await _CLAIM.row(**parameters)
    took_over = row is None and bool(await _LAPSED.rows(id=assignment_id, now=now))
    if took_over:
        await write_lost_line(assignment_id, now=now)
        row = await _CLAIM.row(**parameters)
    if row is None:
        return None
    return as_claim(row, token=token, now=now, took_over=took_over)


def as_claim(row: dict[str, Any], *, token: int, now: int, took_over: bool = False) -> Claim:
    """What a statement returned by :data:`CLAIMED`."""
    return Claim(
        assignment_id=row["id"],
        token=token,
        version=row["version_number"],
        claimed_at=now,
        attempt=row["attempts"],
        forced_version=row["forced_version"],
        sent_version=row["sent_version"],
        sent_score=row["sent_score"],
        user_id=row["user_id"],
        course_key=row["course_key"],
        usage_key=row["usage_key"],
        kind="composite" if row["composite"] else "leaf",
        lis_result_sourcedid=row["lis_result_sourcedid"],
        outcome_service_id=row["outcome_service_id"],
        due_at=row["due_at"],
        entry_id=row["entry_id"],
        took_over=took_over,
        lti_user_id=row["lti_user_id"],
    )


@dataclass(frozen=True, slots=True)
class Address:
    """Where an assignment's grade goes, and whether a claim has a chance now."""

    outcome_service_id: int
    url: str
    campus: Campus
    consumer_name: str
    consumer_key: str
    consumer_secret: str = field(repr=False)
    claimable: bool
    #: Whether it was tried since it fell due.
    retried: bool
    #: Whether a request may go to the campus now, be it as a probe.
    passable: bool
    #: Whether the campus's breaker is shut, so that only a probe may go there.
    shut: bool
    #: Of a consumer whose secret is to change, the pending one as it is stored, and whether it is the one above.
    pending: str | None = field(default=None, repr=False)
    uses_pending: bool = False


_ADDRESS = Statement(
    f"""
    SELECT outcome_service_id, lis_outcome_service_url, lti_consumer.id AS consumer_id,
        outcome_service.origin AS origin, consumer_name, consumer_key, consumer_secret, pending_secret,
        CASE WHEN pending_turn AND pending_secret IS NOT NULL THEN 1 ELSE 0 END AS uses_pending, {RETRIED} AS retried,
        CASE WHEN {CLAIMABLE} THEN 1 ELSE 0 END AS claimable, CASE WHEN {PASSABLE} THEN 1 ELSE 0 END AS passable,
        CASE WHEN gate.shut_at IS NULL THEN 0 ELSE 1 END AS shut, graded_assignment.id AS id
    FROM {{given}} CROSS JOIN graded_assignment
    JOIN outcome_service ON outcome_service.id = graded_assignment.outcome_service_id
    JOIN lti_consumer ON lti_consumer.id = outcome_service.lti_consumer_id {OF_SERVICE}
    WHERE graded_assignment.id = given.assignment_id""",
    given="assignment_id BIGINT",
)


async def address(assignment_id: int, *, now: int, vault: Vault = OPEN) -> Address | None:
    """
    What the gate must know before the claim; None if the row is gone.

    Raises:
        SealedError: *vault* does not open the consumer's secret.
    """
    row = (await read_addresses([assignment_id], now=now)).get(assignment_id)
    return None if row is None else as_address(row, vault)


async def read_addresses(assignment_ids: Sequence[int], *, now: int) -> dict[int, dict[str, Any]]:
    """For :func:`as_address`, what is known of those assignments that there are."""
    given = [{"assignment_id": assignment_id} for assignment_id in assignment_ids]
    return {row["id"]: row for row in await _ADDRESS.rows(given=given, now=now)}


def as_address(row: dict[str, Any], vault: Vault) -> Address:
    """
    Raises:
        SealedError: *vault* does not open the consumer's secret.
    """
    return Address(
        outcome_service_id=row["outcome_service_id"],
        url=row["lis_outcome_service_url"],
        campus=Campus(row["consumer_id"], row["origin"]),
        consumer_name=row["consumer_name"],
        consumer_key=row["consumer_key"],
        consumer_secret=vault.open(row["pending_secret" if row["uses_pending"] else "consumer_secret"]),
        claimable=bool(row["claimable"]),
        retried=bool(row["retried"]),
        passable=bool(row["passable"]),
        shut=bool(row["shut"]),
        pending=row["pending_secret"],
        uses_pending=bool(row["uses_pending"]),
    )


_SUPERSEDED = Statement("""
    SELECT id FROM graded_assignment WHERE id = :id AND version_number > :version AND due_at > :now""")


async def is_superseded(claim: Claim, *, now: int) -> bool:
    """Whether a newer change waits for its own time, so that this send is not worth its request."""
    return bool(await _SUPERSEDED.rows(id=claim.assignment_id, version=claim.version, now=now))


# --- Ends ---

# Rule 4: clears the claim and keeps the token, so that repeating an end after a lost commit is harmless.
_MINE = "WHERE id = :id AND claim_token = :token RETURNING id, parked_at"

# A launch or a mended consumer that forgot the attempts meanwhile ended the backoff too.
_NOT_BEFORE = "not_before = CASE WHEN attempts > 0 THEN :not_before ELSE not_before END"

# An attempt that was not made is given back, once, unless a launch has forgotten it meanwhile.
_GIVEN_BACK = "attempts = CASE WHEN claimed_until IS NOT NULL AND attempts > 0 THEN attempts - 1 ELSE attempts END"

SETTLED = """claimed_until = NULL, wake_until = NULL, sent_version = :version, attempts = 0,
    pending_since = CASE WHEN version_number > :version THEN CAST(:claimed_at AS BIGINT) ELSE NULL END"""

_ACCEPTED = Statement(f"""
    UPDATE graded_assignment SET {SETTLED}, sent_score = :score, sent_at = :now {_MINE}""")

_UNCHANGED = Statement(f"UPDATE graded_assignment SET {SETTLED} {_MINE}")

# What the campus holds is no longer ours to know: a later score that equals it must go out.
_EMPTY = Statement(f"UPDATE graded_assignment SET {SETTLED}, sent_score = NULL {_MINE}")

_RELEASED = Statement(f"""
    UPDATE graded_assignment SET {_GIVEN_BACK}, claimed_until = NULL, wake_until = NULL, {_NOT_BEFORE}
    {_MINE}""")

_RETRIED = Statement(f"""
    UPDATE graded_assignment SET claimed_until = NULL, wake_until = NULL, {_NOT_BEFORE} {_MINE}""")

# Rule 7: a change that came meanwhile gets its own try.
_UNCHANGED_SINCE = "version_number = :version"

_PARKED_SET = f"""parked_at = CASE WHEN {_UNCHANGED_SINCE} THEN :now ELSE parked_at END,
    parked_reason = CASE WHEN {_UNCHANGED_SINCE} THEN :reason ELSE parked_reason END,
    parked_scope = CASE WHEN {_UNCHANGED_SINCE} THEN :scope ELSE parked_scope END"""

_PARKED = Statement(f"""
    UPDATE graded_assignment SET claimed_until = NULL, wake_until = NULL, {_NOT_BEFORE}, {_PARKED_SET}
    {_MINE}""")

_WAITING = Statement(f"""
    UPDATE graded_assignment SET {_GIVEN_BACK}, claimed_until = NULL, wake_until = NULL,
        waiting_since = CASE WHEN {_UNCHANGED_SINCE} THEN :now ELSE waiting_since END
    {_MINE}""")

# Rule 6: the version is forced, so that an equal score is not skipped, and nothing goes out until whatever left us has
# landed.
_AMBIGUOUS_SET = f"""claimed_until = NULL, wake_until = NULL, {_NOT_BEFORE},
    forced_version = CASE WHEN forced_version < :version THEN :version ELSE forced_version END,
    hold_until = CASE WHEN hold_until < :hold_until THEN :hold_until ELSE hold_until END"""

_AMBIGUOUS = Statement(f"UPDATE graded_assignment SET {_AMBIGUOUS_SET} {_MINE}")

_AMBIGUOUS_GIVEN_BACK = Statement(f"UPDATE graded_assignment SET {_AMBIGUOUS_SET}, {_GIVEN_BACK} {_MINE}")

_AMBIGUOUS_PARKED = Statement(f"UPDATE graded_assignment SET {_AMBIGUOUS_SET}, {_PARKED_SET} {_MINE}")

_HOLD = Statement("""
    UPDATE graded_assignment SET hold_until = :hold_until WHERE id = :id AND hold_until < :hold_until RETURNING id""")

_EXISTS = Statement("SELECT id FROM graded_assignment WHERE id = :id {for_update}")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The campus holds *score* (wire text)."""

    score: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The campus already acknowledged exactly this score."""


@dataclass(frozen=True, slots=True)
class Empty:
    """There is nothing to send: the learner attempted nothing below the block."""


@dataclass(frozen=True, slots=True)
class Released:
    """The attempt was not made, or was nobody's fault: it is given back. *not_before*: milliseconds since 1970."""

    not_before: int = 0


@dataclass(frozen=True, slots=True)
class Retried:
    """The campus did not store the score; try again from *not_before* (milliseconds since 1970)."""

    not_before: int


@dataclass(frozen=True, slots=True)
class Parked:
    """No further try until something changes, for a *reason* that people can read, of a *scope*."""

    reason: str
    scope: str
    not_before: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """The block is in no course structure that we know."""


@dataclass(frozen=True, slots=True)
class Uncertain:
    """
    Bytes may have left and no answer can be trusted.

    *parked*: this was the last attempt of its row. *given_back*: the whole campus is away, so that it counts for none.
    """

    not_before: int
    hold_until: int
    parked: Parked | None = None
    given_back: bool = False


End = Accepted | Unchanged | Empty | Released | Retried | Parked | Waiting | Uncertain


async def end(claim: Claim, how: End, *, now: int, line: Line | None = None, redo_if_fenced: bool = False) -> Ended:
    """
    Finish an attempt: the row and its ledger line, in one transaction.

    Args:
        line: The ledger line; None for what was not sent.
        redo_if_fenced: Whether an older score of ours may land, or have landed, after a newer one: true unless no byte
            left us (rule 4).

    Returns:
        Whether we were fenced, whether the row is gone, and the wake-up that the row still needs, to be sent after
        the commit. Safe to repeat when the commit's answer was lost.
    """
    async with in_transaction():
        row = await _apply(claim, how, now)
        if row is not None:
            if line is not None:
                await _write(claim, now, line)
            return Ended(parked=row["parked_at"] is not None, wake=await wake_claimable(claim.assignment_id, now=now))
        if not await _EXISTS.rows(id=claim.assignment_id):
            return Ended(gone=True)
        if line is None:
            await forget_lost_line(claim.assignment_id, claim.token)
        else:
            await _write(claim, now, line)
        if isinstance(how, Uncertain):
            await _HOLD.rows(id=claim.assignment_id, hold_until=how.hold_until)
        if redo_if_fenced:
            await redo(claim.assignment_id, now=now)
        return Ended(fenced=True, wake=await wake_bumped(claim.assignment_id, now=now))


async def _write(claim: Claim, now: int, line: Line) -> None:
    await write_lines([written(claim, line)], at=now)
    if line.result != "accepted":
        await note_error(claim.outcome_service_id, line.description, now=now)


def written(claim: Claim, line: Line) -> Written:
    """The ledger's line of an attempt."""
    return Written(claim.assignment_id, claim.token, claim.attempt, claim.version, line, claim.entry_id)


async def _apply(claim: Claim, how: End, now: int) -> dict[str, Any] | None:
    mine = {"id": claim.assignment_id, "token": claim.token}
    settled = {**mine, "version": claim.version, "claimed_at": claim.claimed_at}
    match how:
        case Accepted(score):
            rows = await _ACCEPTED.rows(**settled, score=score, now=now)
        case Unchanged():
            rows = await _UNCHANGED.rows(**settled)
        case Empty():
            rows = await _EMPTY.rows(**settled)
        case Released(not_before):
            rows = await _RELEASED.rows(**mine, not_before=not_before)
        case Retried(not_before):
            rows = await _RETRIED.rows(**mine, not_before=not_before)
        case Parked():
            rows = await _PARKED.rows(**mine, **_parking(claim, how, now), not_before=how.not_before)
        case Waiting():
            rows = await _WAITING.rows(**mine, version=claim.version, now=now)
        case Uncertain():
            ambiguous = {**mine, "not_before": how.not_before, "hold_until": how.hold_until}
            if how.parked is None:
                statement = _AMBIGUOUS_GIVEN_BACK if how.given_back else _AMBIGUOUS
                rows = await statement.rows(**ambiguous, version=claim.version)
            else:
                rows = await _AMBIGUOUS_PARKED.rows(**ambiguous, **_parking(claim, how.parked, now))
    return rows[0] if rows else None


def _parking(claim: Claim, parked: Parked, now: int) -> dict[str, Any]:
    return {"version": claim.version, "now": now, "reason": storable(parked.reason, 2000), "scope": parked.scope}

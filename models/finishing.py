"""
Finishing attempts, many in one transaction: rows, delivery records, breakers, and the claims that follow them.

Each attempt that ends frees a slot of its campus; the same transaction claims as many due rows of that campus (the
hand-over). The number of claims does not grow, so that no campus is locked for it. A row that another transaction has
locked is passed over: the next batch finishes its attempt.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tortoise.transactions import in_transaction

from models.address import WORTH_NOTING, AddressAnswer, note_answers
from models.campus import SLOW_MS, UNTROUBLED, Breaker, Signal
from models.claims import Claim, claim_next
from models.clock_watch import OFF, hold_still, how_far_off
from models.consumer import digest
from models.db.sql import Statement, storable
from models.delivery import forget_lost_deliveries, read_ended, write_deliveries
from models.due import Share
from models.finish import Finish, Finished, HandOver
from models.orphaned_claim import LateRequest, overwrite_late_request
from models.signals import BreakerChange, apply_signals

# An LMS that took 0 in place of no grade holds that: it is not asked again as long as nothing else is to be sent.
_INSTEAD = """CASE WHEN omitted LIKE '%clear%' AND (given.outcome = 'unchanged' OR given.score = '0') THEN 'clear'
                ELSE '' END"""

# Rule 4: finishing keeps the token, so that repeating it after a lost commit is harmless. A launch that reset the
# attempts meanwhile ended the backoff too. Rules 6 and 7 are the CASEs of their columns.
_FINISH = Statement(
    f"""
    WITH given AS (SELECT *, {OFF} AS off FROM {{given}}), unlocked AS MATERIALIZED (
        SELECT graded_assignment.id AS id FROM given CROSS JOIN graded_assignment
        WHERE graded_assignment.id = given.assignment_id AND claim_token = given.token
        {{lock_free:graded_assignment}})
    UPDATE graded_assignment SET claimed_until = NULL,
        sent_version = CASE WHEN given.settles THEN given.version ELSE sent_version END,
        sent_score = CASE given.outcome WHEN 'accepted' THEN given.score WHEN 'empty' THEN NULL
            WHEN 'overruled' THEN NULL ELSE sent_score END,
        sent_at = CASE given.outcome WHEN 'accepted' THEN given.ended_at + given.off ELSE sent_at END,
        pending_since = CASE WHEN NOT given.settles THEN pending_since
            WHEN version_number > given.version THEN given.claimed_at ELSE NULL END,
        attempts = CASE WHEN given.settles THEN 0
            WHEN given.given_back AND claimed_until IS NOT NULL AND attempts > 0 THEN attempts - 1 ELSE attempts END,
        not_before = CASE WHEN given.backs_off AND attempts > 0
            THEN given.backoff_until + given.off ELSE not_before END,
        forced_version = CASE WHEN given.outcome IN ('in_doubt', 'overtaken') AND forced_version < given.version
            THEN given.version WHEN given.repeats AND version_number > given.version THEN version_number
            ELSE forced_version END,
        ordered_version = CASE WHEN given.outcome = 'empty' AND ordered_version > sent_version
            THEN given.version + 1 ELSE ordered_version END,
        stamp = CASE WHEN stamp < given.stamp_from THEN given.stamp_from ELSE stamp END,
        overtaken = CASE WHEN given.settles THEN 0 WHEN given.outcome = 'overtaken' THEN overtaken + 1
            ELSE overtaken END,
        omitted = CASE WHEN given.settles THEN {_INSTEAD} WHEN given.omit IS NULL THEN omitted
            ELSE TRIM(omitted || ' ' || given.omit) END,
        hold_until = CASE WHEN given.doubt_until > 0 AND hold_until < given.doubt_until + given.off
            THEN given.doubt_until + given.off ELSE hold_until END,
        parked_at = CASE WHEN given.scope IS NOT NULL AND version_number = given.version
            THEN given.ended_at + given.off ELSE parked_at END,
        parked_reason = CASE WHEN given.scope IS NOT NULL AND version_number = given.version THEN given.reason
            ELSE parked_reason END,
        parked_scope = CASE WHEN given.scope IS NOT NULL AND version_number = given.version THEN given.scope
            ELSE parked_scope END,
        returns_at = CASE WHEN given.scope IS NOT NULL AND version_number = given.version
            THEN given.tried_again_at + given.off ELSE returns_at END,
        address_refusals = CASE WHEN given.outcome = 'accepted' THEN 0 ELSE address_refusals END,
        waiting_since = CASE WHEN given.outcome = 'waiting' AND version_number = given.version THEN :now
            ELSE waiting_since END
    FROM given
    WHERE graded_assignment.id = given.assignment_id AND graded_assignment.id IN (SELECT id FROM unlocked)
    RETURNING id, parked_at, outcome_service_id, sourcedid_digest, learner_version, (
        SELECT {UNTROUBLED} FROM campus WHERE campus.id = graded_assignment.campus_id) AS untroubled,
        {WORTH_NOTING} AS worth_noting""",
    given="assignment_id BIGINT, token BIGINT, outcome VARCHAR, version BIGINT, claimed_at BIGINT, settles BOOLEAN, "
    "score VARCHAR, ended_at BIGINT, steps BIGINT, given_back BOOLEAN, backs_off BOOLEAN, backoff_until BIGINT, "
    "doubt_until BIGINT, scope VARCHAR, reason VARCHAR, tried_again_at BIGINT, stamp_from BIGINT, omit VARCHAR, "
    "repeats BOOLEAN",
)

_HOLDERS = Statement(
    """
    SELECT id, claim_token FROM {given} CROSS JOIN graded_assignment
    WHERE graded_assignment.id = given.assignment_id""",
    given="assignment_id BIGINT",
)

# Rules 4 and 5: an older score may land, or have landed, after a newer one.
_FENCE = Statement(
    f"""
    WITH given AS (SELECT *, {OFF} AS off FROM {{given}}), unlocked AS MATERIALIZED (
        SELECT graded_assignment.id AS id FROM given CROSS JOIN graded_assignment
        WHERE graded_assignment.id = given.assignment_id {{lock_free:graded_assignment}})
    UPDATE graded_assignment SET
        hold_until = CASE WHEN given.doubt_until > 0 AND hold_until < given.doubt_until + given.off
            THEN given.doubt_until + given.off ELSE hold_until END,
        version_number = CASE WHEN given.resend THEN version_number + 1 ELSE version_number END,
        forced_version = CASE WHEN given.resend THEN version_number + 1 ELSE forced_version END,
        ordered_version = CASE WHEN given.resend THEN version_number + 1 ELSE ordered_version END,
        due_at = CASE WHEN given.resend THEN given.ended_at + given.off ELSE due_at END,
        parked_at = CASE WHEN given.resend THEN NULL ELSE parked_at END,
        parked_reason = CASE WHEN given.resend THEN NULL ELSE parked_reason END,
        parked_scope = CASE WHEN given.resend THEN NULL ELSE parked_scope END,
        returns_at = CASE WHEN given.resend THEN NULL ELSE returns_at END,
        waiting_since = CASE WHEN given.resend THEN NULL ELSE waiting_since END
    FROM given
    WHERE graded_assignment.id = given.assignment_id AND graded_assignment.id IN (SELECT id FROM unlocked)
    RETURNING id""",
    given="assignment_id BIGINT, doubt_until BIGINT, resend BOOLEAN, ended_at BIGINT, steps BIGINT",
)


async def finish(
    finishes: Sequence[Finish],
    *,
    now: int,
    next_breaker: Callable[[Breaker, Signal], Breaker],
    hand_over: HandOver | None = None,
    steps: int = 0,
) -> tuple[dict[Finish, Finished], list[BreakerChange]]:
    """
    End attempts of different assignments, in one transaction. Safe to repeat when the commit's answer was lost.

    Args:
        next_breaker: The breaker of a campus after a signal.
        hand_over: None: no claims follow.
        steps: How often the database's clock had stepped when *now* was read from it.
    """
    by_id = {one.claim.assignment_id: one for one in finishes}
    late: list[Finish] = []
    async with in_transaction():
        await hold_still()
        rows = await _FINISH.rows(given=[_as_row(one, now) for one in by_id.values()], now=now)
        found = {by_id[row["id"]]: Finished(parked=row["parked_at"] is not None) for row in rows}
        ended = list(found)
        late += [by_id[row["id"]] for row in rows if _has_moved(by_id[row["id"]].claim, row)]
        untroubled = {by_id[row["id"]] for row in rows if row["untroubled"]}
        found |= await _without_claim([one for one in by_id.values() if one not in found], now)
        recorded = [one for one, finished in found.items() if not (finished.locked or finished.gone)]
        await write_deliveries(one.delivery for one in recorded if one.delivery is not None)
        worth_noting = {by_id[row["id"]] for row in rows if row["worth_noting"]}
        answers = [one for one in ended if one.address_refused or (one.outcome == "accepted" and one in worth_noting)]
        await note_answers([_answer(one, now) for one in answers], now=now)
        # A sender that lost its claim was frozen: its time-outs say nothing of the campus.
        learners = {by_id[row["id"]]: row["learner_version"] for row in rows}
        signals = [
            # What was said of the learner before must not outlast the learner's data.
            replace(one.signal, error="") if one.claim.version < learners[one] else one.signal
            for one in ended
            if one.signal is not None and not (one in untroubled and _is_plain(one))
        ]
        changes = await apply_signals(signals, next_breaker, steps)
        if hand_over is not None:
            for one, claim in (await _hand_over(ended, hand_over)).items():
                found[one] = Finished(parked=found[one].parked, next=claim)
    late += [one for one, finished in found.items() if finished.gone or finished.fenced]
    for one in late:
        if one.bytes_left:
            await _overwrite_late(one, _ended_at(one, now), gone=found[one].gone)
    return found, changes


def _has_moved(claim: Claim, row: Mapping[str, Any]) -> bool:
    """Whether a launch has moved the row to another cell of the campus since the claim."""
    cell = claim.address.outcome_service_id, digest(claim.lis_result_sourcedid)
    return (row["outcome_service_id"], row["sourcedid_digest"]) != cell


def _ended_at(one: Finish, now: int) -> int:
    # As its record has it: readers find the record of what was acknowledged, or parked, by this time.
    if one.delivery is not None:
        return one.delivery.at
    return now if one.at is None else one.at


async def _overwrite_late(one: Finish, ended_at: int, *, gone: bool) -> None:
    async with in_transaction():
        await hold_still()
        off = await how_far_off(ended_at, one.steps)
        await overwrite_late_request(_late_request(one, off, gone=gone), now=ended_at + off)


def _late_request(one: Finish, off: int, *, gone: bool) -> LateRequest:
    claim, address = one.claim, one.claim.address
    return LateRequest(
        claim.assignment_id,
        claim.user_id if gone else None,
        claim.course_id,
        claim.usage_id,
        address.consumer_key,
        address.origin,
        url_digest=digest(address.url),
        sourcedid_digest=digest(claim.lis_result_sourcedid),
        in_doubt_until=one.hold_until + off if one.hold_until else 0,
    )


def _as_row(one: Finish, now: int) -> dict[str, object]:
    return {
        "assignment_id": one.claim.assignment_id,
        "token": one.claim.token,
        "outcome": one.outcome,
        "version": one.claim.version,
        "claimed_at": one.claim.claimed_at,
        "settles": one.outcome in ("accepted", "unchanged", "empty", "overruled"),
        "score": one.score,
        "ended_at": _ended_at(one, now),
        "steps": one.steps,
        "given_back": one.given_back,
        "backs_off": one.outcome in ("released", "superseded", "retried", "parked", "in_doubt", "overtaken"),
        "backoff_until": one.not_before,
        "doubt_until": one.hold_until,
        "scope": one.parked_scope,
        "reason": storable(one.parked_reason, 2000),
        "tried_again_at": one.returns_at,
        "stamp_from": one.stamp_from,
        "omit": one.omit,
        # It may have carried a newer score, with the timestamp of an older one in doubt: that must not land after it.
        "repeats": one.outcome == "accepted" and one.claim.must_go_out and one.claim.address.issuer is not None,
    }


def _answer(one: Finish, now: int) -> AddressAnswer:
    to = one.claim.address
    return AddressAnswer(to.outcome_service_id, to.campus_id, _ended_at(one, now), accepted=one.outcome == "accepted")


async def _without_claim(finishes: Sequence[Finish], now: int) -> dict[Finish, Finished]:
    """What became of attempts whose row was locked, claimed by another sender, or deleted."""
    if not finishes:
        return {}
    by_id = {one.claim.assignment_id: one for one in finishes}
    rows = await _HOLDERS.rows(given=[{"assignment_id": id_} for id_ in by_id])
    holders = {row["id"]: row["claim_token"] for row in rows}
    found = {one: Finished(gone=True) for id_, one in by_id.items() if id_ not in holders}
    fenced = {id_: one for id_, one in by_id.items() if holders.get(id_, one.claim.token) != one.claim.token}
    # The commit's answer was lost, and another claim has followed since.
    for id_ in await read_ended({id_: one.claim.token for id_, one in fenced.items()}):
        found[fenced.pop(id_)] = Finished()
    given = [
        {
            "assignment_id": id_,
            "doubt_until": one.hold_until,
            "resend": one.bytes_left,
            "ended_at": _ended_at(one, now),
            "steps": one.steps,
        }
        for id_, one in fenced.items()
    ]
    if given:
        found |= {fenced[row["id"]]: Finished(fenced=True) for row in await _FENCE.rows(given=given)}
        await forget_lost_deliveries({id_: one.claim.token for id_, one in fenced.items() if one.delivery is None})
    return {one: found.get(one, Finished(locked=True)) for one in finishes}


def _is_plain(one: Finish) -> bool:
    """Whether its signal changes nothing at a campus without trouble."""
    signal = one.signal
    if signal is None or signal.kind != "success" or signal.after or signal.error or signal.clock_offset is not None:
        return False
    return signal.duration_ms is not None and signal.duration_ms <= SLOW_MS


async def _hand_over(ended: Sequence[Finish], hand_over: HandOver) -> dict[Finish, Claim]:
    """Claim as many due rows as attempts have ended, each of the campus and the partition of one of these."""
    after = hand_over.after
    if after is not None:
        ended = [one for one in ended if one in after]
    if not ended:
        return {}

    def place(claim: Claim) -> tuple[int, int]:
        return claim.address.campus_id, claim.assignment_id % hand_over.partitions

    waiting: dict[tuple[int, int], list[Finish]] = {}
    for one in ended:
        waiting.setdefault(place(one.claim), []).append(one)
    shares = [Share(campus_id, len(some), remainder=remainder) for (campus_id, remainder), some in waiting.items()]
    claims = await claim_next(shares, hand_over.lease, partitions=hand_over.partitions)
    hand_over.claimed.extend(claims)
    return {waiting[place(claim)].pop(): claim for claim in claims}

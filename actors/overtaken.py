"""What becomes of a score whose timestamp the campus refused as older or equal: rule 11 of the design. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from actors.comparison import is_the_same, shows, was_sent
from actors.ended_request import EndedRequest, delivery_of, returns_at, signal_of
from actors.errors import Overtaken
from actors.protocols.interface import Held
from actors.response import Response
from actors.retry import wait_before
from models.delivery import OVERRULED, DeliveryResult
from models.finish import Finish, Outcome

#: The timestamp is lifted by 2 to the power of how often it was refused, in seconds, up to this power.
_MAX_POWER = 12
#: Refusals in a row until the row is parked, as nothing shows that a later timestamp helps. By then they have lifted it
#: by more than an hour, as a clock may be off that is set by another zone, in four hours on average. Each later one, as
#: after a return, lifts it by as much again.
MAX_REFUSALS = 12
#: How often one grade is sent whose every timestamp is refused, with those times that it comes back from parking.
MAX_POSTS = 20
#: Seconds. A time that is further ahead is none at which anything was scored, but a due date, or the end of a calendar.
_MAX_AHEAD = 24 * 3600


def lifted_by_clock(request: EndedRequest, offset: int | None) -> int | None:
    """
    The timestamp that the campus's clock, newly known, makes of when the change was scored; None if it is no later.

    *offset*: seconds that it is ahead of ours; None: nothing new is known.
    """
    claim = request.claim
    if offset is None or claim.overtaken or claim.changed_at is None:
        return None
    # The database's clock may have been set back since the claim.
    stamp = min(claim.changed_at, request.now) // 1000 + offset
    return stamp if stamp > claim.stamp else None


def overtaken(
    request: EndedRequest,
    response: Response,
    error: Overtaken,
    *,
    offset: int | None,
    held: Held | None,
    once_sent: Sequence[str],
    in_doubt: Sequence[str | None],
    jitter: float,
) -> Finish:
    """
    The end of an attempt whose timestamp was refused: accepted, overruled, tried again with a
    later timestamp, or parked.

    Args:
        response: The answer to the score, and *error* what it means.
        offset: Seconds that the campus's clock is ahead of ours, where that is new.
        held: What the campus says that it holds; None: it was not asked, or did not say.
        once_sent: The scores of all attempts on record, as the text that was sent.
        in_doubt: The scores that may have been stored since the last acceptance; None: one that no record has.
        jitter: 0.0 to 1.0; spreads retries.
    """
    claim, score = request.claim, request.score
    by_clock = lifted_by_clock(request, offset)
    if by_clock is not None:
        return _again(request, response, error, offset, stamp=by_clock, not_before=0)
    if held is not None:
        # What rounds to the score may be an older one without a record: of a restored database, or of a lost attempt.
        exact = claim.is_ordered or None in in_doubt
        if is_the_same(held.score, score) or (not exact and shows(held.score, score, once_sent)):
            words = f"{error.reason}; it holds this score"
            return _ended(request, response, error, offset, "accepted", "accepted", words, score=score or None)
        ours = None in in_doubt or not held.score or was_sent(held.score, once_sent, coarse=bool(in_doubt))
        if not ours and not claim.is_ordered:
            words = f"{error.reason}; it holds {held.score}, which was not sent from here and is kept"
            return _ended(request, response, error, offset, "overruled", "overtaken", words)
    number = claim.overtaken + 1
    campus_time = request.now // 1000 + (claim.address.clock_offset if offset is None else offset)
    named = [_seconds(time) for time in (error.held_since, None if held is None else held.since)]
    latest = max(claim.stamp, campus_time, *(time for time in named if time <= campus_time + _MAX_AHEAD))
    wait = wait_before(number, asked=None, jitter=jitter).total_seconds() if number > 1 else 0
    not_before = request.now + int(wait * 1000) if wait else 0
    lifted = latest + 2 ** min(number, _MAX_POWER)
    again = _again(request, response, error, offset, stamp=lifted, not_before=not_before)
    if number < MAX_REFUSALS:
        return again
    reason = f"the timestamps of {number} attempts were refused in a row, the last one with: {error.reason}"
    comes_back = returns_at(request, most=MAX_POSTS - MAX_REFUSALS)
    # A new score has its one try without the pause of the old one.
    return replace(again, parked_scope="learner", parked_reason=reason, returns_at=comes_back, not_before=0)


def _again(
    request: EndedRequest, response: Response, error: Overtaken, offset: int | None, *, stamp: int, not_before: int
) -> Finish:
    ended = _ended(request, response, error, offset, "overtaken", "overtaken", error.reason)
    return replace(ended, stamp_from=stamp, not_before=not_before, given_back=True)


def _ended(
    request: EndedRequest,
    response: Response,
    error: Overtaken,
    offset: int | None,
    outcome: Outcome,
    result: DeliveryResult,
    words: str,
    *,
    score: str | None = None,
) -> Finish:
    delivery = delivery_of(request, response, result, error, words)
    if outcome == "overruled":
        delivery = replace(delivery, code_major=OVERRULED)
    return Finish(
        request.claim,
        outcome,
        score=score,
        delivery=delivery,
        bytes_left=True,
        signal=signal_of(request, response, "success", after=None, clock_offset=offset),
        steps=request.steps,
    )


def _seconds(time: int | None) -> int:
    """Rounded up, of milliseconds."""
    return 0 if time is None else -(-time // 1000)

"""A request that has ended: its delivery record, and what it says of its campus. Pure."""

from datetime import UTC, datetime
from typing import Literal

from actors.errors import Ambiguous, BadToken, DeliveryError, GiveUp, Omit, Overtaken, TryLater
from actors.protocols.interface import Accepted
from actors.response import Response
from models.address import MAX_RETURNS, RETURN_WAITS
from models.campus import SLOW_MS, Signal
from models.claims import Claim
from models.delivery import DeliveryRecord, DeliveryResult
from models.value_class import value_class

#: What an attempt says of the whole campus, for its breaker:
#:
#: ===============================================================  =========
#: accepted                                                         success
#: refused for the learner's or the course's sake                   success
#: a POX failure that may pass, or ``processing``                   success
#: busy: 408, 425, 429, 403 at its rate limit                       throttled
#: no connection: connecting, DNS, TLS time-out, refused            failure
#: misconfigured: signature, key, certificate, redirect             failure
#: refused for the campus's sake: 404, 415, ...                     failure
#: the same at an address whose own fault it is                     neutral
#: in doubt: time-out, reset, 5xx, 2xx that says nothing            failure
#: nothing may be sent there: egress, malformed URL, no request     neutral
#: our own fault or shutdown; nothing to send                       neutral
#: the access token was refused                                     neutral
#: the timestamp was refused, or a part of the request              success
#: ===============================================================  =========
SignalKind = Literal["success", "failure", "throttled", "neutral"]


@value_class()
class EndedRequest:
    """
    A request that has ended at *now*, milliseconds since 1970, *seconds* after it began.

    *number* counts attempts from 1. *steps*: how often the database's clock had stepped then.
    """

    claim: Claim
    number: int
    score: str
    clamped: bool
    seconds: float
    now: int
    steps: int = 0

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.now / 1000, UTC)


def new_offset(request: EndedRequest, response: Response) -> int | None:
    """
    Seconds that a platform's clock is ahead of ours, where that differs from what is known of it; None: it does not.

    Less than two seconds count as none: the ``Date`` header has whole ones.
    """
    ahead, address = response.clock_offset(request.at), request.claim.address
    if address.issuer is None or ahead is None:
        return None
    offset = round(ahead)
    offset = offset if abs(offset) >= 2 else 0
    return offset if abs(offset - address.clock_offset) >= 2 else None


def returns_at(request: EndedRequest, *, most: int = MAX_RETURNS) -> int | None:
    """
    When a row that is parked now is tried again at the earliest, as :class:`models.finish.Finish` has it.

    *most*: how often it comes back.
    """
    before = request.claim.address_refusals
    if before >= most:
        return None
    return request.now + RETURN_WAITS[min(before, len(RETURN_WAITS) - 1)] * 1000


def signal_kind(error: DeliveryError, *, stopping: bool) -> SignalKind:
    """
    What an error says of the campus, as the table at :data:`SignalKind` has it.

    *stopping*: whether our own shutdown cut the request short before there was an answer.
    """
    match error:
        case TryLater(throttled=True):
            return "throttled"
        case GiveUp(bytes_left=False) | Ambiguous(ours=True) | BadToken():
            return "neutral"
        case Overtaken() | Omit():
            return "success"
        case TryLater(bytes_left=True) | GiveUp(scope="learner" | "course") | Ambiguous(code_major="processing"):
            return "success"
        case TryLater() | Ambiguous() if stopping:
            return "neutral"
        case _:
            return "failure"


def signal_of(
    request: EndedRequest,
    response: Response | None,
    kind: SignalKind,
    *,
    after: float | None,
    error: str = "",
    clock_offset: int | None = None,
) -> Signal:
    """
    What the breaker of its campus learns.

    *after*: seconds for which the campus asked to be left alone. *clock_offset*: as of :func:`new_offset`.
    """
    claim, duration_ms = request.claim, _duration_ms(response)
    seconds_ms = int(request.seconds * 1000)
    # A connection that is refused at once says nothing of how long an answer takes.
    if response is None and kind == "failure" and seconds_ms > SLOW_MS:
        duration_ms = seconds_ms
    return Signal(
        kind,
        campus_id=claim.address.campus_id,
        assignment_id=claim.assignment_id,
        claimed_at=claim.claimed_at,
        tripped_at=claim.tripped_at,
        duration_ms=duration_ms,
        answered=response is not None,
        after=after,
        error=error,
        clock_offset=clock_offset,
    )


def delivery_of(
    request: EndedRequest,
    response: Response | None,
    result: DeliveryResult,
    said: Accepted | DeliveryError,
    description: str,
) -> DeliveryRecord:
    """What the ledger keeps of it. *description*: the campus's words, redacted, or what went wrong."""
    claim, code_major = request.claim, said.code_major
    if code_major is None and isinstance(said, TryLater) and said.unexplained:
        code_major = "failure"  # over LTI 1.3 there is none; the ledger counts these refusals by it
    return DeliveryRecord(
        claim.assignment_id,
        claim.token,
        at=request.now,
        attempt=claim.attempt,
        version=claim.version,
        result=result,
        entry_id=claim.entry_id,
        score=request.score,
        clamped=request.clamped,
        http_status=said.http_status,
        code_major=code_major,
        description=description,
        duration_ms=_duration_ms(response),
    )


def _duration_ms(response: Response | None) -> int | None:
    return None if response is None else int(response.seconds * 1000)

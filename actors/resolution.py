"""What becomes of the row and of the campus, from how a request went. Pure."""

from dataclasses import dataclass, replace
from datetime import timedelta

from actors.ended_request import EndedRequest, delivery_of, new_offset, returns_at, signal_kind, signal_of
from actors.errors import Ambiguous, BadToken, DeliveryError, GiveUp, Misconfigured, Omit, Scope, TryLater
from actors.protocols.interface import Accepted
from actors.response import Response
from actors.retry import UNEXPLAINED_TRIES, wait_before, wait_unexplained
from models.address import RefusedAddress
from models.claims import Claim
from models.delivery import DeliveryResult
from models.finish import Finish, Outcome
from models.others import Others
from models.unoffered import NOT_OFFERED

#: Seconds between two tries of one assignment while its campus is down or refuses everything; spread from half of it to
#: one and a half.
CAMPUS_WAIT = 60.0
#: Seconds. Longer for one that has been due for longer, up to this: it may be the one that is broken, and must not trip
#: the breaker again and again before all others.
MAX_CAMPUS_WAIT = 900.0
MILLISECOND = timedelta(milliseconds=1)
#: Whom a refusal without a known reason concerns.
_SCOPES: dict[Others, Scope] = {"taken": "learner", "untried": "learner", "here": "course", "all": "campus"}
#: Milliseconds until a grade that a campus refused with both secrets of its consumer is tried again.
SECRETS_WAIT_MS = 60_000


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's settings. Seconds."""

    hold_seconds: float
    max_attempts: int


def not_sent(claim: Claim, outcome: Outcome, *, not_before: int = 0, at: int | None = None, steps: int = 0) -> Finish:
    """An attempt without a request; one that is not made is given back. *not_before* was reckoned *at* that time."""
    given_back = outcome in ("released", "superseded", "waiting")
    return Finish(claim, outcome, not_before=not_before, given_back=given_back, at=at, steps=steps)


def not_offered(claim: Claim) -> Finish:
    """An attempt without a request: the launch offered no scope for scores."""
    return Finish(claim, "parked", parked_scope="campus", parked_reason=NOT_OFFERED, given_back=True)


def accepted(request: EndedRequest, response: Response, said: Accepted) -> Finish:
    """The campus holds the score."""
    offset = new_offset(request, response)
    return Finish(
        request.claim,
        "accepted",
        score=request.score or None,
        delivery=delivery_of(request, response, "accepted", said, said.description),
        bytes_left=True,
        signal=signal_of(request, response, "success", after=said.after, clock_offset=offset),
        # Rule 10: what arrives may have been given the time of its arrival.
        stamp_from=_arrival(request, response) if request.claim.address.issuer is not None else 0,
        steps=request.steps,
    )


def _arrival(request: EndedRequest, response: Response) -> int:
    """When it came there, seconds since 1970 by the campus's clock; 0: it does not say."""
    return response.date_seconds(request.at) or 0


def at_once(request: EndedRequest, response: Response, error: BadToken | Omit) -> Finish:
    """The end of an attempt that is made again at once: with another token, or without what the LMS did not take."""
    return Finish(
        request.claim,
        "released",
        given_back=True,
        omit=error.what if isinstance(error, Omit) else "token",
        delivery=delivery_of(request, response, "retried", error, error.reason),
        bytes_left=True,
        signal=signal_of(request, response, signal_kind(error, stopping=False), after=None),
        steps=request.steps,
    )


def failed(
    request: EndedRequest,
    response: Response | None,
    error: DeliveryError,
    rules: Rules,
    *,
    jitter: float,
    stopping: bool = False,
    whose: RefusedAddress = "campus",
    others: Others = "taken",
) -> Finish:
    """
    The end of an attempt that the LMS is not known to have accepted.

    While the campus's breaker is tripped a failure of the campus says nothing about this assignment: it spends no
    attempt, parks no grade, and the assignment is tried again like all the others of its campus.

    Args:
        response: None if none came.
        jitter: 0.0 to 1.0; spreads retries.
        stopping: Whether our own shutdown cut it short: that is no failed attempt.
        whose: Whom it concerns if the LMS refused the address.
        others: What became of other grades if it refused this one without a known reason.
    """
    refused_address = is_of_address(error)
    kind = signal_kind(error, stopping=stopping and response is None)
    if refused_address and whose == "own":
        kind = "neutral"
    away = request.claim.tripped_at is not None and kind == "failure"
    after = error.after if isinstance(error, TryLater | Ambiguous) else None
    result: DeliveryResult
    match error:
        case TryLater(bytes_left=False) if stopping:
            return not_sent(request.claim, "released")
        case Ambiguous():
            result = "ambiguous"
            finish = _in_doubt(request, error, rules, jitter, away=away, stopping=stopping)
        case TryLater():
            result = "retried"
            finish = _with_the_campus(request, jitter, after) if away else _later(request, error, rules, jitter, others)
        case Misconfigured():
            result, finish = "misconfigured", _with_the_campus(request, jitter)
        case GiveUp():
            result = "refused"
            parked = _parked(request, error.scope, error.reason, 0)
            if refused_address:
                scope = "campus" if whose in ("campus", "either") else "course"
                parked = replace(parked, parked_scope=scope, returns_at=returns_at(request))
            finish = _with_the_campus(request, jitter) if away else parked
        case _:
            raise TypeError(f"it is not known what to do about {type(error).__name__}") from error
    asked = after if kind in ("throttled", "failure") else None
    signal = signal_of(request, response, kind, after=asked, error=error.reason)
    if refused_address and whose == "own":
        signal = replace(signal, error="")
    elif refused_address and whose in ("new", "either"):
        signal = replace(signal, outcome_service_id=request.claim.address.outcome_service_id)
    return replace(
        finish,
        delivery=delivery_of(request, response, result, error, error.reason),
        bytes_left=error.bytes_left,
        address_refused=refused_address,
        signal=signal,
        steps=request.steps,
    )


def is_of_address(error: DeliveryError) -> bool:
    """Whether the LMS refused the address, without an envelope: HTTP 404 and the like."""
    return isinstance(error, GiveUp) and error.scope == "campus" and error.bytes_left and error.code_major is None


def may_be_the_secret(finish: Finish) -> bool:
    """
    Whether an answer may mean that the campus does not know the secret.

    LMSs say so in many ways, but not by a redirect, and not before they have answered at all.
    """
    delivery = finish.delivery
    if delivery is None or delivery.http_status is None or 300 <= delivery.http_status <= 399:
        return False
    match delivery.result:
        case "misconfigured":
            return True
        case "refused":
            return finish.parked_scope == "campus"
        case "retried":
            return delivery.code_major in ("failure", "unsupported")
        case "ambiguous":
            return delivery.http_status >= 400
        case _:
            return False


def of_two_secrets(first: Finish, second: Finish, *, now: int) -> Finish:
    """
    How an attempt ends that was made with both secrets of a consumer, since the campus may know only one of them.

    What was in doubt about the first request stays in doubt: it may land after the second. No grade is parked for a
    secret that the campus does not know yet.
    """
    end = first if first.outcome == "in_doubt" and second.outcome != "accepted" else second
    end = replace(end, hold_until=max(first.hold_until, second.hold_until))
    if end.outcome == "parked" and may_be_the_secret(end):
        again = now + SECRETS_WAIT_MS
        return replace(end, outcome="released", given_back=True, parked_scope=None, parked_reason="", not_before=again)
    return end


def _later(request: EndedRequest, error: TryLater, rules: Rules, jitter: float, others: Others) -> Finish:
    if error.unexplained:
        if request.number >= min(UNEXPLAINED_TRIES, rules.max_attempts):
            # A new score gets its one try without the backoff of the old one.
            not_before = request.now + int((error.after or 0) * 1000)
            parked = _parked(request, _SCOPES[others], _worn_out(request, error), not_before)
            return parked if others == "taken" else replace(parked, returns_at=returns_at(request))
        wait = wait_unexplained(request.number, asked=error.after, jitter=jitter)
        return Finish(request.claim, "retried", not_before=request.now + wait // MILLISECOND)
    again = _next_try(request, error, jitter)
    if request.number >= rules.max_attempts:
        parked = _parked(request, "campus", _worn_out(request, error), again)
        return replace(parked, returns_at=returns_at(request))
    return Finish(request.claim, "retried", not_before=again)


def _in_doubt(
    request: EndedRequest, error: Ambiguous, rules: Rules, jitter: float, *, away: bool, stopping: bool
) -> Finish:
    hold_until = request.now + int(max(rules.hold_seconds, error.hold or 0) * 1000)
    if away:
        return replace(_with_the_campus(request, jitter, error.after), outcome="in_doubt", hold_until=hold_until)
    again = _next_try(request, error, jitter)
    end = Finish(request.claim, "in_doubt", not_before=again, hold_until=hold_until)
    if request.number >= rules.max_attempts and not stopping:
        reason = _worn_out(request, error)
        return replace(end, parked_scope="campus", parked_reason=reason, returns_at=returns_at(request))
    return end


def _parked(request: EndedRequest, scope: str, reason: str, not_before: int) -> Finish:
    return Finish(request.claim, "parked", parked_scope=scope, parked_reason=reason, not_before=not_before)


def _with_the_campus(request: EndedRequest, jitter: float, asked: float | None = None) -> Finish:
    """The attempt is given back until the campus may be up again."""
    due_for = (request.now - request.claim.due_at) / 1000
    wait = min(max(CAMPUS_WAIT, due_for / 4), MAX_CAMPUS_WAIT) * (0.5 + jitter)
    not_before = request.now + int(max(wait, asked or 0) * 1000)
    return Finish(request.claim, "released", not_before=not_before, given_back=True)


def _next_try(request: EndedRequest, error: TryLater | Ambiguous, jitter: float) -> int:
    """In milliseconds since 1970."""
    return request.now + wait_before(request.number, asked=error.after, jitter=jitter) // MILLISECOND


def _worn_out(request: EndedRequest, error: TryLater | Ambiguous) -> str:
    return f"{request.number} attempts failed, the last one with: {error.reason}"

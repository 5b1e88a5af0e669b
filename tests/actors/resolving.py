"""Claims, requests and errors for tests of what becomes of a row and of its campus; without a database."""

from typing import Any

from actors import resolution
from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, TryLater
from actors.resolution import Request, Rules
from actors.response import Response
from models.claims import Address, Claim
from models.finishing import Finish

NOW = 1_700_000_000_000
HOLD_MS = 20_000
RULES = Rules(hold_seconds=20, max_attempts=5)
ANSWER = Response(503, {}, b"", 0.25)

REFUSED = GiveUp("no longer in course", scope="learner", http_status=200, code_major="failure")
NOWHERE = GiveUp("not allowed", scope="campus", bytes_left=False)
WRONG_KEY = Misconfigured("bad signature", http_status=401)
NO_TRUST = Misconfigured("bad certificate", bytes_left=False)
BUSY = TryLater("HTTP 429", bytes_left=True, throttled=True, http_status=429)
UNREACHABLE = TryLater("refused")
UNEXPLAINED = TryLater("no", bytes_left=True, unexplained=True, http_status=200, code_major="failure")
NOT_FOUND = GiveUp("HTTP 404", scope="campus", http_status=404)
CONCLUDED = GiveUp("course concluded", scope="course", http_status=200, code_major="failure")
SILENT = Ambiguous("time-out")
BROKEN = Ambiguous("HTTP 503", http_status=503)
QUEUED = Ambiguous("HTTP 200, processing", hold=3600.0, http_status=200, code_major="processing")
OURS = Ambiguous("a fault of our own", ours=True)

ADDRESS = Address(
    outcome_service_id=1,
    url="https://campus.example/outcomes",
    campus_id=3,
    origin="https://campus.example:443",
    consumer_name="campus",
    consumer_key="key",
    consumer_secret="secret",
)


def make_claim(**changes: Any) -> Claim:
    values: dict[str, Any] = {
        "assignment_id": 7,
        "token": 11,
        "version": 2,
        "claimed_at": NOW - 100,
        "began": 0.0,
        "attempt": 1,
        "forced_version": 0,
        "sent_version": 1,
        "sent_score": None,
        "user_id": "learner",
        "course_id": "course",
        "usage_id": "block",
        "kind": "leaf",
        "lis_result_sourcedid": "sourcedid",
        "due_at": NOW,
        "address": ADDRESS,
        "entry_id": "5-0",
    }
    return Claim(**{**values, **changes})


def make_request(number: int = 1, *, seconds: float = 0.0, clamped: bool = False, **claim: Any) -> Request:
    return Request(make_claim(attempt=number, **claim), number, "0.5", clamped, seconds, NOW)


def failed(
    error: DeliveryError,
    number: int = 1,
    *,
    jitter: float = 0.5,
    answer: Response | None = None,
    away: bool = False,
    stopping: bool = False,
    rules: Rules = RULES,
    **claim: Any,
) -> Finish:
    """*away*: the campus's breaker had tripped before the claim, which is its probe."""
    request = make_request(number, tripped_at=NOW - 60_000 if away else None, **claim)
    return resolution.failed(request, answer, error, rules, jitter=jitter, stopping=stopping)


def end_of(finish: Finish) -> dict[str, Any]:
    """What becomes of the row; without what has its default."""
    names = ("outcome", "score", "not_before", "hold_until", "parked_scope", "parked_reason", "given_back")
    values = {name: getattr(finish, name) for name in names}
    return {name: value for name, value in values.items() if value not in (None, 0, "", False)}

"""Claims, requests and errors for tests of what becomes of a row and of its campus; without a database."""

from dataclasses import replace
from typing import Any

from actors import resolution
from actors.ended_request import EndedRequest
from actors.errors import Ambiguous, DeliveryError, GiveUp, Misconfigured, TryLater
from actors.protocols.interface import Accepted
from actors.resolution import Rules
from actors.response import Response
from models.claimed_address import Address
from models.claims import Claim
from models.delivery import DeliveryRecord
from models.finish import Finish

NOW = 1_700_000_000_000
HOLD_MS = 20_000
RULES = Rules(hold_seconds=20, max_attempts=5)
LENIENT = replace(RULES, max_attempts=80)
ANSWER = Response(503, {}, b"", 0.25)
STORED = Accepted(200, "success", "")

ERRORS: dict[str, DeliveryError] = {
    "refused": GiveUp("no longer in course", scope="learner", http_status=200, code_major="failure"),
    "concluded": GiveUp("course concluded", scope="course", http_status=200, code_major="failure"),
    "not found": GiveUp("HTTP 404", scope="campus", http_status=404),
    "not allowed": GiveUp("not allowed", scope="campus", bytes_left=False),
    "unwritable": GiveUp("a sourcedid that XML cannot carry", scope="learner", bytes_left=False),
    "wrong key": Misconfigured("bad signature", http_status=401),
    "no trust": Misconfigured("bad certificate", bytes_left=False),
    "redirect": Misconfigured("HTTP 302", http_status=302),
    "busy": TryLater("HTTP 429", bytes_left=True, throttled=True, http_status=429),
    "unreachable": TryLater("refused"),
    "unexplained": TryLater("no", bytes_left=True, unexplained=True, http_status=200, code_major="failure"),
    "time-out": Ambiguous("time-out"),
    "conflict": Ambiguous("HTTP 409", http_status=409),
    "broken": Ambiguous("HTTP 503", http_status=503),
    "no code": Ambiguous("HTTP 200 without a code", http_status=200),
    "queued": Ambiguous("HTTP 200, processing", hold=3600.0, http_status=200, code_major="processing"),
    "own fault": Ambiguous("a fault of our own", ours=True),
}

ADDRESS = Address(
    outcome_service_id=1,
    url="https://campus.example/outcomes",
    campus_id=3,
    origin="https://campus.example:443",
    consumer_name="campus",
    consumer_key="key",
    consumer_secret="secret",
)
CLAIM = Claim(
    assignment_id=7,
    token=11,
    version=2,
    claimed_at=NOW - 100,
    began=0.0,
    attempt=1,
    forced_version=0,
    sent_version=1,
    sent_score=None,
    user_id="learner",
    course_id="course",
    usage_id="block",
    kind="leaf",
    lis_result_sourcedid="sourcedid",
    due_at=NOW,
    address=ADDRESS,
    entry_id="5-0",
)
#: What a request of that claim leaves, whatever its answer.
DELIVERY = DeliveryRecord(7, 11, at=NOW, attempt=1, version=2, result="accepted", entry_id="5-0", score="0.5")


def make_request(number: int = 1, *, seconds: float = 0.0, clamped: bool = False, **claim: Any) -> EndedRequest:
    return EndedRequest(replace(CLAIM, attempt=number, **claim), number, "0.5", clamped, seconds, NOW)


def failed(
    error: DeliveryError | str,
    number: int = 1,
    *,
    jitter: float = 0.5,
    answer: Response | None = None,
    away: bool = False,
    stopping: bool = False,
    rules: Rules = RULES,
    seconds: float = 0.0,
    **claim: Any,
) -> Finish:
    """*error*: perhaps by its name. *away*: the campus's breaker had tripped before the claim, which is its probe."""
    request = make_request(number, seconds=seconds, tripped_at=NOW - 60_000 if away else None, **claim)
    error = ERRORS[error] if isinstance(error, str) else error
    return resolution.failed(request, answer, error, rules, jitter=jitter, stopping=stopping)


def stored(response: Response = ANSWER, said: Accepted = STORED, **request: Any) -> Finish:
    return resolution.accepted(make_request(**request), response, said)


def end_of(finish: Finish) -> dict[str, Any]:
    """What becomes of the row; without what has its default."""
    names = ("outcome", "score", "not_before", "hold_until", "parked_scope", "parked_reason", "given_back")
    values = {name: getattr(finish, name) for name in names}
    return {name: value for name, value in values.items() if value not in (None, 0, "", False)}

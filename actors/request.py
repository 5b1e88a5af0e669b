"""One request with one secret: written, sent and classified; or put off, where it cannot begin."""

import random
import secrets
import uuid
from datetime import UTC, datetime

import structlog

from actors import resolution
from actors.dependencies import Dependencies
from actors.ended_request import EndedRequest
from actors.errors import Ambiguous, DeliveryError, OutOfFiles, TryLater
from actors.protocols import protocol_for
from actors.protocols.interface import RequestId, Target, WireRequest, WireScore
from actors.response import Response
from models.address import RefusedAddress, whose_refusal
from models.claims import Claim
from models.delivery import count_unexplained
from models.finish import Finish
from models.others import Others, what_of_others

log = structlog.get_logger(__name__)

#: Seconds until an attempt that could not begin in time is made again; doubles while attempts are put off.
PUT_OFF = 1.0
#: The pause doubles up to this many times, less one.
_MAX_TIMES = 6


class Requests:
    """Makes requests."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        #: How many attempts have been put off one after the other; those with the same fault count once.
        self._put_off = 0
        self._fault: Exception | None = None

    def put_off(self, claim: Claim, fault: Exception | None = None) -> Finish:
        """
        The end of an attempt that is made later: each time later, until a request goes through.

        Args:
            fault: What kept it from beginning; None if it was merely too late.
        """
        if fault is None or fault is not self._fault:
            self._put_off = min(self._put_off + 1, _MAX_TIMES)
        self._fault = fault
        wait = PUT_OFF * 2 ** (self._put_off - 1)
        clock = self._dependencies.clock
        now = clock.now()
        return resolution.not_sent(claim, "released", not_before=now + int(wait * 1000), at=now, steps=clock.steps)

    async def send(self, claim: Claim, score: str, secret: str, *, clamped: bool, allowed: float) -> Finish:
        """Make one request with one secret. *allowed*: seconds since the claim after which it may not begin."""
        clock, address = self._dependencies.clock, claim.address
        protocol = protocol_for("lti-1.1")
        response: Response | None = None
        posting, began = False, clock.monotonic()
        failure: DeliveryError
        whose: RefusedAddress = "campus"
        others: Others = "taken"

        def ended(number: int) -> EndedRequest:
            took = clock.monotonic() - began
            return EndedRequest(claim, number, score, clamped, took, clock.now(), clock.steps)

        try:
            target = Target(address.url, address.consumer_key, secret, claim.lis_result_sourcedid)
            request = RequestId(clock.now() // 1000, secrets.token_hex(16), uuid.uuid4().hex)
            wire = protocol.write_score(target, WireScore(score), request)
            # Rule 3: the rest of the lease would not cover the request.
            if clock.monotonic() - claim.began > allowed:
                log.warning("attempt.put_off", assignment=claim.assignment_id)
                return self.put_off(claim)
            posting = True
            response = await self._post(claim, wire, began=began)
            said = protocol.read_response(
                response,
                now=self._now(),
                platform=self._dependencies.settings.platforms.get(address.consumer_key),
                redacted=(*claim.ids, *wire.redacted),
            )
        except OutOfFiles as error:
            log.warning("attempt.out_of_files", assignment=claim.assignment_id, reason=error.reason)
            return self.put_off(claim, error)
        except DeliveryError as error:
            failure, number = error, await _tries(claim, error)
            whose, others = await _whose(claim, error), await _others(claim, error)
        except Exception:
            # A fault of ours must not have the same request repeated for ever, unseen.
            log.exception("attempt.failed", assignment=claim.assignment_id)
            if not posting:
                return self.put_off(claim)
            failure, number = Ambiguous("a fault of passbackd's own; see its log", ours=True), claim.attempt
        else:
            return resolution.accepted(ended(claim.attempt), response, said)
        return resolution.failed(
            ended(number),
            response,
            failure,
            self._dependencies.settings.rules,
            jitter=random.random(),  # noqa: S311 - spreads load, guards nothing
            stopping=self._dependencies.abort.is_set(),
            whose=whose,
            others=others,
        )

    async def _post(self, claim: Claim, wire: WireRequest, *, began: float) -> Response:
        dependencies, address = self._dependencies, claim.address
        metrics, consumer = dependencies.metrics, address.consumer_name
        with metrics.in_flight.labels(consumer).track_inprogress():
            response = await dependencies.sender.send(
                wire.url,
                wire.body,
                wire.headers,
                method=wire.method,
                consumer_key=address.consumer_key,
                abort=dependencies.abort,
                # Rule 3, for a process that was suspended: the session's deadline counts from when it resumed.
                in_time=lambda: dependencies.clock.monotonic() - began <= dependencies.settings.timeout_seconds,
                redacted=(*claim.ids, *wire.redacted),
            )
        dependencies.hit("answered")
        self._put_off, self._fault = 0, None
        metrics.request_seconds.labels(consumer).observe(response.seconds)
        offset = response.clock_offset(self._now())
        if offset is not None:
            metrics.clock_offset.labels(consumer).set(offset)
        return response

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._dependencies.clock.now() / 1000, UTC)


async def _tries(claim: Claim, error: DeliveryError) -> int:
    """Which attempt this was; an unexplained refusal is parked early, so that only its like counts."""
    if not _is_unexplained(error):
        return claim.attempt
    try:
        return min(claim.attempt, await count_unexplained(claim.assignment_id) + 1)
    except Exception:
        log.warning("ledger.unreadable", assignment=claim.assignment_id, exc_info=True)
        return 1


def _is_unexplained(error: DeliveryError) -> bool:
    return isinstance(error, TryLater) and error.unexplained


async def _others(claim: Claim, error: DeliveryError) -> Others:
    """What became of other grades while this one was refused without a known reason; it may come back if in doubt."""
    if not _is_unexplained(error):
        return "taken"
    try:
        return await what_of_others(claim.assignment_id)
    except Exception:
        log.warning("ledger.unreadable", assignment=claim.assignment_id, exc_info=True)
        return "untried"


async def _whose(claim: Claim, error: DeliveryError) -> RefusedAddress:
    """Whom a refusal of the address concerns; the campus, as long as nothing else is known."""
    if not resolution.is_of_address(error):
        return "campus"
    try:
        return await whose_refusal(claim.address.outcome_service_id)
    except Exception:
        log.warning("address.unreadable", assignment=claim.assignment_id, exc_info=True)
        return "campus"

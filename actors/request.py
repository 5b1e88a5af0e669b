"""One request with one secret: written, sent and classified."""

import random
import secrets
import uuid
from datetime import UTC, datetime
from functools import partial

import structlog

from actors import resolution
from actors.dependencies import Dependencies
from actors.errors import Ambiguous, DeliveryError, TryLater
from actors.protocols import protocol_for
from actors.protocols.interface import Accepted, Stamp, Target, WireRequest
from actors.put_off import PutOff
from actors.resolution import Request
from actors.response import Response
from models.claims import Claim
from models.delivery import count_unexplained
from models.finishing import Finish

log = structlog.get_logger(__name__)


class Requests:
    """
    Makes requests.

    Args:
        put_off: Gives back the attempts that could not begin.
    """

    def __init__(self, dependencies: Dependencies, put_off: PutOff) -> None:
        self._dependencies = dependencies
        self._put_off = put_off

    async def send(self, claim: Claim, score: str, secret: str, *, clamped: bool, allowed: float) -> Finish:
        """One request with one secret. *allowed*: seconds since the claim after which it may not begin."""
        clock, address = self._dependencies.clock, claim.address
        protocol = protocol_for(address.consumer_key)
        response: Response | None = None
        posting, began = False, clock.monotonic()
        request = partial(self._request, claim, score, clamped=clamped, began=began)
        try:
            target = Target(address.url, address.consumer_key, secret, claim.lis_result_sourcedid)
            wire = protocol.write_score(target, score, self._stamp())
            # Rule 3: the rest of the lease would not cover the request.
            if clock.monotonic() - claim.began > allowed:
                log.warning("attempt.put_off", assignment=claim.assignment_id)
                return self._put_off.finish(claim)
            posting = True
            response = await self._post(claim, wire, began=began)
            said = self._classify(claim, response, wire)
        except DeliveryError as error:
            return self._failed(request(number=await self._tries(claim, error)), response, error)
        except Exception:
            # A fault of ours must not have the same request repeated for ever, unseen.
            log.exception("attempt.failed", assignment=claim.assignment_id)
            if not posting:
                return self._put_off.finish(claim)
            return self._failed(request(), response, Ambiguous("a fault of passbackd's own; see its log", ours=True))
        return resolution.accepted(request(), response, said)

    async def _post(self, claim: Claim, wire: WireRequest, *, began: float) -> Response:
        dependencies, address = self._dependencies, claim.address
        metrics, consumer = dependencies.metrics, address.consumer_name
        with metrics.in_flight.labels(consumer).track_inprogress():
            response = await dependencies.sender.post(
                address.url,
                wire.body,
                wire.headers,
                consumer_key=address.consumer_key,
                abort=dependencies.abort,
                # Rule 3, for a process that stood still: the session's deadline counts from when it went on.
                in_time=lambda: dependencies.clock.monotonic() - began <= dependencies.settings.timeout_seconds,
            )
        dependencies.reached("answered")
        self._put_off.reset()
        metrics.request_seconds.labels(consumer).observe(response.seconds)
        offset = response.clock_offset(self._now())
        if offset is not None:
            metrics.clock_offset.labels(consumer).set(offset)
        return response

    def _classify(self, claim: Claim, response: Response, wire: WireRequest) -> Accepted:
        key = claim.address.consumer_key
        return protocol_for(key).read_response(
            response,
            now=self._now(),
            platform=self._dependencies.settings.platforms.get(key),
            hide=(*claim.ids, *wire.hide),
        )

    def _stamp(self) -> Stamp:
        return Stamp(self._dependencies.clock.now() // 1000, secrets.token_hex(16), uuid.uuid4().hex)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._dependencies.clock.now() / 1000, UTC)

    def _request(self, claim: Claim, score: str, *, clamped: bool, began: float, number: int | None = None) -> Request:
        clock = self._dependencies.clock
        return Request(claim, number or claim.attempt, score, clamped, clock.monotonic() - began, clock.now())

    async def _tries(self, claim: Claim, error: DeliveryError) -> int:
        """Which attempt this was; an unexplained refusal is parked early, so that only its like counts."""
        if not (isinstance(error, TryLater) and error.unexplained):
            return claim.attempt
        try:
            return min(claim.attempt, await count_unexplained(claim.assignment_id) + 1)
        except Exception:
            log.warning("ledger.unreadable", assignment=claim.assignment_id, exc_info=True)
            return 1

    def _failed(self, request: Request, response: Response | None, error: DeliveryError) -> Finish:
        return resolution.failed(
            request,
            response,
            error,
            self._dependencies.settings.rules,
            jitter=random.random(),  # noqa: S311 - spreads load, guards nothing
            stopping=self._dependencies.abort.is_set(),
        )

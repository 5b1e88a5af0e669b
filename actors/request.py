"""One request with one secret: written, sent and classified; or put off, where it cannot begin."""

import asyncio
import random
import secrets
from collections.abc import Callable

import structlog

from actors import resolution
from actors.access import with_token
from actors.dependencies import Dependencies
from actors.ended_request import EndedRequest, new_offset
from actors.errors import Ambiguous, BadToken, DeliveryError, Misconfigured, Omit, OutOfFiles, Overtaken, TryLater
from actors.overtaken import lifted_by_clock, overtaken
from actors.protocols.interface import Held, RequestId, WireRequest, WireScore
from actors.reading import read_held
from actors.response import Response
from actors.target import protocol_of, target_of
from models.address import RefusedAddress, whose_refusal
from models.claims import Claim
from models.consumer import note_product
from models.delivery import count_unexplained, scores_in_doubt
from models.finish import Finish
from models.others import Others, what_of_others
from models.queries.reconcile import once_sent, sent_beside
from models.scopes import RESULT_SCOPE, SCORE_SCOPE

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

    async def send(self, claim: Claim, score: WireScore, secret: str, *, clamped: bool, allowed: float) -> Finish:
        """
        Make one request with one secret, or access token.

        *allowed*: seconds since the claim after which it may not begin.
        """
        clock = self._dependencies.clock
        response: Response | None = None
        posting, began = False, clock.monotonic()

        def ended(number: int = claim.attempt) -> EndedRequest:
            took = clock.monotonic() - began
            return EndedRequest(claim, number, score.text, clamped, took, clock.now(), clock.steps)

        try:
            protocol = protocol_of(claim.address)
            target = target_of(claim, secret, self._dependencies.settings.platforms)
            request = RequestId(clock.now() // 1000, secrets.token_hex(16), secrets.token_hex(16))
            wire = protocol.write_score(target, score, request)
            # Rule 3: the rest of the lease would not cover the request.
            if clock.monotonic() - claim.began > allowed:
                log.warning("attempt.put_off", assignment=claim.assignment_id)
                return self.put_off(claim)
            posting = True
            response = await self._post(claim, wire, began=began)
            said = protocol.read_response(
                response,
                now=self._dependencies.clock.now_utc(),
                platform=target.product,
                redacted=(*claim.ids, *wire.redacted),
                sent=score,
            )
        except OutOfFiles as error:
            log.warning("attempt.out_of_files", assignment=claim.assignment_id, reason=error.reason)
            return self.put_off(claim, error)
        except (Overtaken, BadToken, Omit) as error:
            return await self._unstored(claim, error, response, ended, secret)
        except DeliveryError as error:
            return await self._failed(claim, error, response, ended)
        except Exception:
            # A fault of ours must not have the same request repeated for ever, unseen.
            log.exception("attempt.failed", assignment=claim.assignment_id)
            fault = Ambiguous("a fault of passbackd's own; see its log", ours=True)
            return await self._failed(claim, fault, response, ended) if posting else self.put_off(claim)
        end = resolution.accepted(ended(), response, said)
        if said.product is not None and target.product is None:
            await self._learn_product(claim, said.product)
        return end

    async def _learn_product(self, claim: Claim, product: str) -> None:
        """Once for each platform whose launches do not say what it is."""
        try:
            if await note_product(claim.address.consumer_id, product):
                log.info("consumer.product_recognised", consumer=claim.address.consumer_name, product=product)
        except Exception:
            # The next answer says it again.
            log.warning("consumer.product_not_noted", consumer=claim.address.consumer_name, exc_info=True)

    async def _failed(
        self, claim: Claim, error: DeliveryError, response: Response | None, ended: Callable[[int], EndedRequest]
    ) -> Finish:
        number, whose, others = await _tries(claim, error), await _whose(claim, error), await _others(claim, error)
        return resolution.failed(
            ended(number),
            response,
            error,
            self._dependencies.settings.rules,
            jitter=random.random(),  # noqa: S311 - spreads load, guards nothing
            stopping=self._dependencies.abort.is_set(),
            whose=whose,
            others=others,
        )

    async def _unstored(
        self,
        claim: Claim,
        error: Overtaken | BadToken | Omit,
        response: Response | None,
        ended: Callable[[int], EndedRequest],
        secret: str,
    ) -> Finish:
        """The end of an attempt of which the LMS stored nothing, and of which it may take another."""
        assert response is not None  # noqa: S101 - only answers say so
        if isinstance(error, Overtaken):
            return await self._overtaken(claim, error, response, ended, secret)
        if isinstance(error, BadToken):
            self._dependencies.tokens.drop(claim.address.consumer_id, SCORE_SCOPE, secret)
        # That other grades are accepted says nothing of this one: a line item may refuse every token.
        if (error.what if isinstance(error, Omit) else "token") not in claim.omitted.split():
            return resolution.at_once(ended(claim.attempt), response, error)
        status = error.http_status
        wrong: DeliveryError = (
            Misconfigured(error.reason, http_status=status)
            if isinstance(error, BadToken)
            else TryLater(error.reason, http_status=status, bytes_left=True, unexplained=True)
        )
        return await self._failed(claim, wrong, response, ended)

    async def _overtaken(
        self,
        claim: Claim,
        error: Overtaken,
        response: Response,
        ended: Callable[[int], EndedRequest],
        secret: str,
    ) -> Finish:
        arrived = ended(claim.attempt)
        offset = new_offset(arrived, response)
        held: Held | None = None
        if lifted_by_clock(arrived, offset) is None and claim.address.offers(RESULT_SCOPE):
            held = await self._held(claim, secret)
        # Only what is held is compared with them.
        once_sent = [] if held is None else await self._once_sent(claim)
        in_doubt = [] if held is None else await scores_in_doubt(claim.assignment_id, after=claim.sent_version)
        return overtaken(
            # Times count from when it is known what the campus holds.
            ended(claim.attempt),
            response,
            error,
            offset=offset,
            held=held,
            once_sent=once_sent,
            in_doubt=in_doubt,
            jitter=random.random(),  # noqa: S311 - spreads load, guards nothing
        )

    async def _once_sent(self, claim: Claim) -> list[str]:
        scores = [*await once_sent(claim.assignment_id), *await sent_beside(claim.assignment_id)]
        return scores if claim.sent_score is None else [*scores, claim.sent_score]

    async def _held(self, claim: Claim, secret: str) -> Held | None:
        """What the campus holds; None if it does not say within the lease."""
        dependencies = self._dependencies
        clock, limit = dependencies.clock, dependencies.settings.timeout_seconds
        latest = clock.monotonic() + limit

        async def ask(token: str) -> Held:
            held, _ = await read_held(
                dependencies.sender,
                protocol_of(claim.address),
                target_of(claim, token, dependencies.settings.platforms),
                clock=clock,
                in_time=lambda: clock.monotonic() <= latest,
                redacted=(*claim.ids, secret),
                abort=dependencies.abort,
            )
            return held

        try:
            async with asyncio.timeout(limit):
                return await with_token(dependencies.tokens, claim.address.consumer_id, RESULT_SCOPE, ask)
        except (DeliveryError, ValueError, TimeoutError) as error:
            log.info(
                "attempt.score_not_read", assignment=claim.assignment_id, reason=str(error) or type(error).__name__
            )
            return None

    async def _post(self, claim: Claim, wire: WireRequest, *, began: float) -> Response:
        dependencies, address = self._dependencies, claim.address
        metrics, consumer = dependencies.metrics, address.consumer_name
        with metrics.of(metrics.in_flight, consumer).track_inprogress():
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
        metrics.of(metrics.request_seconds, consumer).observe(response.seconds)
        offset = response.clock_offset(self._dependencies.clock.now_utc())
        if offset is not None:
            metrics.of(metrics.clock_offset, consumer).set(offset)
        return response


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

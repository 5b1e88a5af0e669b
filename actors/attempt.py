"""One attempt, its stages by name: grade, request, send, classify, finish."""

from __future__ import annotations

import asyncio
import random
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import structlog

from actors import resolution
from actors.breaker import next_breaker
from actors.errors import Ambiguous, DeliveryError, TryLater
from actors.failpoints import pass_by
from actors.grade import Grade, NoGrade, block_grade, wire_score
from actors.instrumentation import AttemptRecord, record_attempt, record_breaker
from actors.protocols import protocol_for
from actors.protocols.interface import Stamp, Target
from actors.resolution import Request
from actors.settings import MARGIN
from models.claims import superseded
from models.db.data_loader import DataLoader
from models.delivery import count_unexplained
from models.encryption import OPEN
from models.finishing import Finish, Finished, HandOver, finish
from models.score import read_wanted
from models.secrets import promote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from actors.client import Sender
    from actors.failpoints import Reached
    from actors.metrics import Metrics
    from actors.protocols.interface import Accepted, WireRequest
    from actors.response import Response
    from actors.settings import Settings
    from models.campus import Breaker, Signal
    from models.claims import Claim, Lease
    from models.course import CourseTrees
    from models.course_tree import Tree
    from models.db.clock import Clock
    from models.encryption import Cipher
    from models.score import Points

log = structlog.get_logger(__name__)

#: Seconds until an attempt that could not begin in time is made again; doubles while they keep coming.
PUT_OFF = 1.0
#: Seconds between two tries to finish an attempt; and where another transaction holds its row.
FINISH_RETRY, LOCKED_RETRY = 0.5, 0.02
#: Blocks whose scores are read by name; of more, all that the learner has in the course are read.
MAX_BY_NAME = 200


@dataclass(slots=True)
class Dependencies:
    """What the actors work with; handed in by the lifespan, or by a test. The settings may be replaced at any time."""

    sender: Sender
    trees: CourseTrees
    clock: Clock
    metrics: Metrics
    settings: Settings
    #: Whether what the stream held at start has been applied.
    may_send: Callable[[], bool]
    #: Set when requests under way must be given up, since the daemon has to end.
    abort: asyncio.Event
    #: Called at each failpoint that an attempt reaches.
    reached: Reached = pass_by
    #: Decrypts consumers' secrets.
    cipher: Cipher = OPEN

    def lease(self) -> Lease:
        """A lease that begins now."""
        return self.settings.lease(self.clock)


class Attempts:
    """
    Makes attempts.

    Args:
        partitions: How many queues there are; a claim that follows an attempt is of the same one.
        hands_over: Whether claims shall follow now.
        limit_changed: Called when a campus may have another number of requests than before.
    """

    def __init__(
        self,
        dependencies: Dependencies,
        *,
        partitions: int,
        hands_over: Callable[[], bool],
        limit_changed: Callable[[], None],
    ) -> None:
        self._dependencies = dependencies
        self._partitions = partitions
        self._hands_over = hands_over
        self._limit_changed = limit_changed
        self._put_off_times = 0
        #: What put the last one off. Attempts that asked together have it in common.
        self._fault: Exception | None = None
        self._scores = DataLoader(read_wanted)
        self._finishes = DataLoader(self._finish_many)

    async def make(self, claim: Claim) -> Claim | None:
        """Make one attempt; returns the claim that follows it, if any."""
        reached = self._dependencies.reached
        reached("claimed")
        log.debug(
            "attempt.started",
            assignment=claim.assignment_id,
            entry=claim.entry_id,
            user=claim.user_id,
            course=claim.course_id,
            usage=claim.usage_id,
        )
        end = await self._attempt(claim)
        finished = await self._finish(end)
        reached("ended")
        record_attempt(AttemptRecord(end, finished, self._dependencies.clock.now()), self._dependencies.metrics)
        return finished.next

    async def _attempt(self, claim: Claim) -> Finish:
        try:
            graded = await self._grade(claim)
            if isinstance(graded, Finish):
                return graded
            secrets_ = self._secrets(claim)
        except Exception as fault:
            log.exception("attempt.failed_before_request", assignment=claim.assignment_id)
            return self._put_off(claim, fault)
        return await self._with_secrets(claim, *graded, secrets_)

    # --- grade ---

    async def _grade(self, claim: Claim) -> Finish | tuple[str, bool]:
        """The score to send, and whether it was clamped. Each read is a later statement than the claim."""
        tree = await self._dependencies.trees.get(claim.course_id)
        grade = block_grade(claim.usage_id, tree, await self._read_scores(claim, tree))
        if grade is NoGrade.UNKNOWN_BLOCK:
            return resolution.not_sent(claim, "waiting")
        if not isinstance(grade, Grade):
            return resolution.not_sent(claim, "empty")
        score, clamped = wire_score(grade)
        if self._dependencies.settings.skip_unchanged and not claim.must_go_out and score == claim.sent_score:
            return resolution.not_sent(claim, "unchanged")
        # A leaf is always due.
        if claim.kind == "composite" and await superseded([claim], now=self._dependencies.clock.now()):
            return resolution.not_sent(claim, "superseded")
        return score, clamped

    async def _read_scores(self, claim: Claim, tree: Tree | None) -> Mapping[str, Points]:
        below: tuple[str, ...] = ()
        if tree is not None and claim.usage_id in tree:
            below = tuple(islice(tree.below(claim.usage_id), MAX_BY_NAME + 1))
        named = below if 0 < len(below) <= MAX_BY_NAME else None
        return await self._scores((claim.user_id, claim.course_id, named)) or {}

    def _secrets(self, claim: Claim) -> list[str]:
        """The consumer's secrets, the newest first: you cannot know when a campus switches to a new one."""
        stored = (claim.address.pending_secret, claim.address.consumer_secret)
        return [self._dependencies.cipher.decrypt(secret) for secret in stored if secret is not None]

    # --- request, send, classify ---

    async def _with_secrets(self, claim: Claim, score: str, clamped: bool, secrets_: Sequence[str]) -> Finish:  # noqa: FBT001
        first = await self._send(claim, score, secrets_[0], clamped=clamped, allowed=MARGIN)
        address = claim.address
        if len(secrets_) == 1:
            return first
        if first.outcome == "accepted" and address.pending_secret is not None:
            await self._promote(claim)
        if not resolution.may_be_the_secret(first):
            return first
        # The lease of a consumer with two secrets is as much longer.
        allowed = MARGIN + self._dependencies.settings.timeout_seconds
        second = await self._send(claim, score, secrets_[1], clamped=clamped, allowed=allowed)
        return resolution.of_two_secrets(first, second, now=self._dependencies.clock.now())

    async def _promote(self, claim: Claim) -> None:
        address = claim.address
        try:
            if await promote(address.consumer_key, address.pending_secret or ""):
                log.info("consumer.secret_promoted", consumer=address.consumer_name)
        except Exception:
            # The next attempt that the campus accepts does it.
            log.warning("consumer.secret_not_promoted", consumer=address.consumer_name, exc_info=True)

    async def _send(self, claim: Claim, score: str, secret: str, *, clamped: bool, allowed: float) -> Finish:
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
                return self._put_off(claim)
            posting = True
            response = await self._post(claim, wire)
            said = self._classify(claim, response, wire)
        except DeliveryError as error:
            return self._failed(request(number=await self._tries(claim, error)), response, error)
        except Exception:
            # A fault of ours must not have the same request repeated for ever, unseen.
            log.exception("attempt.failed", assignment=claim.assignment_id)
            if not posting:
                return self._put_off(claim)
            return self._failed(request(), response, Ambiguous("a fault of passbackd's own; see its log", ours=True))
        return resolution.accepted(request(), response, said)

    async def _post(self, claim: Claim, wire: WireRequest) -> Response:
        dependencies, address = self._dependencies, claim.address
        metrics, consumer = dependencies.metrics, address.consumer_name
        with metrics.in_flight.labels(consumer).track_inprogress():
            response = await dependencies.sender.post(
                address.url, wire.body, wire.headers, consumer_key=address.consumer_key, abort=dependencies.abort
            )
        dependencies.reached("answered")
        self._put_off_times, self._fault = 0, None
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

    def _put_off(self, claim: Claim, fault: Exception | None = None) -> Finish:
        """Give the attempt back for a while, longer each time until a request goes through; one fault counts once."""
        if fault is None or fault is not self._fault:
            self._put_off_times = min(self._put_off_times + 1, 6)
        self._fault = fault
        wait = PUT_OFF * 2 ** (self._put_off_times - 1)
        return resolution.not_sent(claim, "released", not_before=self._dependencies.clock.now() + int(wait * 1000))

    # --- finish ---

    async def _finish(self, end: Finish) -> Finished:
        """
        Finish the attempt; while the database is away, again, for as long as it could still matter.

        That is until its claim has long been rescued, and until a score that the LMS may yet store is in.
        """
        clock = self._dependencies.clock
        hold_ms = max(end.hold_until - clock.now(), 0)
        deadline = clock.monotonic() + self._dependencies.settings.lease_seconds + hold_ms / 1000
        alone = False
        while True:
            wait = FINISH_RETRY
            try:
                # A batch may fail for another's fault.
                found = (await self._finish_many([end])).get(end) if alone else await self._finishes(end)
                if found is not None and not found.locked:
                    return found
                wait = LOCKED_RETRY
            except Exception:
                if clock.monotonic() > deadline or self._dependencies.abort.is_set():
                    raise
                log.warning("attempt.not_finished_yet", assignment=end.claim.assignment_id, exc_info=True)
                alone = True
            await asyncio.sleep(wait)

    async def _finish_many(self, ends: Sequence[Finish]) -> Mapping[Finish, Finished]:
        dependencies = self._dependencies
        lease = dependencies.lease()
        hand_over = HandOver(lease, self._partitions) if self._hands_over() and len(ends) > 0 else None
        found, changes = await finish(
            ends, now=lease.now, next_breaker=partial(self._next_breaker, lease.now), hand_over=hand_over
        )
        for change in changes:
            record_breaker(change, next(end.claim.address for end in ends if _is_at(end, change.after.campus_id)))
        if changes:
            self._limit_changed()
        return found

    def _next_breaker(self, now: int, breaker: Breaker, signal: Signal) -> Breaker:
        return next_breaker(
            breaker,
            signal,
            now=now,
            max_per_campus=self._dependencies.settings.max_per_campus,
            jitter=random.random(),  # noqa: S311 - as above
        )


def _is_at(end: Finish, campus_id: int) -> bool:
    return end.claim.address.campus_id == campus_id

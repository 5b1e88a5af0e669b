"""
One attempt from claim to ledger: read the newest score, write and sign, send, read the answer, end.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import structlog

from actors import resolution as verdicts
from actors.errors import Ambiguous, DeliveryError, TryLater
from actors.failpoints import pass_by
from actors.grade import Grade, NoGrade, block_grade, wire_score
from actors.instrumentation import Told, tell
from actors.protocols.lti11 import oauth1
from actors.protocols.lti11.basic_outcome import replace_result
from actors.protocols.lti11.responses import clock_offset, judge
from actors.request import signed
from actors.resolution import Attempt, Rules, Verdict
from models import attempt as attempts
from models import together
from models.attempt import Accepted as AcceptedEnd
from models.attempt import Address, Claim, Empty, Ended, Parked, Released, Uncertain, Unchanged, Waiting
from models.db.batcher import Batcher
from models.delivery import count_unexplained
from models.encryption import OPEN
from models.score import read_wanted
from models.secrets import promote, take_turns
from models.together import Acceptance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from actors.client import Sender
    from actors.failpoints import Reached
    from actors.gate import Gates, Pass
    from actors.metrics import Metrics
    from actors.protocols.lti11.platforms import Profile
    from actors.protocols.lti11.responses import Accepted
    from actors.response import Answer
    from models.course import CourseTrees
    from models.course_tree import Tree
    from models.db.clock import Clock
    from models.encryption import Vault
    from models.score import Points

log = structlog.get_logger(__name__)

#: Seconds that may pass between the claim and the first byte of its request. Part of every lease.
MARGIN = 5.0
#: Seconds until an attempt that could not begin in time is made again; doubles while they keep coming.
PUT_OFF = 1.0
#: Milliseconds until a grade that a campus refused with both secrets of its consumer is tried again.
OTHER_SECRET_MS = 60_000
#: Seconds between two tries to write an attempt's end.
END_RETRY = 0.5
#: Blocks whose scores are read by name; of more, all that the learner has in the course are read.
MOST_BY_NAME = 200


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator set. Seconds."""

    timeout_seconds: float
    rules: Rules
    skip_unchanged: bool = True
    #: By consumer key, how its LMS answers; the others' are recognised from what they answer.
    profiles: Mapping[str, Profile] = field(default_factory=dict)

    @property
    def lease_seconds(self) -> float:
        """
        Rule 3: margin, HTTP deadline and hold, derived and never configured beside them.

        Whatever a lost holder let go has landed by then.
        """
        return MARGIN + self.timeout_seconds + self.rules.hold_seconds


@dataclass(slots=True)
class Tools:
    """What the actors work with; handed in by the lifespan, or by a test. The settings may be replaced at any time."""

    sender: Sender
    gates: Gates
    trees: CourseTrees
    clock: Clock
    metrics: Metrics
    settings: Settings
    #: Whether what stood in the stream at start has been applied.
    may_send: Callable[[], bool]
    #: Set when requests under way must be given up, since the daemon has to end.
    abort: asyncio.Event
    #: Told of each point that an attempt comes by.
    reached: Reached = pass_by
    #: Opens consumers' secrets.
    vault: Vault = OPEN


class Walk:
    """Makes attempts, each behind its campus's gate, which the caller holds."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._put_off_times = 0
        #: What put the last one off. Attempts that asked together have it in common.
        self._fault: Exception | None = None
        self._claims = Batcher(self._claim_together)
        self._scores = Batcher(read_wanted)
        self._ends = Batcher(self._accept_together)

    async def attempt(self, assignment_id: int, address: Address, admitted: Pass) -> Ended | None:
        """Claim and make one attempt, and let the gate know; None where there was nothing to claim."""
        clock = self._tools.clock
        began = clock.monotonic()
        claim = await self._claim(assignment_id, secrets.randbits(63))
        if claim is None:
            return None
        self._tools.reached("claimed")
        log.debug(
            "an attempt begins",
            assignment=claim.assignment_id,
            entry=claim.entry_id,
            user=claim.user_id,
            course=claim.course_key,
            usage=claim.usage_key,
        )
        if claim.took_over:
            self._tools.metrics.outcomes.labels(address.consumer_name, claim.kind, "unknown").inc()
        probe = admitted.campus_away
        verdict = await self._walk(claim, address, admitted, began)
        admitted.answered(verdict)
        doubted = address.pending is not None and verdicts.may_be_the_secret(verdict)
        if doubted:
            verdict = self._with_the_other_secret(verdict, address)
        ended = await self._end(claim, verdict)
        self._tools.reached("ended")
        tell(Told(claim, address, verdict, ended, probe=probe, now=clock.now()), self._tools.metrics)
        await admitted.report(assignment_id, verdict)
        await self._judge_secret(verdict, address, doubted=doubted)
        return ended

    async def _claim(self, assignment_id: int, token: int) -> Claim | None:
        claim = await self._claims((assignment_id, token))
        if claim is not None:
            return claim
        return await attempts.claim(assignment_id, token=token, now=self._tools.clock.now(), lease_ms=self._lease_ms)

    async def _claim_together(self, tokens: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Claim]:
        return await together.claim(tokens, now=self._tools.clock.now(), lease_ms=self._lease_ms)

    async def _accept_together(self, ends: Sequence[Acceptance]) -> dict[Acceptance, Ended]:
        return await together.accept(ends, now=self._tools.clock.now())

    @property
    def _lease_ms(self) -> int:
        return int(self._tools.settings.lease_seconds * 1000)

    def _with_the_other_secret(self, verdict: Verdict, address: Address) -> Verdict:
        """A campus that refuses the secret may have changed to the pending one: that is tried at once."""
        if isinstance(verdict.end, Uncertain):
            return verdict  # what is in doubt is held, whatever was meant
        now = self._tools.clock.now()
        if not address.uses_pending:
            return replace(verdict, end=Released(now))
        # Nobody is parked for a secret that the campus does not know yet.
        return replace(verdict, end=Released(now + OTHER_SECRET_MS)) if isinstance(verdict.end, Parked) else verdict

    async def _judge_secret(self, verdict: Verdict, address: Address, *, doubted: bool) -> None:
        """What an attempt tells of the two secrets of a consumer whose secret is to change."""
        if address.pending is None:
            return
        consumer_id = address.campus.consumer_id
        if doubted or (address.uses_pending and verdict.health == "fails"):
            await take_turns(consumer_id, refused_pending=address.uses_pending)
        elif verdict.result == "accepted" and address.uses_pending and await promote(consumer_id, address.pending):
            log.info("the pending secret of a consumer was accepted and is its secret", consumer=address.consumer_name)

    async def _walk(self, claim: Claim, address: Address, admitted: Pass, began: float) -> Verdict:
        """From the claim to what became of it."""
        try:
            ready = await self._prepare(claim, address)
        except Exception as fault:
            log.exception("an attempt failed before anything was sent", assignment=claim.assignment_id)
            return verdicts.not_sent(self._put_off(fault), "released")
        return ready if isinstance(ready, Verdict) else await self._send(claim, address, admitted, *ready, began=began)

    async def _prepare(self, claim: Claim, address: Address) -> Verdict | tuple[str, bool]:
        """The score to send, and whether it was clamped. Each read is a later statement than the claim."""
        if claim.outcome_service_id != address.outcome_service_id:
            return verdicts.not_sent(Released(), "released")  # a launch moved it between our look and our claim
        grade = await self._read_grade(claim)
        if grade is NoGrade.UNKNOWN_BLOCK:
            return verdicts.not_sent(Waiting(), "released")
        if grade is NoGrade.NOTHING_ATTEMPTED:
            return verdicts.not_sent(Empty(), "empty")
        score, clamped = wire_score(grade)
        if self._tools.settings.skip_unchanged and not claim.must_go_out and score == claim.sent_score:
            return verdicts.not_sent(Unchanged(), "unchanged")
        # A leaf is always due.
        if claim.kind == "composite" and await attempts.is_superseded(claim, now=self._tools.clock.now()):
            return verdicts.not_sent(Released(), "superseded")
        return score, clamped

    async def _read_grade(self, claim: Claim) -> Grade | NoGrade:
        tree = await self._tools.trees.get(claim.course_key)
        return block_grade(claim.usage_key, tree, await self._read_scores(claim, tree))

    async def _read_scores(self, claim: Claim, tree: Tree | None) -> Mapping[str, Points]:
        below: tuple[str, ...] = ()
        if tree is not None and claim.usage_key in tree:
            below = tuple(islice(tree.below(claim.usage_key), MOST_BY_NAME + 1))
        named = below if 0 < len(below) <= MOST_BY_NAME else None
        return await self._scores((claim.user_id, claim.course_key, named)) or {}

    async def _send(
        self,
        claim: Claim,
        address: Address,
        admitted: Pass,
        score: str,
        clamped: bool,  # noqa: FBT001
        *,
        began: float,
    ) -> Verdict:
        tools, clock = self._tools, self._tools.clock
        answer: Answer | None = None
        posting = False
        try:
            body, headers = self._request(claim, address, score)
            # Rule 3: the rest of the lease would not cover the request.
            if clock.monotonic() - began > MARGIN:
                log.warning("an attempt was too slow to begin and is put off", assignment=claim.assignment_id)
                return verdicts.not_sent(self._put_off(), "released")
            posting = True
            with tools.metrics.in_flight.labels(address.consumer_name).track_inprogress():
                answer = await tools.sender.post(
                    address.url, body, headers, consumer_key=address.consumer_key, abort=tools.abort
                )
            tools.reached("answered")
            self._put_off_times, self._fault = 0, None
            self._measure(address, answer)
            said = self._judge(address, answer, (*claim.ids, *oauth1.secrets_of(headers)))
        except DeliveryError as error:
            made = self._made(claim, score, clamped=clamped, number=await self._tries(claim, error))
            return self._failed(admitted, made, answer, error)
        except Exception:
            # A fault of ours must not have the same request repeated for ever, unseen.
            log.exception("an attempt failed on a fault of ours", assignment=claim.assignment_id)
            if not posting:
                return verdicts.not_sent(self._put_off(), "released")
            fault = Ambiguous("a fault of passbackd's own; see its log", ours=True)
            return self._failed(admitted, self._made(claim, score, clamped=clamped), answer, fault)
        return verdicts.accepted(self._made(claim, score, clamped=clamped), answer, said)

    def _made(self, claim: Claim, score: str, *, clamped: bool, number: int | None = None) -> Attempt:
        return Attempt(number or claim.attempt, score, clamped, self._tools.clock.now(), claim.due_at)

    def _measure(self, address: Address, answer: Answer) -> None:
        metrics, consumer = self._tools.metrics, address.consumer_name
        metrics.request_seconds.labels(consumer).observe(answer.seconds)
        offset = clock_offset(answer, self._now())
        if offset is not None:
            metrics.clock_offset.labels(consumer).set(offset)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._tools.clock.now() / 1000, UTC)

    def _judge(self, address: Address, answer: Answer, hide: Sequence[str]) -> Accepted:
        return judge(
            answer,
            now=self._now(),
            profile=self._tools.settings.profiles.get(address.consumer_key),
            hide=(*hide, address.consumer_secret),
        )

    async def _tries(self, claim: Claim, error: DeliveryError) -> int:
        """Which attempt this was; a refusal that nobody understands is parked early, so that only its like counts."""
        if not (isinstance(error, TryLater) and error.unexplained):
            return claim.attempt
        try:
            return min(claim.attempt, await count_unexplained(claim.assignment_id) + 1)
        except Exception:
            log.warning("the ledger could not be read", assignment=claim.assignment_id, exc_info=True)
            return 1

    def _failed(self, admitted: Pass, made: Attempt, answer: Answer | None, error: DeliveryError) -> Verdict:
        return verdicts.failed(
            made,
            answer,
            error,
            self._tools.settings.rules,
            jitter=random.random(),  # noqa: S311 - spreads load, guards nothing
            stopping=self._tools.abort.is_set(),
            campus_away=admitted.campus_away,
        )

    def _request(self, claim: Claim, address: Address, score: str) -> tuple[bytes, dict[str, str]]:
        return signed(
            lambda message_id: replace_result(claim.lis_result_sourcedid, score, message_id=message_id),
            address,
            now=self._tools.clock.now(),
        )

    def _put_off(self, fault: Exception | None = None) -> Released:
        """Give the attempt back for a while, longer each time until a request goes through; one fault counts once."""
        if fault is None or fault is not self._fault:
            self._put_off_times = min(self._put_off_times + 1, 6)
        self._fault = fault
        wait = PUT_OFF * 2 ** (self._put_off_times - 1)
        return Released(self._tools.clock.now() + int(wait * 1000))

    async def _end(self, claim: Claim, verdict: Verdict) -> Ended:
        """
        Write the end; while the database is away, again, for as long as it could still matter.

        That is until whoever takes over has long done so, and until a score that the LMS may yet store is in: after
        that nobody would wait for it.
        """
        clock = self._tools.clock
        hold_ms = verdict.end.hold_until - clock.now() if isinstance(verdict.end, Uncertain) else 0
        deadline = clock.monotonic() + self._tools.settings.lease_seconds + max(hold_ms, 0) / 1000
        alone = False
        while True:
            try:
                ended = await self._accept(claim, verdict) if not alone else None
                return ended or await attempts.end(
                    claim, verdict.end, now=clock.now(), line=verdict.line, redo_if_fenced=verdict.bytes_left
                )
            except Exception:
                if clock.monotonic() > deadline or self._tools.abort.is_set():
                    raise
                log.warning(
                    "the end of an attempt could not be written yet", assignment=claim.assignment_id, exc_info=True
                )
            alone = True  # it may have been another's fault
            await asyncio.sleep(END_RETRY)

    async def _accept(self, claim: Claim, verdict: Verdict) -> Ended | None:
        """The end of almost every attempt, together with others; None where it takes more thought."""
        if not isinstance(verdict.end, AcceptedEnd) or verdict.line is None:
            return None
        return await self._ends(Acceptance(claim, verdict.end.score, verdict.line))

"""One attempt, its stages by name: grade, send (:mod:`actors.request`), finish (:mod:`actors.finisher`)."""

from collections.abc import Mapping, Sequence

import structlog

from actors import resolution
from actors.compute_grade import Grade, NoGrade, block_grade, wire_score
from actors.dependencies import Dependencies
from actors.finisher import Finisher
from actors.instrumentation import AttemptRecord, record_attempt
from actors.lease import MARGIN
from actors.request import Requests
from actors.score_details import cleared, with_details
from actors.target import product_of
from models.claims import Claim, superseded
from models.course_tree import Tree
from models.db.data_loader import DataLoader
from models.finish import Finish
from models.scopes import SCORE_SCOPE
from models.score import Points, read_wanted, wanted_below
from models.secrets import promote
from models.unoffered import offers_scores

log = structlog.get_logger(__name__)


class Attempts:
    """Makes attempts; *finisher* ends them."""

    def __init__(self, dependencies: Dependencies, finisher: Finisher) -> None:
        self._dependencies = dependencies
        self._requests = Requests(dependencies)
        self._finisher = finisher
        self._scores = DataLoader(read_wanted)

    async def make(self, claim: Claim) -> Claim | None:
        """Make one attempt; returns the claim that follows it, if any."""
        hit = self._dependencies.hit
        hit("claimed")
        log.debug(
            "attempt.started",
            assignment=claim.assignment_id,
            entry=claim.entry_id,
            user=claim.user_id,
            course=claim.course_id,
            usage=claim.usage_id,
        )
        end = await self._attempt(claim)
        finished = await self._finisher.finish(end)
        hit("ended")
        record_attempt(AttemptRecord(end, finished, self._dependencies.clock.now()), self._dependencies.metrics)
        return finished.next

    async def _attempt(self, claim: Claim) -> Finish:
        try:
            graded = await self._grade(claim)
            if isinstance(graded, Finish):
                return graded
            if claim.address.issuer is not None and not offers_scores(claim.address.offered):
                return resolution.not_offered(claim)
            secrets = self._secrets(claim)
            if not secrets:
                return self._requests.put_off(claim)
        except Exception as fault:
            log.exception("attempt.failed_before_request", assignment=claim.assignment_id)
            return self._requests.put_off(claim, fault)
        score, clamped = graded
        return await self._send(claim, score, secrets, clamped=clamped)

    # --- grade ---

    async def _grade(self, claim: Claim) -> Finish | tuple[str, bool]:
        """The score to send, and whether it was clamped. Each read is a later statement than the claim."""
        tree, scores = await self._read(claim)
        grade = block_grade(claim.usage_id, tree, scores)
        if grade is NoGrade.UNKNOWN_BLOCK or claim.address.wanted_for is not None:
            return resolution.not_sent(claim, "waiting")
        if grade is NoGrade.CLEARED and (claim.sent_score is not None or claim.must_go_out):
            score, clamped = cleared(claim), False
        elif isinstance(grade, Grade):
            score, clamped = wire_score(grade)
        else:
            return resolution.not_sent(claim, "empty")
        if self._dependencies.settings.skip_unchanged and not claim.must_go_out and score == claim.sent_score:
            return resolution.not_sent(claim, "unchanged")
        # A leaf is always due.
        if claim.kind == "composite" and await superseded([claim], now=self._dependencies.clock.now()):
            return resolution.not_sent(claim, "superseded")
        return score, clamped

    async def _read(self, claim: Claim) -> tuple[Tree | None, Mapping[str, Points | None]]:
        """The course's tree, and the scores that make the grade."""
        if claim.kind == "composite":
            tree = await self._dependencies.trees.get(claim.course_id, claim.user_id)
            return tree, await self._read_scores(claim, tree)
        # Almost every leaf is made of its own score alone: that is read beside the tree.
        reading = self._scores((claim.user_id, claim.course_id, (claim.usage_id,)))
        try:
            tree = await self._dependencies.trees.get(claim.course_id, claim.user_id)
        except BaseException:
            reading.cancel()
            raise
        own = await reading
        if own and not (tree is not None and claim.usage_id in tree and tree.has_children(claim.usage_id)):
            return tree, own
        return tree, await self._read_scores(claim, tree)

    async def _read_scores(self, claim: Claim, tree: Tree | None) -> Mapping[str, Points | None]:
        return await self._scores(wanted_below(claim.user_id, claim.course_id, claim.usage_id, tree)) or {}

    # --- send ---

    def _secrets(self, claim: Claim) -> list[str]:
        """
        The consumer's secrets, the newest first: you cannot know when a campus switches to a new one.

        Or the platform's access token; none if it has just expired.
        """
        if claim.address.issuer is not None:
            token = self._dependencies.tokens.usable(claim.address.consumer_id, SCORE_SCOPE)
            return [] if token is None else [token]
        stored = (claim.address.pending_secret, claim.address.consumer_secret)
        return [self._dependencies.cipher.decrypt(secret) for secret in stored if secret is not None]

    async def _send(self, claim: Claim, text: str, secrets: Sequence[str], *, clamped: bool) -> Finish:
        settings, key = self._dependencies.settings, claim.address.consumer_key
        score = with_details(
            text,
            claim,
            product=product_of(claim.address, settings.platforms),
            prioritizes=key in settings.prioritized,
        )
        first = await self._requests.send(claim, score, secrets[0], clamped=clamped, allowed=MARGIN)
        if len(secrets) == 1:
            return first
        if first.outcome == "accepted":
            await self._promote(claim)
        if not resolution.may_be_the_secret(first):
            return first
        # The lease of a consumer with two secrets is as much longer.
        allowed = MARGIN + self._dependencies.settings.timeout_seconds
        second = await self._requests.send(claim, score, secrets[1], clamped=clamped, allowed=allowed)
        return resolution.of_two_secrets(first, second, now=self._dependencies.clock.now())

    async def _promote(self, claim: Claim) -> None:
        address = claim.address
        try:
            if await promote(address.consumer_key, address.pending_secret or ""):
                log.info("consumer.secret_promoted", consumer=address.consumer_name)
        except Exception:
            # The next attempt that the campus accepts does it.
            log.warning("consumer.secret_not_promoted", consumer=address.consumer_name, exc_info=True)

"""Asks a campus for one learner's score, within its limit."""

import asyncio
from dataclasses import dataclass, field, replace

from actors.access import AccessTokens, NoTokens, with_token
from actors.breaker import next_breaker
from actors.client import Sender
from actors.errors import DeliveryError, GiveUp, Misconfigured, TryLater
from actors.finisher import LOCKED_RETRY
from actors.lease import MARGIN, new_lease
from actors.reading import read_held
from actors.settings import Settings
from actors.target import protocol_of, target_of
from models.assignment import GradedAssignment
from models.campus import Breaker, Signal
from models.claims import Claim, claim_for_reading
from models.db.clock import Clock
from models.encryption import PLAINTEXT, Cipher
from models.finish import Finish
from models.finishing import finish
from models.scopes import RESULT_SCOPE


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What a campus said.

    *held*: the score as it wrote it; empty where it holds none, None where it did not say. *why*: why not.
    *unsupported*: whether that concerns the campus, and not this learner or course alone. *gone*: whether it does not
    know the learner or the sourcedid any more.
    """

    held: str | None
    why: str = ""
    unsupported: bool = False
    gone: bool = False


class NotReadError(Exception):
    """A campus cannot be read from now; nothing was asked."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What a campus is asked with."""

    sender: Sender
    clock: Clock
    settings: Settings
    #: Decrypts consumers' secrets.
    cipher: Cipher = PLAINTEXT
    #: Access tokens of LTI 1.3 platforms.
    tokens: AccessTokens = field(default_factory=NoTokens)

    async def read(self, assignment_id: int) -> Reading | None:
        """
        Claim the assignment, so that it is not sent meanwhile, and ask. A claim counts for the campus's limit.

        Neither a failure nor an answer moves the campus's breaker: they do not say whether it takes grades. While the
        breaker is tripped only probes go there.

        Returns None if the assignment is gone.

        Raises:
            NotReadError: Not now.
        """
        claim = await claim_for_reading(assignment_id, new_lease(self.settings, self.clock))
        if claim is None:
            if not await GradedAssignment.exists(id=assignment_id):
                return None
            raise NotReadError("all its slots are taken")
        signal: Signal | None = None
        try:
            if claim.tripped_at is not None:
                raise NotReadError("the campus is down")
            reading, after = await self._ask(claim)
            signal = _neutral(claim, after)
        except DeliveryError as error:
            if isinstance(error, TryLater) and error.throttled:
                signal = replace(_neutral(claim, error.after), kind="throttled", error=error.reason)
                raise NotReadError(error.reason) from error
            scope = error.scope if isinstance(error, GiveUp) else "campus"
            return Reading(
                None, error.reason, unsupported=scope == "campus", gone=scope == "learner" and error.bytes_left
            )
        else:
            return reading
        finally:
            await self._release(claim, signal)

    async def _ask(self, claim: Claim) -> tuple[Reading, float | None]:
        """What the campus says, and how long it wants to be left alone for."""
        address = claim.address
        if address.issuer is not None:
            if not address.offers(RESULT_SCOPE):
                return Reading(None, "its launches did not offer the scope result.readonly", unsupported=True), None
            allowed = MARGIN + self.settings.timeout_seconds
            return await with_token(
                self.tokens,
                address.consumer_id,
                RESULT_SCOPE,
                lambda token: self._ask_with(claim, token, allowed=allowed),
            )
        stored = (address.pending_secret, address.consumer_secret)
        newest, *others = [self.cipher.decrypt(secret) for secret in stored if secret is not None]
        try:
            return await self._ask_with(claim, newest, allowed=MARGIN)
        except Misconfigured:
            # You cannot know when a campus switches to a new secret.
            if not others:
                raise
            return await self._ask_with(claim, others[0], allowed=MARGIN + self.settings.timeout_seconds)

    async def _ask_with(self, claim: Claim, secret: str, *, allowed: float) -> tuple[Reading, float | None]:
        """One question with one secret. *allowed*: seconds since the claim after which it may not begin."""
        # Rule 3: a request that began later would be one too many for the campus.
        if self.clock.monotonic() - claim.began > allowed:
            raise NotReadError("its claim came too late")
        latest = allowed + self.settings.timeout_seconds
        try:
            held, said = await read_held(
                self.sender,
                protocol_of(claim.address),
                target_of(claim, secret, self.settings.platforms),
                clock=self.clock,
                in_time=lambda: self.clock.monotonic() - claim.began <= latest,
                redacted=claim.ids,
            )
        except ValueError as error:
            return Reading(None, str(error), unsupported=True), None
        return Reading(held.score), said.after

    async def _release(self, claim: Claim, signal: Signal | None) -> None:
        end = Finish(claim, "read", given_back=True, signal=signal)
        while True:
            found, _ = await finish(
                [end], now=self.clock.now(), next_breaker=self._next_breaker, steps=self.clock.steps
            )
            if not found[end].locked:
                return
            await asyncio.sleep(LOCKED_RETRY)

    def _next_breaker(self, breaker: Breaker, signal: Signal) -> Breaker:
        # It may have tripped while the request was under way.
        if breaker.tripped_at is not None:
            return breaker
        limit = self.settings.max_per_campus
        return next_breaker(breaker, signal, now=self.clock.now(), max_per_campus=limit, jitter=0.0)


def _neutral(claim: Claim, after: float | None) -> Signal:
    return Signal(
        "neutral",
        campus_id=claim.address.campus_id,
        assignment_id=claim.assignment_id,
        claimed_at=claim.claimed_at,
        answered=True,
        after=after,
    )

"""
One look for a link's line item: it is found, or made, or looked for again later.

A line item that is made twice is there twice. So a look that may have made one without knowing is followed by another
only once whatever it sent has landed, and each begins with reading what is there.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from actors.access import AccessTokens, NextBreaker, signal_campuses, with_token
from actors.client import Abort, Sender
from actors.ended_request import SignalKind
from actors.errors import Ambiguous, BadToken, DeliveryError, Misconfigured, OutOfFiles, TryLater
from actors.protocols.answers import BUSY, is_limited
from actors.protocols.interface import WireRequest
from actors.protocols.lti13 import line_items
from actors.reading import MAX_PAGES, ask
from actors.response import Response
from actors.settings import Settings
from models.campus import Breaker, Signal
from models.db.clock import Clock
from models.line_item import WantedLineItem, line_item_found, look_failed, used_instead
from models.scopes import LINEITEM_READ_SCOPE, LINEITEM_SCOPE

log = structlog.get_logger(__name__)

#: Seconds from the beginning of a look after which it makes no line item any more.
LOOK_SECONDS = 20.0
#: Seconds until the next look after the first failure, doubling, and the longest.
FIRST_LOOK_PAUSE, LONGEST_LOOK_PAUSE = 10.0, 3600.0


@dataclass(eq=False)
class LookFailedError(Exception):
    """
    The look ends without a line item. *reason*: in words for people.

    *in_doubt*: whether one may have been made, or be made yet. *after*: seconds that the platform asked for. *says*:
    what the campus's breaker learns of it; None: nothing. *answered*: whether the campus itself said so.
    """

    reason: str
    in_doubt: bool = False
    after: float | None = None
    says: SignalKind | None = None
    answered: bool = False


@dataclass(frozen=True, slots=True)
class LineItems:
    """
    Looks for line items.

    *tokens*: with the scopes for line items. *settings*: those in force. *abort* ends requests under way.
    *next_breaker*: the breaker of a campus after what a look says of it.

    Spec: LTI AGS 2.0, 3.2.
    """

    sender: Sender
    tokens: AccessTokens
    clock: Clock
    settings: Callable[[], Settings]
    abort: Abort
    next_breaker: NextBreaker

    def lease_ms(self) -> int:
        """Milliseconds until all that a look sent has landed: the look, one deadline, and the hold (rule 3)."""
        settings = self.settings()
        return int((LOOK_SECONDS + settings.timeout_seconds + settings.rules.hold_seconds) * 1000)

    async def look(self, wanted: WantedLineItem) -> bool:
        """
        Find a link's line item, or make it, and move its assignments there. Returns whether it is known now.

        What goes wrong is logged and stored, and the next look waits for its time.
        """
        self.tokens.corrected(wanted.consumer_id, wanted.corrected_at)
        try:
            item = await self._find(wanted) or await self._make(wanted)
            landed = await line_item_found(wanted, item.url, now=self.clock.now())
        except LookFailedError as failed:
            await self._failed(wanted, failed)
            return False
        except DeliveryError as error:
            # Before anything was to be made.
            await self._failed(wanted, _of_delivery(error, stopping=self.abort.is_set()))
            return False
        except Exception as fault:
            # The next look finds what this one made.
            log.exception("line_item.fault", service=wanted.service_id)
            await self._failed(
                wanted, LookFailedError(f"a fault of passbackd's own: {type(fault).__name__}", in_doubt=True)
            )
            return False
        if not landed and (used := await used_instead(wanted, item.url)):
            # Of what landed too late, or was frozen too long: nothing is deleted from a gradebook.
            log.warning("line_item.doubled", consumer=wanted.consumer_key, used=used, unused=item.url)
        log.info("line_item.known", service=wanted.service_id, consumer=wanted.consumer_key, assignments=len(landed))
        return True

    async def _failed(self, wanted: WantedLineItem, failed: LookFailedError) -> None:
        pause = min(FIRST_LOOK_PAUSE * 2 ** min(wanted.failures, 20), LONGEST_LOOK_PAUSE) * random.uniform(0.5, 1)  # noqa: S311
        wait = max(pause, min(failed.after or 0, LONGEST_LOOK_PAUSE))
        if failed.in_doubt:
            wait = max(wait, self.settings().rules.hold_seconds)
        log.warning("line_item.unknown", service=wanted.service_id, reason=failed.reason, in_doubt=failed.in_doubt)
        await look_failed(wanted, failed.reason, look_at=self.clock.now() + int(wait * 1000))
        if failed.says is not None:
            await signal_campuses(
                [wanted.campus_id],
                lambda breaker: _signal(breaker, failed, self.clock.now()),
                clock=self.clock,
                next_breaker=self.next_breaker,
                consumer=wanted.consumer_name,
            )

    # --- find ---

    async def _find(self, wanted: WantedLineItem) -> line_items.LineItem | None:
        """By the platform's id of the link, then by the tool's of the activity."""
        if wanted.resource_link_id is not None:
            found = await self._read(wanted, resource_link_id=wanted.resource_link_id)
            if found is not None:
                return found
        return await self._read(wanted, resource_id=wanted.resource_id)

    async def _read(self, wanted: WantedLineItem, **by: str) -> line_items.LineItem | None:
        async def read(token: str) -> line_items.LineItem | None:
            return await self._read_with(wanted, token, by)

        scope, *others = _reading_scopes(wanted)
        try:
            return await with_token(self.tokens, wanted.consumer_id, scope, read)
        except Misconfigured as error:
            if not others or error.http_status is None:
                raise
        return await with_token(self.tokens, wanted.consumer_id, others[0], read)

    async def _read_with(self, wanted: WantedLineItem, token: str, by: dict[str, str]) -> line_items.LineItem | None:
        more: str | None = None
        for _ in range(MAX_PAGES):
            try:
                wire = line_items.write_find(wanted.container, token, more=more, **by)
                response = await self._send(wanted, wire)
                self._check(response, "to a question for its line items")
                page = line_items.read_line_items(response, container=wanted.container)
            except ValueError as error:
                raise LookFailedError(f"line items: {error}") from error
            # One that is another link's is not this one's, although the tool's id is the same.
            own = [item for item in page.items if _may_be_of(item, wanted)]
            found = line_items.chosen(own, **by)
            if found is not None or page.more is None:
                return found
            more = page.more
        raise LookFailedError(f"line items: its list has more than {MAX_PAGES} pages")

    # --- make ---

    async def _make(self, wanted: WantedLineItem) -> line_items.LineItem:
        return await with_token(
            self.tokens, wanted.consumer_id, LINEITEM_SCOPE, lambda token: self._make_with(wanted, token)
        )

    async def _make_with(self, wanted: WantedLineItem, token: str) -> line_items.LineItem:
        wire = line_items.write_create(
            wanted.container,
            token,
            label=wanted.label,
            resource_id=wanted.resource_id,
            resource_link_id=wanted.resource_link_id,
        )
        if self._spent(wanted) > LOOK_SECONDS:
            raise LookFailedError("line items: the look took too long, and made none")
        try:
            response = await self._send(wanted, wire)
        except Ambiguous as error:
            raise replace(_of_delivery(error, stopping=self.abort.is_set()), in_doubt=True) from error
        self._check(response, "to the making of a line item", makes=True)
        try:
            return line_items.read_created(response, container=wanted.container)
        except ValueError as error:
            raise LookFailedError(f"line items: {error}", in_doubt=True) from error

    # --- requests ---

    def _spent(self, wanted: WantedLineItem) -> float:
        return self.clock.monotonic() - wanted.began

    async def _send(self, wanted: WantedLineItem, wire: WireRequest) -> Response:
        late = False

        def in_time() -> bool:
            """For a process that was suspended: nothing is written that the lease does not cover."""
            nonlocal late
            late = self._spent(wanted) > LOOK_SECONDS
            return not late

        try:
            return await ask(self.sender, wire, consumer_key=wanted.consumer_key, abort=self.abort, in_time=in_time)
        except TryLater as error:
            if late:
                raise LookFailedError("line items: the look took too long, and asked no more") from error
            raise

    def _check(self, response: Response, what: str, *, makes: bool = False) -> None:
        """Raise unless it is a success. After a 5xx, and after what is no answer of an API, one may have been made."""
        status = response.status
        if 200 <= status < 300:
            return
        said = f"line items: it answers {status} {what}"
        if status in (401, 403) and not is_limited(response):
            raise BadToken(said, http_status=status)
        is_busy = status in BUSY or is_limited(response)
        raise LookFailedError(
            said,
            in_doubt=makes and not 300 <= status < 500,
            after=response.retry_after(self.clock.now_utc()),
            says="throttled" if is_busy else "failure" if status >= 500 else None,
            answered=True,
        )


def _of_delivery(error: DeliveryError, *, stopping: bool) -> LookFailedError:
    """
    The end of a look for which there was no token, or no answer.

    What is set up wrongly says nothing here, nor what is our own fault.
    """
    if stopping or isinstance(error, OutOfFiles):
        return LookFailedError(error.reason)
    if isinstance(error, TryLater):
        return LookFailedError(error.reason, after=error.after, says="throttled" if error.throttled else "failure")
    return LookFailedError(error.reason, says="failure" if isinstance(error, Ambiguous) else None)


def _reading_scopes(wanted: WantedLineItem) -> tuple[str, ...]:
    """
    The scopes with which line items may be read, in the order in which they are tried.

    Moodle wants that for reading by name. A platform of which the launch did not say may refuse it.
    """
    if wanted.offered is None:
        return LINEITEM_READ_SCOPE, LINEITEM_SCOPE
    return (LINEITEM_READ_SCOPE if LINEITEM_READ_SCOPE in wanted.offered.split() else LINEITEM_SCOPE,)


def _signal(breaker: Breaker, failed: LookFailedError, now: int) -> Signal:
    """
    What a look that failed says of its campus.

    All looks count as one assignment: a list of line items that is broken alone keeps no grade back.
    """
    assert failed.says is not None  # noqa: S101 - else there is no signal
    return Signal(
        failed.says,
        campus_id=breaker.campus_id,
        assignment_id=0,
        claimed_at=now,
        tripped_at=breaker.tripped_at,
        answered=failed.answered,
        after=failed.after,
        error=failed.reason,
    )


def _may_be_of(item: line_items.LineItem, wanted: WantedLineItem) -> bool:
    if wanted.resource_link_id is None or item.resource_link_id is None:
        return True
    return item.resource_link_id == wanted.resource_link_id

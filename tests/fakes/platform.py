"""The sample LTI 1.3 platform as tests need it: it misbehaves as it is scripted, and remembers everything."""

import asyncio
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random
from typing import Any, Literal

from aiohttp import web

from daemon.demo.platform.kind import PlatformKind, PlatformReply
from daemon.demo.platform.request import PlatformBehaviour, PlatformRequest
from daemon.demo.platform.server import SamplePlatform
from tests.fakes.awaited import TICK, Awaited
from tests.fakes.meters import Meter

#: Refusals that a request of ours should never meet.
OUR_FAULTS = {"media type", "method", "field", "above", "form", "claims", "replay", "client", "audience"}
_TIMESTAMP = re.compile(rb'"timestamp": ?"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z"')
_PROGRESS = {("Completed", "FullyGraded"): False, ("Initialized", "NotReady"): True}


@dataclass(frozen=True, slots=True)
class Misbehaviour(PlatformBehaviour):
    """An answer that may go wrong; times are in seconds."""

    #: Does what was asked this long after the request came, whatever becomes of the answer; None: after the latency.
    serve_after: float | None = None
    #: Waits for this event before anything else.
    hold: threading.Event | asyncio.Event | None = None
    #: Cuts the connection before the answer, or in the middle of its body.
    cut: Literal["before", "midway"] | None = None


def well(latency: float = 0.0) -> Misbehaviour:
    return Misbehaviour(latency)


def lost(where: Literal["before", "midway"] = "before", **changes: Any) -> Misbehaviour:
    """Stores, and then cuts the connection."""
    return Misbehaviour(**{"cut": where, **changes})


def reset() -> Misbehaviour:
    """Cuts the connection and stores nothing."""
    return Misbehaviour(cut="before", serves=False)


def lands_late(seconds: float, **changes: Any) -> Misbehaviour:
    """Cuts the connection at once, and stores only after *seconds*."""
    return Misbehaviour(**{"cut": "before", "serve_after": seconds, **changes})


def fails(status: int = 503, *, stored: bool = False, latency: float = 0.0, **reply: Any) -> Misbehaviour:
    """Answers *status*; *reply* is the rest of a :class:`PlatformReply`."""
    return Misbehaviour(
        latency, stored, PlatformReply(status, **{"body": b"failed", "content_type": "text/plain", **reply})
    )


def login_page(status: int = 200, *, stored: bool = False) -> Misbehaviour:
    page = b"<!DOCTYPE html><html><body><form>Log in</form></body></html>"
    return fails(status, stored=stored, body=page, content_type="text/html")


def throttled(retry_after: int | None = 1) -> Misbehaviour:
    return fails(429, headers={} if retry_after is None else {"Retry-After": str(retry_after)})


def held(event: threading.Event | asyncio.Event) -> Misbehaviour:
    """Hangs until *event* is set, then stores and answers."""
    return Misbehaviour(hold=event)


def only(operation: str, behaviour: Misbehaviour) -> Callable[[PlatformRequest], Misbehaviour]:
    """*behaviour* for requests of one operation: ``token``, ``score``, ``results``, ..."""
    return lambda record: behaviour if record.operation == operation else well()


def in_turn(operation: str, *behaviours: Misbehaviour) -> Callable[[PlatformRequest], Misbehaviour]:
    """One behaviour a request of one operation, in order of arrival, and none for the rest."""
    left = iter(behaviours)
    return lambda record: next(left, well()) if record.operation == operation else well()


class RecordingPlatform(Awaited, SamplePlatform):
    """
    A platform that remembers. An asynchronous context manager, or in a thread of its own with :meth:`in_thread`.

    Everything public may be used from any thread while it runs.
    """

    def __init__(
        self, kind: PlatformKind | None = None, behave: Any = None, *, meter: Meter | None = None, **named: Any
    ) -> None:
        super().__init__(kind, behave or (lambda _record: well()), **named)
        #: What limits its requests, and names what is left.
        self.meter = meter
        #: What no request should do: a wrong media type, a repeated assertion, an unknown progress, ...
        self.faults: list[str] = []
        self._stopping = False
        self._landings: set[asyncio.Task[None]] = set()

    # --- what it remembers ---

    def of(self, operation: str) -> list[PlatformRequest]:
        """The requests of one operation, in order of arrival."""
        return [record for record in self.requests.copy() if record.operation == operation]

    def sent(self, user_id: str, url: str | None = None) -> list[PlatformRequest]:
        """The scores that came for a learner, in order of arrival."""
        path = None if url is None else self.column(url).path
        return [one for one in self.of("score") if one.user_id == user_id and path in (None, one.column)]

    def shown(self, user_id: str) -> list[str | None]:
        """What people saw of a learner, in order, over all line items."""
        history = self.gradebook.history.copy()
        return [None if one.grade is None else str(one.grade) for one in history if one.user_id == user_id]

    def grades(self) -> dict[tuple[str, str], str]:
        """What people see now, by line item's path and user id."""
        cells = self.gradebook.cells.copy().items()
        return {place: str(cell.grade) for place, cell in cells if cell.grade is not None}

    def overlaps(self) -> list[tuple[PlatformRequest, PlatformRequest]]:
        """Pairs of scores for the same learner and line item that were at work at the same time."""
        return [
            (first, second)
            for first, second in combinations(self.of("score"), 2)
            if (first.column, first.user_id) == (second.column, second.user_id) and _together(first, second)
        ]

    def most_tokens_at_once(self, client_id: str, scope: str) -> int:
        """How many token requests of a client for a scope were under way at the same time."""
        asked = [one for one in self.of("token") if one.client_id == client_id and scope in one.scopes]
        return max(
            (sum(_together(one, other) for other in asked if other.began <= one.began) for one in asked), default=0
        )

    @property
    def at_rest(self) -> bool:
        """Nothing is under way, and nothing is left to be stored."""
        return not self._landings and all(record.ended is not None for record in self.requests.copy())

    def seen(self) -> str:
        came = [(one.operation, one.decision) for one in self.requests[-5:]]
        return f"{len(self.requests)} requests came, the last: {came}"

    def revoke_some(self, random: Random, share: float = 0.5) -> None:
        """Have each token be unknown from now on with a probability of *share*."""
        for token in list(self.office.issued.values()):
            token.revoked = token.revoked or random.random() < share

    # --- on its own loop ---

    async def __aexit__(self, *error: object) -> None:
        self._stopping = True
        for task in self._landings:
            task.cancel()
        await asyncio.gather(*self._landings, return_exceptions=True)
        await super().__aexit__(*error)

    async def answer(
        self, request: web.BaseRequest, record: PlatformRequest, behaviour: Misbehaviour
    ) -> web.StreamResponse:
        if self.meter and (refused := self.meter.enter(record, self.now())):
            record.decision = "limit"
            return await self.write(request, record, behaviour, refused)
        if behaviour.serve_after is not None:
            task = asyncio.ensure_future(self._land(record, behaviour.serve_after))
            self._landings.add(task)
            task.add_done_callback(self._landings.discard)
            behaviour = replace(behaviour, serves=False)
        while behaviour.hold is not None and not behaviour.hold.is_set():
            if self._stopping:
                return _cut(request)
            await asyncio.sleep(TICK)
        return await super().answer(request, record, behaviour)

    async def _land(self, record: PlatformRequest, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.serve(record)

    async def serve(self, record: PlatformRequest) -> PlatformReply:
        reply = await super().serve(record)
        if record.decision in OUR_FAULTS:
            self.faults.append(f"request {record.number}: {record.decision}")
        if (sent := record.sent) is not None:
            progress = (sent.activity_progress, sent.grading_progress)
            if _PROGRESS.get(progress) != (sent.given is None):
                self.faults.append(f"request {record.number}: progress {progress} with score {sent.text!r}")
            if not _TIMESTAMP.search(record.body):
                self.faults.append(f"request {record.number}: a timestamp that is not in whole seconds of UTC")
        return reply

    async def write(
        self, request: web.BaseRequest, record: PlatformRequest, behaviour: Misbehaviour, reply: PlatformReply
    ) -> web.StreamResponse:
        if self.meter:
            reply = replace(reply, headers={**reply.headers, **self.meter.leave(record, self.now())})
        if behaviour.cut == "before":
            return _cut(request)
        if behaviour.cut is None:
            return await super().write(request, record, behaviour, reply)
        body = reply.body or b"{}"
        response = web.StreamResponse(status=reply.status, headers={"Content-Type": reply.content_type})
        response.content_length = len(body)
        with suppress(ConnectionError):  # the sender may have gone
            await response.prepare(request)
            await response.write(body[: len(body) // 2])
        return _cut(request)


def _together(first: PlatformRequest, second: PlatformRequest) -> bool:
    earlier, later = sorted((first, second), key=lambda one: one.began)
    return earlier.ended is None or later.began < earlier.ended


def _cut(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()

"""The sample LMS as tests need it: it misbehaves as it is scripted, and remembers everything."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal
from xml.sax.saxutils import escape

from aiohttp import web

from daemon.demo.lms.answer import Answer, pox
from daemon.demo.lms.request import RequestRecord
from daemon.demo.lms.server import Lms
from tests.fakes.awaited import TICK, Awaited


@dataclass(frozen=True, slots=True)
class Applied:
    """One score written into the gradebook."""

    path: str
    sourcedid: str
    score: str
    at: float
    #: The :attr:`RequestRecord.number` of the request that carried it.
    number: int


@dataclass(frozen=True, slots=True)
class Behaviour(Answer):
    """An answer that may go wrong; times are in seconds."""

    #: Applies the score this long after the request came, whatever becomes of the answer; None: after the latency.
    apply_after: float | None = None
    #: Waits for this event before anything else.
    hold: threading.Event | asyncio.Event | None = None
    #: Between two bytes of the body; 0 sends it at once.
    trickle: float = 0.0
    #: Cuts the connection before the answer, or in the middle of its body.
    cut: Literal["before", "midway"] | None = None


def success(**changes: Any) -> Behaviour:
    return Behaviour(**changes)


def failure(description: str, **changes: Any) -> Behaviour:
    return Behaviour(**{"code_major": "failure", "description": description, "apply": False, **changes})


def processing(**changes: Any) -> Behaviour:
    """Says that it may apply the score later; ``apply_after=...`` makes it do so."""
    return Behaviour(**{"code_major": "processing", "apply": False, **changes})


def answer(status: int, body: bytes = b"", **changes: Any) -> Behaviour:
    """Answers without an envelope."""
    return Behaviour(**{"status": status, "body": body, "content_type": "text/plain", "apply": False, **changes})


def html(status: int = 200, text: str = "Down for maintenance", **changes: Any) -> Behaviour:
    page = f"<!DOCTYPE html><html><body><p>{text}</p></body></html>".encode()
    return answer(status, page, **{"content_type": "text/html", **changes})


def cut(where: Literal["before", "midway"] = "midway", **changes: Any) -> Behaviour:
    """Applies the score and then cuts the connection."""
    return Behaviour(**{"cut": where, **changes})


def held(event: threading.Event | asyncio.Event, **changes: Any) -> Behaviour:
    """Hangs until *event* is set, then applies the score and answers."""
    return Behaviour(**{"hold": event, **changes})


def in_turn(*behaviours: Behaviour, then: Behaviour | None = None) -> Callable[[RequestRecord], Behaviour]:
    """One behaviour a request, in order of arrival, and *then* (or success) for the rest."""
    left = iter(behaviours)
    return lambda _record: next(left, then or success())


def always(behaviour: Behaviour) -> Callable[[RequestRecord], Behaviour]:
    return lambda _record: behaviour


def canvas_pox(error_code: str, description: str = "", *, code_major: str = "failure") -> bytes:
    """A reply's envelope as Canvas writes it: with an error code of its own, and a number for its support."""
    envelope = pox(code_major, f"{description}\n[EID_4711]").decode()
    end = "</imsx_statusInfo>"
    return envelope.replace(end, f"<ext_canvas_error_code>{escape(error_code)}</ext_canvas_error_code>{end}").encode()


def most_at_once(requests: Sequence[RequestRecord]) -> int:
    """How many were under way at the same time; at the same moment an end counts before a beginning."""
    return max(
        sum(other.began <= request.began and (other.ended is None or request.began < other.ended) for other in requests)
        for request in requests
    )


class RecordingLms(Awaited, Lms):
    """
    An LMS that remembers. An asynchronous context manager, or in a thread of its own with :meth:`in_thread`.

    All public methods and attributes may be used from any thread while it runs. It treats even requests with faults as
    it is scripted, unless their signature is wrong.
    """

    #: Canvas's: tests move clocks on.
    clock_window = 90 * 60

    def __init__(self, keys=None, behave=None, tls=None, port=0) -> None:
        super().__init__(keys, behave or always(success()), tls, port)
        #: What a request gets whose signature is wrong; assign it for an LMS with other words.
        self.refusal = answer(401, b"the signature is not valid")
        #: What no request should do: a repeated message identifier or nonce, a score that is no plain decimal, ...
        self.faults: list[str] = []
        #: All scores applied, in order.
        self.applied: list[Applied] = []
        self._message_ids: set[str] = set()
        self._stopping = False

    def sent(self, sourcedid: str) -> list[RequestRecord]:
        """The requests for one sourcedid in order of arrival."""
        return [record for record in self.requests if record.sourcedid == sourcedid]

    def scores(self, sourcedid: str) -> list[str]:
        """The score texts applied for one sourcedid, in order."""
        return [applied.score for applied in self.applied if applied.sourcedid == sourcedid]

    def grade(self, sourcedid: str, path: str = "/outcomes") -> str | None:
        return self.gradebook.get((path, sourcedid))

    def overlaps(self) -> list[tuple[RequestRecord, RequestRecord]]:
        """Pairs of requests for the same path and sourcedid that were at work at the same time."""
        known: dict[tuple[str, str], list[RequestRecord]] = {}
        for record in self.requests:
            if record.sourcedid is not None:
                known.setdefault((record.path, record.sourcedid), []).append(record)
        return [
            (first, second)
            for records in known.values()
            for first, second in combinations(records, 2)
            if first.ended is None or second.began < first.ended
        ]

    def seen(self) -> str:
        came, applied = len(self.requests), len(self.applied)
        return f"{came} requests came, {applied} scores were applied, faults: {self.faults}"

    async def __aexit__(self, *error: object) -> None:
        self._stopping = True
        await super().__aexit__(*error)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        # A probe of the root page is no outcome.
        is_probe = (request.method, request.raw_path) == ("GET", "/")
        return web.Response() if is_probe else await super().handle(request)

    def check(self, request: web.BaseRequest, record: RequestRecord) -> None:
        super().check(request, record)
        if record.message_id in self._message_ids:
            record.fault(400, "a message identifier that was used before")
        self._message_ids.add(record.message_id or "")
        self.faults += [f"request {record.number}: {fault.text}" for fault in record.faults]

    def decide(self, record: RequestRecord) -> Answer:
        return self.refusal if record.verified is False else self.behave(record)

    async def answer(self, request: web.BaseRequest, record: RequestRecord, answer: Behaviour) -> web.StreamResponse:
        if answer.apply_after is not None:
            asyncio.get_running_loop().call_later(answer.apply_after, self.store, record)
            answer = replace(answer, apply=False)
        while answer.hold is not None and not answer.hold.is_set():
            if self._stopping:
                return _cut(request)  # the LMS goes away while it works on the request
            await asyncio.sleep(TICK)
        return await super().answer(request, record, answer)

    def store(self, record: RequestRecord) -> None:
        super().store(record)
        if record.sourcedid is not None and record.score is not None:
            score = Applied(record.path, record.sourcedid, record.score, time.monotonic(), record.number)
            self.applied.append(score)

    async def write(self, request: web.BaseRequest, record: RequestRecord, answer: Behaviour) -> web.StreamResponse:
        if answer.cut == "before":
            return _cut(request)
        if not answer.cut and not answer.trickle:
            return await super().write(request, record, answer)
        body = self.body(record, answer)
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_type, response.content_length = answer.content_type, len(body)
        with suppress(ConnectionError):  # the sender may have gone
            await response.prepare(request)
            record.status = answer.status
            if answer.cut == "midway":
                await response.write(body[: len(body) // 2])
                return _cut(request)
            for at in range(len(body)):
                await response.write(body[at : at + 1])
                await asyncio.sleep(answer.trickle)
            await response.write_eof()
        return response


def _cut(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()

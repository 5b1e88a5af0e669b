"""The demo's campuses: how passbackd gets to know them, their launches, what came to them, and what they hold."""

import secrets
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple, Protocol

from daemon.demo.busy import LATENCY, RequestFate, busy
from daemon.demo.learners import Assignment, CampusPlan, launch_event, lti_user_id, platform_launch_event
from daemon.demo.lms.answer import Answer
from daemon.demo.lms.request import RequestRecord
from daemon.demo.lms.server import SERVICE, Lms
from daemon.demo.platform.kind import PlatformReply
from daemon.demo.platform.request import PlatformBehaviour, PlatformRequest
from daemon.demo.platform.server import SamplePlatform
from daemon.demo.platform.tokens import AgsScope
from daemon.demo.tally import Arrival

_SCOPES = (AgsScope.SCORE, AgsScope.RESULTS)
_BUSY = b"<html>busy</html>"


class AddCommand(NamedTuple):
    """A command of passbackd that adds a campus, and what it reads."""

    arguments: tuple[str, ...]
    stdin: bytes = b""


class DemoCampus(Protocol):
    """One campus, which takes grades while the context of :meth:`serving` is open."""

    def serving(self) -> AbstractAsyncContextManager[object]:
        """Serve within this context."""

    def commands(self) -> list[AddCommand]:
        """What makes passbackd know it, while it serves."""

    def launch(self, assignment: Assignment, *, moves: bool) -> dict[str, str]:
        """The event of a launch; *moves*: of one over LTI 1.3 of what was launched over LTI 1.1."""

    def arrivals(self) -> list[Arrival]:
        """The grades that came, and every request that was refused."""

    def grades(self) -> dict[str, str]:
        """What people see there, from 0 to 1, by the sourcedid of the demo's assignments."""


def open_campus(plan: CampusPlan, jwks_url: str) -> DemoCampus:
    """Make the campus of *plan*, which fetches the tool's keys at *jwks_url*."""
    fate = busy()
    if not plan.lti13:
        return _Lti11Campus(plan, Lms(), fate)
    platform = _Lti13Campus(plan, jwks_url, fate)
    return _MovingCampus(_Lti11Campus(plan, _SharingLms(platform), fate), platform) if plan.moves else platform


class _Lti11Campus:
    def __init__(self, plan: CampusPlan, lms: Lms, fate: Callable[[Hashable], RequestFate]) -> None:
        self.key, self._secret = _slug(plan), secrets.token_urlsafe(24)
        self._plan = plan
        self.lms = lms
        lms.keys = {self.key: self._secret}
        lms.behave = lambda record: _answer(fate(record.sourcedid))

    def serving(self) -> AbstractAsyncContextManager[object]:
        return self.lms

    def commands(self) -> list[AddCommand]:
        added = ("consumer", "add", self._plan.name, "--key", self.key, "--secret-stdin")
        return [AddCommand(added, self._secret.encode())]

    def launch(self, assignment: Assignment, *, moves: bool = False) -> dict[str, str]:  # noqa: ARG002 - it never does
        return launch_event(assignment, consumer_key=self.key, service_url=self.lms.url(SERVICE))

    def arrivals(self) -> list[Arrival]:
        return [
            Arrival(one.sourcedid, one.status, one.faults[0].text if one.faults else None) for one in self.lms.requests
        ]

    def grades(self) -> dict[str, str]:
        return self.lms.grades()


class _Lti13Campus:
    def __init__(self, plan: CampusPlan, jwks_url: str, fate: Callable[[Hashable], RequestFate]) -> None:
        self._plan = plan
        self._client_id = f"client-of-{_slug(plan)}"
        self.platform = SamplePlatform(behave=lambda record: _behaviour(record, fate))
        self.platform.register(self._client_id, jwks_url=jwks_url, scopes=_SCOPES)
        #: By block.
        self._line_items: dict[str, str] = {}
        #: By path of the line item, and user id.
        self._sourcedids: dict[tuple[str, str], str] = {}

    def serving(self) -> AbstractAsyncContextManager[object]:
        return self.platform

    def commands(self) -> list[AddCommand]:
        issuer, token_url = ("--issuer", self.platform.issuer), ("--token-url", self.platform.token_url)
        # Where a campus moves, passbackd knows it under two names.
        name = f"{self._plan.name} (LTI 1.3)" if self._plan.moves else self._plan.name
        return [AddCommand(("platform", "add", name, "--client-id", self._client_id, *issuer, *token_url))]

    def launch(
        self,
        assignment: Assignment,
        *,
        moves: bool = False,  # noqa: ARG002 - the key alone says so
        moves_from: str | None = None,
    ) -> dict[str, str]:
        return platform_launch_event(
            assignment,
            issuer=self.platform.issuer,
            client_id=self._client_id,
            line_item=self.line_item(assignment),
            scopes=" ".join(_SCOPES),
            moves_from=moves_from,
        )

    def line_item(self, assignment: Assignment) -> str:
        """The URL of the column; from now on the learner's place in it is that of the assignment."""
        if assignment.usage_id not in self._line_items:
            self._line_items[assignment.usage_id] = self.platform.add_line_item(label=assignment.usage_id)
        url = self._line_items[assignment.usage_id]
        self._sourcedids[self.platform.column(url).path, lti_user_id(assignment)] = assignment.sourcedid
        return url

    def share(self, sourcedid: str, score: str, number: int) -> None:
        """Show a grade that came over LTI 1.1."""
        for (path, user_id), name in self._sourcedids.items():
            if name == sourcedid:
                self.platform.gradebook.put_unstamped(path, user_id, score, now=self.platform.now(), number=number)

    def arrivals(self) -> list[Arrival]:
        return [
            Arrival(self._name(one.column or "", one.user_id or ""), one.status, _fault(one))
            for one in self.platform.requests
            if one.operation != "token" or _fault(one)
        ]

    def grades(self) -> dict[str, str]:
        cells = self.platform.gradebook.cells.items()
        return {self._name(*place): str(cell.grade) for place, cell in cells if cell.grade is not None}

    def _name(self, path: str, user_id: str) -> str:
        return self._sourcedids.get((path, user_id), f"{path} {user_id}")


class _SharingLms(Lms):
    """The LTI 1.1 side of a campus that moves: its grades show in the line items too."""

    def __init__(self, other: _Lti13Campus) -> None:
        super().__init__()
        self._other = other

    def store(self, record: RequestRecord) -> None:
        super().store(record)
        if record.sourcedid is not None and record.score is not None:
            self._other.share(record.sourcedid, record.score, record.number)


class _MovingCampus:
    """Both versions of LTI in front of one gradebook."""

    def __init__(self, before: _Lti11Campus, after: _Lti13Campus) -> None:
        self._before = before
        self._after = after

    def serving(self) -> AbstractAsyncContextManager[object]:
        return _both(self._before.serving(), self._after.serving())

    def commands(self) -> list[AddCommand]:
        return self._before.commands() + self._after.commands()

    def launch(self, assignment: Assignment, *, moves: bool) -> dict[str, str]:
        if moves:
            return self._after.launch(assignment, moves_from=self._before.key)
        self._after.line_item(assignment)
        return self._before.launch(assignment)

    def arrivals(self) -> list[Arrival]:
        return self._before.arrivals() + self._after.arrivals()

    def grades(self) -> dict[str, str]:
        return self._before.grades() | self._after.grades()


@asynccontextmanager
async def _both(
    one: AbstractAsyncContextManager[object], other: AbstractAsyncContextManager[object]
) -> AsyncIterator[None]:
    async with one, other:
        yield


def _slug(plan: CampusPlan) -> str:
    return plan.name.lower().replace(" ", "-")


def _answer(fate: RequestFate) -> Answer:
    if fate == "served":
        return Answer(LATENCY)
    return Answer(LATENCY, 503, body=_BUSY, content_type="text/html", apply=fate == "stored")


def _behaviour(request: PlatformRequest, fate: Callable[[Hashable], RequestFate]) -> PlatformBehaviour:
    found = fate((request.column, request.user_id)) if request.operation == "score" else "served"
    if found == "served":
        return PlatformBehaviour(LATENCY)
    return PlatformBehaviour(LATENCY, serves=found == "stored", reply=PlatformReply(503, _BUSY, "text/html"))


def _fault(request: PlatformRequest) -> str | None:
    """Why the request should not have been made. That a score as new is held already is no fault of the sender's."""
    refused = request.status is not None and request.status >= 400 and request.status not in (409, 503)
    return f"{request.operation}, {request.decision}" if refused else None

"""A platform over LTI 1.3 in all weathers, of any kind; its token server has a weather of its own."""

from collections import defaultdict
from dataclasses import replace
from random import Random

from aiohttp import web

from daemon.demo.platform.kind import PlatformReply
from daemon.demo.platform.request import PlatformRequest
from daemon.demo.platform.tokens import AgsScope
from tests.blackbox.world import COURSE, Fields
from tests.chaos.oracle import Cell
from tests.chaos.weather import Handled, InWeather, Weather
from tests.fakes.platform import Misbehaviour, RecordingPlatform, lost, well
from tests.fakes.platform_kinds import KINDS

#: What becomes of token requests.
TOKEN_WEATHERS = ("fine", "fine", "slow", "down", "drops")
#: Of how many requests in a row a platform may refuse the time.
MAX_REFUSED = 20


class ChaosPlatform(InWeather, RecordingPlatform):
    """
    One platform. Everything public may be used from any thread.

    Args:
        key: Its client id, and what commands call it.
        pem: The public key of the tool.
    """

    def __init__(self, key: str, kind: str, seed: str, pem: str) -> None:
        chance = Random(seed)
        super().__init__(KINDS[kind](), self._behave, offset=chance.choice((0, 0, -45, 45)))
        self.key, self.product = key, kind
        self.weather = Weather(seed)
        self.token_weather = "fine"
        self._random = chance
        self._last: dict[tuple[str, str], str] = {}
        self.register(key, pem=pem)

    # --- what a round knows of a campus over either version ---

    @property
    def adding(self) -> tuple[tuple[str, ...], str]:
        """The command that adds it, and what that reads from its input."""
        where = ("--issuer", self.issuer, "--token-url", self.token_url)
        return ("platform", "add", self.key, "--client-id", self.key, *where, "--replace"), ""

    def new_cell(self, name: str, number: int) -> Cell:
        """A learner whom no tool has seen in a line item; most line items have several."""
        known = len(self.gradebook.columns)
        if known < 4 or number % 5 == 0:
            return Cell(self.key, self.add_line_item(), name)
        column = list(self.gradebook.columns.values())[number % known]
        return Cell(self.key, self.service.address(column), name)

    def launch(self, user_id: str, usage_id: str, cell: Cell) -> Fields:
        return {
            "type": "launch",
            "issuer": self.issuer,
            "client_id": self.key,
            "lineitem": cell.url,
            "user_id": user_id,
            "lti_user_id": cell.sourcedid,
            "course_id": COURSE,
            "usage_id": usage_id,
            "scopes": " ".join(AgsScope),
            "product_family": self.service.kind.product_family,
        }

    def disabled(self, cell: Cell) -> Fields:
        """The event that ends a cell, without its time."""
        named = {"issuer": self.issuer, "client_id": self.key, "lineitem": cell.url, "lti_user_id": cell.sourcedid}
        return {"type": "assignment.disabled", **named}

    def cells(self) -> dict[Cell, str]:
        """What it holds; of a kind that keeps the best, the score that was sent last."""
        held = self._last if self.service.kind.rule.keeps_best else self.grades()
        columns = self.gradebook.columns
        return {
            Cell(self.key, self.service.address(columns[path]), user_id): score
            for (path, user_id), score in held.copy().items()
        }

    @property
    def at_rest(self) -> bool:
        return super().at_rest and self.weather.at_rest(self.requests.copy())

    def loops(self) -> list[str]:
        """Learners whose scores are refused for their time again and again."""
        refused: dict[tuple[str, str], int] = defaultdict(int)
        found = {}
        for one in self.of("score"):
            place = (one.column or "", one.user_id or "")
            refused[place] = refused[place] + 1 if one.decision in ("older", "equal") else 0
            if refused[place] > MAX_REFUSED:
                found[place] = f"{place} was refused {refused[place]} times in a row for its time"
        return list(found.values())

    # --- on its own loop ---

    def _behave(self, record: PlatformRequest) -> Misbehaviour:
        if record.operation == "token":
            return self._for_token()
        cell, columns = None, self.gradebook.columns
        if record.operation in ("score", "results") and record.column in columns:
            cell = Cell(self.key, self.service.address(columns[record.column]), record.user_id or "")
        fate = self.weather.fate(Handled(record, cell, record.sent.text if record.sent else None))
        done = Misbehaviour(fate.latency, fate.stored, serve_after=fate.stored_after, cut=fate.cut)
        if fate.status is None:
            return done
        page = b"<!DOCTYPE html><html><body>Down for maintenance</body></html>"
        headers = {"Retry-After": "1"} if fate.status == 429 else {}
        return replace(done, reply=PlatformReply(fate.status, page, "text/html", headers))

    def _for_token(self) -> Misbehaviour:
        chance = self._random
        match self.token_weather:
            case "slow":
                return well(chance.uniform(0.5, 4))
            case "down" if chance.random() < 0.7:
                return Misbehaviour(serves=False, reply=PlatformReply(503, b"down", "text/plain"))
            case "drops" if chance.random() < 0.5:
                return lost()
        return well()

    async def answer(
        self, request: web.BaseRequest, record: PlatformRequest, behaviour: Misbehaviour
    ) -> web.StreamResponse:
        transport = request.transport
        if (one := self.weather.handled.get(record.number)) is not None:
            one.waits = lambda: transport is not None and not transport.is_closing()
        if behaviour.serve_after is not None:
            self.weather.planned.add(record.number)
        return await super().answer(request, record, behaviour)

    async def serve(self, record: PlatformRequest) -> PlatformReply:
        if record.number in self.weather.handled and not self.weather.may_store(record.number):
            return PlatformReply(503)
        reply = await super().serve(record)
        if record.sent is not None and record.decision in ("stored", "kept"):
            self._last[record.column or "", record.sent.user_id] = record.sent.text
        elif (one := self.weather.handled.get(record.number)) is not None:
            one.stored = None
        if record.sent is not None:
            one = self.weather.handled[record.number]
            one.does += f", {record.decision} with {record.sent.timestamp // 1_000_000}"
        return reply

    async def write(
        self, request: web.BaseRequest, record: PlatformRequest, behaviour: Misbehaviour, reply: PlatformReply
    ) -> web.StreamResponse:
        one = self.weather.handled.get(record.number)
        if one is not None and one.lost:
            behaviour = replace(behaviour, cut="before")
        return await super().write(request, record, behaviour, reply)

"""A campus LMS over LTI 1.1 in all weathers: slow, late, cut off, failing, busy."""

from dataclasses import replace

from aiohttp import web

from daemon.demo.lms.request import RequestRecord
from tests.blackbox.world import Fields, launch
from tests.chaos.oracle import Cell
from tests.chaos.weather import Handled, InWeather, Weather
from tests.fakes.lms import Behaviour, RecordingLms, answer, cut, html, success

PATHS = ("/outcomes", "/section-b/outcomes")


class ChaosCampus(InWeather, RecordingLms):
    """One campus. Everything public may be used from any thread."""

    product = "lti-1.1"

    def __init__(self, key: str, secret: str, seed: str) -> None:
        super().__init__(keys={key: secret}, behave=self._behave)
        self.key, self.secret = key, secret
        self.weather = Weather(seed)

    # --- what a round knows of a campus over either version ---

    @property
    def adding(self) -> tuple[tuple[str, ...], str]:
        """The command that adds it, and what that reads from its input."""
        return ("consumer", "add", self.key, "--key", self.key, "--secret-stdin", "--replace"), f"{self.secret}\n"

    def new_cell(self, name: str, number: int) -> Cell:
        """One that no learner has."""
        return Cell(self.key, self.url(PATHS[number % len(PATHS)]), name)

    def launch(self, user_id: str, usage_id: str, cell: Cell) -> Fields:
        return launch(user_id, usage_id, cell.sourcedid, cell.url, oauth_consumer_key=self.key)

    def disabled(self, cell: Cell) -> Fields:
        """The event that ends a cell, without its time."""
        return {
            "type": "assignment.disabled",
            "oauth_consumer_key": self.key,
            "lis_result_sourcedid": cell.sourcedid,
        }

    def cells(self) -> dict[Cell, str]:
        """What it holds."""
        grades = self.gradebook.copy().items()
        return {Cell(self.key, self.url(path), sourcedid): score for (path, sourcedid), score in grades}

    @property
    def at_rest(self) -> bool:
        return self.weather.at_rest(self.requests.copy())

    def loops(self) -> list[str]:
        """Cells to which the same score is sent without end, which one without timestamps cannot know."""
        return []

    # --- on its own loop ---

    def _behave(self, record: RequestRecord) -> Behaviour:
        cell = Cell(self.key, self.url(record.path), record.sourcedid or "")
        fate = self.weather.fate(Handled(record, cell, record.score))
        apply = {"apply": fate.stored, "apply_after": fate.stored_after}
        if fate.cut is not None:
            return cut(fate.cut, **apply)
        if fate.status == 429:
            return answer(429, headers={"Retry-After": "1"})
        if fate.status is not None:
            return html(fate.status, **apply)
        return success(latency=fate.latency)

    async def answer(self, request: web.BaseRequest, record: RequestRecord, answer: Behaviour) -> web.StreamResponse:
        transport = request.transport
        # One whose signature is wrong has no fate.
        if (one := self.weather.handled.get(record.number)) is not None:
            one.waits = lambda: transport is not None and not transport.is_closing()
        if answer.apply_after is not None:
            self.weather.planned.add(record.number)
        return await super().answer(request, record, answer)

    def store(self, record: RequestRecord) -> None:
        if self.weather.may_store(record.number):
            super().store(record)

    async def write(self, request: web.BaseRequest, record: RequestRecord, answer: Behaviour) -> web.StreamResponse:
        one = self.weather.handled.get(record.number)
        if one is not None and one.lost:
            answer = replace(answer, cut="before")
        return await super().write(request, record, answer)

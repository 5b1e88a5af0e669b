"""Simulated daemons that speak LTI 1.3 with a platform in memory, and the access tokens that they have."""

from typing import Any

from actors.errors import TryLater
from actors.response import Response
from tests.models.platforms import Platform
from tests.models.simulated_daemons import _ATTEMPT, Daemon, Stage, Time


class SimulatedTokens:
    """Gets a token at once, unless *fails*."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._have: dict[tuple[int, str], str] = {}
        self._number = 0
        self.fails = False

    def usable(self, consumer_id: int, scope: str) -> str | None:
        return self._have.get((consumer_id, scope))

    async def fetch(self, consumer_id: int, scope: str) -> str:
        if self.fails:
            raise TryLater("the token server does not answer")
        if (consumer_id, scope) not in self._have:
            self._number += 1
            token = f"{scope}-{self._number}"
            self._have[consumer_id, scope] = token
            self._platform.tokens.add(token)
        return self._have[consumer_id, scope]

    def drop(self, consumer_id: int, scope: str, token: str) -> None:
        if self._have.get((consumer_id, scope)) == token:
            del self._have[consumer_id, scope]

    def lose(self) -> None:
        """All of them expire, without a notice."""
        self._have.clear()


class PlatformDaemon(Daemon):
    """Sends to a platform."""

    def __init__(self, time: Time, platform: Platform, *args: Any, tokens: SimulatedTokens, **settings: Any) -> None:
        super().__init__(time, platform, *args, tokens=tokens, **settings)
        self._platform = platform

    async def send(
        self, url: str, body: bytes, headers: Any, *, abort: Any, method: str = "POST", **_: Any
    ) -> Response:
        attempt = _ATTEMPT.get()
        if method == "GET":
            if self._platform.reads_fail:
                raise TryLater("the results do not answer")
            return self._platform.results(attempt.address[0], "user", now=self._time.real)
        said = await attempt.stop(Stage.READY)
        if said is None:
            bearer = headers["Authorization"].removeprefix("Bearer ")
            item = attempt.address[0]
            assert url == f"{item}/scores"
            attempt.request = self._platform.post(attempt.token, bearer, item, body, now=self._time.real)
            attempt.text = attempt.request.text
            said = await attempt.stop(Stage.SENT)
        if isinstance(said, Exception):
            raise said
        return said

"""A platform that gives no access token: what the operator's alert counts."""

import asyncio

import pytest
import structlog

from actors.access import Access, NoTokens
from actors.breaker import next_breaker
from actors.errors import Misconfigured, TryLater
from actors.metrics import Metrics
from models.assignment import GradedAssignment
from models.campus import Campus
from models.consumer import LtiConsumer
from models.db.clock import Clock
from models.destination import OutcomeService
from models.due import Capacity
from tests.models.rows import make_assignment, make_service

pytestmark = pytest.mark.usefixtures("empty_database")

REFUSED = Misconfigured("no access token: HTTP 400: invalid_client", http_status=400, bytes_left=False)
AWAY = TryLater("no access token: HTTP 500: no words", http_status=500)
REDIRECTED = Misconfigured("HTTP 302: the token URL redirects to https://x", http_status=302, bytes_left=False)
NO_KEY = Misconfigured("the tool has no key that may sign", bytes_left=False)


class Refusing(NoTokens):
    """A token server that answers every request so; None: it gives a token."""

    def __init__(self, error):
        self.error = error

    def is_paused(self, consumer_id, scope):
        return False

    async def fetch(self, consumer_id, scope):
        if self.error is not None:
            raise self.error
        return "token"


def breaker_after(now, breaker, signal):
    return next_breaker(breaker, signal, now=now, max_per_campus=4, jitter=0.5)


class Waiting:
    """A campus that waits for the token of its platform, which *tokens* may give."""

    def __init__(self, tokens, campus, clock):
        self.campus, self.metrics, self.came = campus, Metrics("test"), []
        self._access = Access(tokens, clock, breaker_after, notify=lambda: self.came.append(True), metrics=self.metrics)

    @classmethod
    async def begin(cls, tokens):
        service = await make_service()
        await LtiConsumer.all().update(issuer="https://lms.example.edu")
        clock = Clock()
        await clock.measure()
        return cls(tokens, await Campus.get(id=service.campus_id), clock)

    @property
    def refusals(self) -> float:
        return self._counted("passback_signature_refused_total")

    @property
    def parked(self) -> float:
        return self._counted("passback_parked_total", scope="campus")

    def _counted(self, name, **labels) -> float:
        return self.metrics.registry.get_sample_value(name, {"consumer": "campus", **labels}) or 0.0

    async def ask(self):
        """Have it asked for once, and wait for what comes of that."""
        campus = self.campus
        waiting = Capacity(campus.id, free=1, in_flight=0, slow=False, trips=None, platform_id=campus.lti_consumer_id)
        assert self._access.admit([waiting]) == []
        await asyncio.sleep(0)
        await self._access.close()
        await campus.refresh_from_db()


async def asked(error) -> float:
    """What is counted once a token was asked for in vain; and the campus's last error is noted."""
    waiting = await Waiting.begin(Refusing(error))
    await waiting.ask()
    assert waiting.campus.last_error == error.reason
    return waiting.refusals


async def test_a_platform_that_refuses_key_or_client_is_counted_as_one_that_refuses_a_signature():
    with structlog.testing.capture_logs() as logs:
        assert await asked(REFUSED) == 1
    expected = {"event": "token.refused", "log_level": "warning", "consumer": "campus", "reason": REFUSED.reason}
    assert expected in logs


@pytest.mark.parametrize("error", [AWAY, REDIRECTED, NO_KEY], ids=lambda error: error.reason[:20])
async def test_a_token_server_that_is_away_redirects_or_was_not_asked_refuses_no_signature(error):
    assert not await asked(error)


async def test_what_is_refused_for_hours_is_logged_once_and_the_campus_goes_down_once():
    tokens = Refusing(REFUSED)
    waiting = await Waiting.begin(tokens)
    with structlog.testing.capture_logs() as logs:
        for error in (REFUSED, REFUSED, REFUSED, AWAY, AWAY, None, AWAY):
            tokens.error = error
            await waiting.ask()
    assert [one["reason"] for one in logs if one["event"] == "token.refused"] == [
        REFUSED.reason,
        AWAY.reason,
        AWAY.reason,
    ]
    (down,) = [one for one in logs if one["event"] == "campus.down"]
    assert down == {
        "event": "campus.down",
        "log_level": "error",
        "consumer": "campus",
        "origin": waiting.campus.origin,
        "reason": REFUSED.reason,
    }
    assert waiting.refusals == 3
    assert waiting.came == [True]


async def test_grades_for_which_no_launch_offered_the_scope_are_parked_and_counted_before_a_token_is_asked_for():
    waiting = await Waiting.begin(Refusing(REFUSED))
    for _ in range(2):
        await make_assignment()
    await OutcomeService.all().update(offered="")
    with structlog.testing.capture_logs() as logs:
        await waiting.ask()
    assert (waiting.parked, waiting.refusals, waiting.came) == (2, 0, [True])
    assert await GradedAssignment.exclude(parked_at=None).count() == 2
    assert logs == [{"event": "grades.scope_not_offered", "log_level": "warning", "consumer": "campus", "parked": 2}]

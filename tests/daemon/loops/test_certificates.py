"""Until when campuses' certificates are valid, as Prometheus is told."""

from __future__ import annotations

import time
from ipaddress import ip_network

import pytest

from actors.client import http_session
from actors.egress import Egress
from actors.metrics import Metrics
from actors.tls import trust
from daemon.check.reach import Ways
from daemon.infra.stop import Stop
from daemon.loops.certificates import EVERY, Certificates
from models.consumer import LtiConsumer, OutcomeService, digest
from models.db.clock import Clock
from tests.actors.sending import Ticker
from tests.daemon.check.certificates import served_with, valid_for
from tests.daemon.check.servers import root_page
from tests.models.rows import make_assignment

DAY = 86_400


@pytest.fixture
async def looking(empty_database, tmp_path):
    """A function of the certificate to trust: makes the loop, and a step of it."""
    ticker, metrics, stop = Ticker(), Metrics("test"), Stop()
    clock = Clock(ticker)
    await clock.measure()
    stop.set()  # nobody wants to sleep here
    egress = Egress(allow_networks=(ip_network("127.0.0.0/8"),))
    certificate = valid_for(30, tmp_path)
    async with http_session(timeout_seconds=5, max_connections=2, egress=egress) as session:
        loop = Certificates(
            ways=Ways(session, egress, lambda _key: trust(certificate), clock.now, 5.0), clock=clock, metrics=metrics
        )
        yield certificate, loop, metrics, ticker, stop


async def service(name: str, origin: str) -> None:
    consumer, _ = await LtiConsumer.get_or_create({"consumer_name": name, "consumer_secret": "s"}, consumer_key=name)
    url = f"{origin}/outcomes"
    made = await OutcomeService.create(
        lti_consumer=consumer, lis_outcome_service_url=url, url_digest=digest(url), origin=origin
    )
    await make_assignment(made)


def days_left(metrics, name: str) -> float | None:
    value = metrics.registry.get_sample_value("passback_certificate_expiry_timestamp_seconds", {"consumer": name})
    return None if value is None else (value - time.time()) / DAY


async def test_each_campus_is_looked_at_once_a_round_and_what_is_away_hides_no_other(looking, tmp_path):
    certificate, loop, metrics, ticker, stop = looking
    async with root_page(tls=served_with(certificate)) as page, root_page() as plain:
        await service("a", page.origin)
        await service("b", "https://127.0.0.1:1")
        await service("c", plain.origin)
        for _ in range(5):
            await loop.step(stop)
        assert days_left(metrics, "a") == pytest.approx(30, abs=0.1)
        assert days_left(metrics, "b") is None
        assert days_left(metrics, "c") is None
        assert page.asked == plain.asked == [], "a handshake, and nothing more"
        await service("d", page.origin)
        await loop.step(stop)
        assert days_left(metrics, "d") is None
        ticker.seconds += EVERY
        for _ in range(4):
            await loop.step(stop)
        assert days_left(metrics, "d") == pytest.approx(30, abs=0.1)

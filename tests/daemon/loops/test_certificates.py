"""Until when campuses' certificates are valid, as Prometheus sees it: by the connections that are made there."""

import time
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_network

import pytest
from aiohttp import ClientSession

from actors.client import Sender, http_session
from actors.egress import Egress
from actors.errors import DeliveryError
from actors.metrics import Metrics
from daemon.check.probe import ProbeContext
from daemon.infra.redis import redis_client
from daemon.ingest.standstill import Standstill
from daemon.ingest.stream import Stream
from daemon.loops.certificates import ASKED_AGAIN, EVERY, RETRY, ROUND, SOON, Certificates
from daemon.loops.gauges import Gauges
from daemon.wiring import SHARED
from models.assignment import GradedAssignment
from models.consumer import LtiConsumer
from models.db.clock import Clock
from tests.daemon.check.certificates import served_with, valid_for
from tests.daemon.check.servers import root_page
from tests.daemon.doubles import Sleepless, stopped
from tests.fakes.lms import RecordingLms
from tests.models.rows import make_assignment, make_service

DAY = 86_400
EGRESS = Egress(allow_http=True, allow_networks=(ip_network("127.0.0.0/8"),))


async def launch(name: str, lms: RecordingLms) -> int:
    """A grade that this consumer is to get; gives its row."""
    return await make_assignment(await make_service(name, lms.url()))


class Campuses:
    """A sender that trusts each consumer's own certificate, and the gauges beside it."""

    def __init__(self, ends: dict[str, float], gauges: Gauges, metrics: Metrics) -> None:
        self._ends, self._gauges, self._metrics = ends, gauges, metrics

    def _open(self, **options: object) -> ClientSession:
        return http_session(timeout_seconds=5, max_connections=4, egress=EGRESS, certificate_ends=self._ends, **options)

    async def send(self, lms: RecordingLms, certificate=None) -> None:
        async with self._open() as shared, self._open(ca_file=certificate) as own:
            await Sender(shared, {"campus": own}).send(lms.url(), b"<a/>", {}, consumer_key="campus")

    async def days_left(self, name: str) -> float | None:
        """As shown after the next round of the gauges."""
        await self._gauges.step(stopped())
        family = "passback_certificate_expiry_timestamp_seconds"
        value = self._metrics.registry.get_sample_value(family, {"consumer": name})
        return None if value is None else (value - time.time()) / DAY


@pytest.fixture
async def campuses(empty_database, valkey_url):
    clock, metrics, ends = Clock(), Metrics("test"), {}
    await clock.measure()
    async with redis_client(valkey_url) as client:
        standstill = Standstill(clock.monotonic, metrics, lambda: False)
        gauges = Gauges(
            clock=clock,
            stream=Stream(client, "events"),
            metrics=metrics,
            standstill=standstill,
            certificate_ends=ends,
        )
        yield Campuses(ends, gauges, metrics)


async def test_a_connection_shows_the_end_of_its_certificate_for_all_consumers_at_its_origin(campuses, tmp_path):
    expired, old, new = (valid_for(days, tmp_path) for days in (-30, 3, 90))
    async with RecordingLms(tls=served_with(old)) as lms, RecordingLms() as plain:
        for name, where in (("a", lms), ("b", lms), ("c", plain)):
            await launch(name, where)
        assert await campuses.days_left("a") is None, "no connection was made yet"
        await campuses.send(lms, old)
        await campuses.send(plain)
        assert await campuses.days_left("a") == pytest.approx(3, abs=0.1)
        assert await campuses.days_left("b") == pytest.approx(3, abs=0.1)
        assert await campuses.days_left("c") is None, "there is no certificate without TLS"
    async with RecordingLms(tls=served_with(expired), port=lms.port) as lms:
        with pytest.raises(DeliveryError, match="certificate"):
            await campuses.send(lms, expired)
        assert await campuses.days_left("a") == pytest.approx(3, abs=0.1), "what is not trusted shows nothing"
    async with RecordingLms(tls=served_with(new), port=lms.port) as lms:
        await campuses.send(lms, new)
        assert await campuses.days_left("a") == pytest.approx(90, abs=0.1), "it was renewed"


async def test_of_several_addresses_the_first_certificate_to_run_out_counts_until_the_campus_leaves_it(
    campuses, tmp_path
):
    short, long = valid_for(3, tmp_path), valid_for(90, tmp_path)
    async with RecordingLms(tls=served_with(short)) as one, RecordingLms(tls=served_with(long)) as other:
        left = await launch("a", one)
        await launch("a", other)
        await campuses.send(one, short)
        await campuses.send(other, long)
        assert await campuses.days_left("a") == pytest.approx(3, abs=0.1)
        await GradedAssignment.filter(id=left).update(disabled_at=1)
        assert await campuses.days_left("a") == pytest.approx(90, abs=0.1)


# --- Before the first grade ---


class Asking:
    """The loop that asks campuses, at a time that a test sets."""

    def __init__(self, sessions, ends, clock) -> None:
        self.seconds = 0.0
        #: How many go by whenever the loop looks.
        self.passes = 0.0
        self.ends = ends
        context = ProbeContext(sessions, ends, clock.now)
        self._loop = Certificates(context, self._monotonic)

    def _monotonic(self) -> float:
        self.seconds += self.passes
        return self.seconds

    async def step(self) -> float:
        """One round; gives the seconds until the next one."""
        stop = Sleepless()
        await self._loop.step(stop)
        return stop.slept[0]


@asynccontextmanager
async def asking(clock, **files):
    """*files*: the certificate that each consumer trusts; others trust those of the machine."""
    ends: dict[str, float] = {}
    options = {"timeout_seconds": 5, "max_connections": 8, "egress": EGRESS, "certificate_ends": ends}
    async with AsyncExitStack() as stack:
        sessions = {
            name: await stack.enter_async_context(http_session(ca_file=file, **options))
            for name, file in {SHARED: None, **files}.items()
        }
        yield Asking(sessions, ends, clock)


@pytest.fixture
async def clock(empty_database):
    clock = Clock()
    await clock.measure()
    return clock


async def test_a_new_campus_is_asked_at_once_and_then_once_a_day_but_never_for_a_grade(clock, tmp_path):
    certificate = valid_for(30, tmp_path)
    async with (
        root_page(tls=served_with(certificate)) as page,
        root_page() as plain,
        asking(clock, a=certificate) as loop,
    ):
        assert await loop.step() == EVERY
        for name, where in (("a", page), ("b", plain)):
            await make_assignment(await make_service(name, f"{where.origin}/outcomes"))
        await loop.step()
        assert page.asked == [("GET", "/")]
        assert plain.asked == [], "without TLS there is no certificate"
        assert (loop.ends[page.origin] - time.time()) / DAY == pytest.approx(30, abs=0.1)
        loop.seconds = ASKED_AGAIN - 1
        await loop.step()
        assert len(page.asked) == 1
        loop.seconds = ASKED_AGAIN
        await loop.step()
        assert len(page.asked) == 2
        await LtiConsumer.filter(consumer_key="a").update(paused_at=1)
        loop.seconds = 2 * ASKED_AGAIN
        await loop.step()
        assert len(page.asked) == 2, "nothing is sent to a campus that is paused"


async def test_a_round_ends_in_time_and_the_next_one_goes_on_with_those_that_are_left(clock, tmp_path):
    certificate = valid_for(30, tmp_path)
    # Each consumer has its own trusted certificates, so that each is asked.
    trusted = dict.fromkeys("abc", certificate)
    async with root_page(tls=served_with(certificate)) as page, asking(clock, **trusted) as loop:
        await make_assignment(await make_service("gone", "https://127.0.0.1:1/outcomes"))
        for name in trusted:
            await make_assignment(await make_service(name, f"{page.origin}/outcomes"))
        loop.passes = ROUND * 0.6
        assert await loop.step() == SOON
        assert (len(page.asked), list(loop.ends)) == (1, [page.origin])
        assert await loop.step() == EVERY
        assert len(page.asked) == len(trusted)


async def test_a_campus_that_was_away_is_asked_within_the_hour(clock, tmp_path):
    certificate = valid_for(30, tmp_path)
    async with asking(clock, a=certificate) as loop:
        async with root_page(tls=served_with(certificate)) as page:
            await make_assignment(await make_service("a", f"{page.origin}/outcomes"))
        await loop.step()
        assert loop.ends == {}
        async with RecordingLms(tls=served_with(certificate), port=int(page.origin.rpartition(":")[2])):
            await loop.step()
            assert loop.ends == {}
            loop.seconds = RETRY
            await loop.step()
            assert list(loop.ends) == [page.origin]

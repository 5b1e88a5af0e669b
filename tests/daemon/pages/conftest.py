"""The pages of a port on a real socket, at the moment of the situations of ``why``, and browsers that ask for them."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from contextlib import asynccontextmanager
from functools import cache

import aiohttp
import pytest
from lxml import html
from yarl import URL

from actors.client import Sender
from actors.metrics import Metrics
from actors.read_back import Reader
from daemon.check.probe import ProbeContext
from daemon.config import Config
from daemon.config.sections import EgressSection, LogSection
from daemon.infra.redis import redis_client
from daemon.infra.text import printable
from daemon.ingest.stream import Stream
from daemon.pages.access import COOKIE
from daemon.pages.assets import read_assets
from daemon.pages.login import Logins
from daemon.pages.login_limit import LoginLimit
from daemon.pages.passwords import PasswordVerifier, hash_password
from daemon.pages.serving import Pages
from daemon.pages.sessions import Session, sign_session
from daemon.pages.site import Opened, Site
from daemon.web.health import Health
from daemon.web.key_set import PublishedKeySet
from daemon.web.server import application, web_server
from daemon.wiring import SHARED, attempt_settings, outcome_sessions
from models.db.clock import Clock
from models.encryption import Cipher
from models.heartbeat import Heartbeat
from models.stream_position import read_position
from models.web_user import WebUser, set_web_user
from tests.daemon.why.story import NOW

PASSWORD = "a password that is long"
STREAM = "pages:events"
HERE = ["127.0.0.0/8"]
#: What no page may take for markup, nor show as it is.
HOSTILE = "<script>alert(1)</script>\"'><b>&amp;\x1b[2J\u202e\r\n\u2028=x"


@cache
def _hashed():
    """Once for all tests: it takes a while."""
    return hash_password(PASSWORD)


def one_line(text):
    """As a page shows it: control characters escaped, white space folded."""
    return " ".join(printable(text).split())


class PageClock(Clock):
    """Is at the moment of the situations, unless it is set."""

    def __init__(self):
        super().__init__()
        self.ms, self.seconds = NOW, 0.0
        self.monotonic = lambda: self.seconds

    def now(self):
        return self.ms


class Browser:
    """Keeps its cookies; *page* is the last answer as a document."""

    def __init__(self, session):
        self.session = session
        self.page = None

    async def ask(self, method, path, **more):
        """The status and the text of an answer."""
        async with self.session.request(method, path, allow_redirects=False, **more) as answer:
            text = await answer.text()
            self.answer = answer
            if answer.content_type == "text/html" and text:
                self.page = html.fromstring(text)
            return answer.status, text

    async def get(self, path, **more):
        return await self.ask("GET", path, **more)

    async def post(self, path, **fields):
        """Send a form, with the token of the page that is shown."""
        tokens = [] if self.page is None else self.page.xpath("//input[@name='token']/@value")
        return await self.ask("POST", path, data={"token": tokens[0] if tokens else "", **fields})

    async def log_in(self, name="anna", password=PASSWORD, **fields):
        await self.ask("POST", "/login", data={"name": name, "password": password, **fields})
        assert self.answer.status == 303, "logged in"

    async def be(self, name, *, at=NOW):
        """As after a log-in, which takes a while. *at*: milliseconds since 1970."""
        user = await WebUser.get(name=name)
        session = Session(user.id, at // 1000, f"nonce of {name}")
        self.session.cookie_jar.update_cookies(
            {COOKIE: sign_session(session, user.session_key)}, self.session._base_url
        )

    async def submit(self, action, **fields):
        """Send the form of the page that goes to *action*, as a browser would, with *fields* filled in."""
        (form,) = self.page.xpath(f"//form[@action='{action}']")
        hidden = {one.get("name"): one.get("value") for one in form.xpath(".//input[@type='hidden']")}
        return await self.ask("POST", action, data={**hidden, **fields})

    async def change(self, action, **fields):
        """Submit that form, and go where it leads."""
        status, text = await self.submit(action, **fields)
        return await self.get(self.answer.headers["Location"]) if status == 303 else (status, text)

    async def follow(self, words):
        """Go to where the link with these words leads."""
        links = {" ".join(link.text_content().split()): link.get("href") for link in self.page.xpath("//main//a")}
        return await self.get(URL(links[words], encoded=True))

    @property
    def actions(self):
        """Where the forms of the main part go."""
        return [form.get("action") for form in self.page.xpath("//main//form[@method='post']")]

    @property
    def words(self):
        """What the main part of the page says."""
        return " ".join(self.page.xpath("//main")[0].text_content().split())

    def table(self, caption):
        """The rows of a table, each a dictionary by heading."""
        (found,) = self.page.xpath(f"//table[caption[normalize-space()='{caption}']]")
        return [
            {cell.get("data-label"): " ".join(cell.text_content().split()) for cell in row.xpath("./td")}
            for row in found.xpath("./tbody/tr")
        ]


@pytest.fixture
def command(empty_database):
    """What a command prints with this database, as JSON where it is asked for."""

    async def command(*arguments):
        environ = {**os.environ, "PASSBACKD_DATABASE__URL": empty_database, "PASSBACKD_LOG__TIMEZONE": "Europe/Berlin"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "daemon", *arguments, env=environ, stdout=subprocess.PIPE
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said
        return json.loads(said) if "--json" in arguments else said.decode()

    return command


@pytest.fixture(scope="module")
def shared_url(tmp_path_factory, _migrated_sqlite):
    """One engine: what the pages read is tested on both where it is read, and they take no statement of their own."""
    file = tmp_path_factory.mktemp("shared") / "test.db"
    shutil.copy(_migrated_sqlite, file)
    return f"sqlite://{file}"


@pytest.fixture
def clock():
    return PageClock()


@pytest.fixture
async def site(empty_database, valkey_url, clock):
    await read_position()
    await Heartbeat.create(id="a" * 32, seen_at=NOW)
    async with redis_client(valkey_url) as client, opened_site(client, clock) as site:
        yield site


@asynccontextmanager
async def opened_site(client, clock):
    """Pages of a database that is open, with the stream in this Redis, whose campuses may be on this machine."""
    egress = EgressSection(allow_http=True, allow_networks=HERE)
    config = Config(log=LogSection(timezone="Europe/Berlin"), egress=egress)
    ends = {}
    async with outcome_sessions(config, ends) as sessions:
        reader = Reader(Sender(sessions[SHARED], sessions), clock, attempt_settings(config))
        probes = ProbeContext(sessions, ends, clock.now)
        yield Site(config, Opened(clock, Stream(client, STREAM), list, lambda: reader, probes, lambda: None))


@pytest.fixture
async def browsing(site, clock):
    """Makes browsers, within a context."""
    health = Health()
    app = application(health, Metrics("1"), PublishedKeySet(Cipher(), 0, clock.monotonic), ("pages.example",))
    Pages(site, read_assets(), Logins(LoginLimit(clock.monotonic), PasswordVerifier())).add_to(app)

    @asynccontextmanager
    async def browsing(port):
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=jar) as session:
            yield Browser(session)

    async with web_server(app, "127.0.0.1", 0) as port:
        yield lambda: browsing(port)


@pytest.fixture
async def users(site):
    """An operator and a support person."""
    password_hash = _hashed()
    await set_web_user("anna", "operator", password_hash, now=NOW)
    await set_web_user("ben", "support", password_hash, now=NOW)


@pytest.fixture
async def stranger(browsing):
    async with browsing() as browser:
        yield browser


@pytest.fixture
async def anna(browsing, users):
    """An operator who is logged in."""
    async with browsing() as browser:
        await browser.be("anna")
        yield browser


@pytest.fixture
async def ben(browsing, users):
    """A support person who is logged in."""
    async with browsing() as browser:
        await browser.be("ben")
        yield browser

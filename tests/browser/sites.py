"""The pages on a real socket, with none, one or many assignments, at the moment of the situations of ``why``."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache

from redis.asyncio import Redis

from actors.metrics import Metrics
from daemon.infra.redis import redis_client
from daemon.pages.access import COOKIE
from daemon.pages.assets import read_assets
from daemon.pages.login import Logins
from daemon.pages.login_limit import LoginLimit
from daemon.pages.passwords import PasswordVerifier, hash_password
from daemon.pages.serving import Pages
from daemon.pages.sessions import Session, sign_session
from daemon.pages.site import Site
from daemon.web.health import Health
from daemon.web.key_set import PublishedKeySet
from daemon.web.server import application, web_server
from models.db.database import open_database
from models.encryption import Cipher
from models.heartbeat import Heartbeat
from models.stream_position import read_position
from models.web_user import MAX_USER_NAME, WebUser, set_web_user
from tests.daemon.pages.conftest import PASSWORD, PageClock, opened_site
from tests.daemon.why.story import NOW

#: An operator, a support person, and one whose name is as long as one can be.
OPERATOR, SUPPORT, LONG_NAMED = "anna", "ben", "w" * MAX_USER_NAME


@cache
def _hashed() -> str:
    """Once for all tests: it takes a while."""
    return hash_password(PASSWORD)


@dataclass
class Served:
    """The pages of a port, whose server can be stopped and started again. *redis*: holds the stream of events."""

    site: Site
    clock: PageClock
    redis: Redis
    database_url: str
    port: int = 0
    _serving: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Serve, on the port of before if there was one."""
        health = Health()
        app = application(health, Metrics("1"), PublishedKeySet(Cipher(), 0, self.clock.monotonic))
        Pages(self.site, read_assets(), Logins(LoginLimit(self.clock.monotonic), PasswordVerifier())).add_to(app)
        self.port = await self._serving.enter_async_context(web_server(app, "127.0.0.1", self.port))

    async def stop(self) -> None:
        await self._serving.aclose()

    async def cookie(self, name: str) -> dict[str, str]:
        """What a browser gets when this user logs in, which takes a while."""
        user = await WebUser.get(name=name)
        signed = sign_session(Session(user.id, NOW // 1000, f"nonce of {name}"), user.session_key)
        return {"name": COOKIE, "value": signed, "url": self.url}


@asynccontextmanager
async def served(database_url: str, redis_url: str) -> AsyncIterator[Served]:
    """The pages of a migrated database, with an operator and a support person."""
    clock = PageClock()
    async with open_database(database_url), redis_client(redis_url) as client, opened_site(client, clock) as site:
        await read_position()
        await Heartbeat.create(id="a" * 32, seen_at=NOW)
        await set_web_user(OPERATOR, "operator", _hashed(), now=NOW)
        await set_web_user(SUPPORT, "support", _hashed(), now=NOW)
        await set_web_user(LONG_NAMED, "support", _hashed(), now=NOW)
        one = Served(site, clock, client, database_url)
        await one.start()
        try:
            yield one
        finally:
            await one.stop()

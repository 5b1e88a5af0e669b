"""How campuses are reached: sessions, sender and settings, wired once for `run`, `reconcile` and `check`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import aiohttp

from actors.client import Sender, http_session
from actors.resolution import Rules
from actors.settings import Settings
from actors.token_requests import TokenRequests
from actors.tokens import Tokens
from daemon.config import Config
from daemon.infra.file_limit import allow_files
from daemon.infra.startup import UnusableError
from models.db.clock import Clock
from models.encryption import Cipher
from models.platform_admin import platform_for_token
from models.tool_key import signing_keys

#: Instead of a consumer key: all consumers that have no session of their own.
SHARED = ""


@asynccontextmanager
async def open_sender(
    config: Config, certificate_ends: MutableMapping[str, float] | None = None
) -> AsyncIterator[Sender]:
    """Open a sender with pools of connections of its own; otherwise as :func:`outcome_sessions`."""
    async with outcome_sessions(config, certificate_ends) as sessions:
        yield Sender(sessions[SHARED], sessions)


@asynccontextmanager
async def outcome_sessions(
    config: Config, certificate_ends: MutableMapping[str, float] | None = None
) -> AsyncIterator[Mapping[str, aiohttp.ClientSession]]:
    """
    The pools of connections to campuses: of each consumer that ``egress.campuses`` names, and of :data:`SHARED`.

    Raises:
        UnusableError: A ``ca_file`` or the limit of open files prevents it.
    """
    allow_files(config.outcomes.max_connections)
    policy = config.egress.policy
    async with AsyncExitStack() as stack:
        sessions = {}
        for key in (SHARED, *config.egress.campuses):
            own = config.egress.of(key)
            with _usable(config):
                session = http_session(
                    timeout_seconds=config.outcomes.timeout_seconds,
                    max_connections=config.outcomes.max_connections,
                    egress=policy.of(key),
                    ca_file=own.ca_file,
                    minimum_tls=own.minimum_tls or config.egress.minimum_tls,
                    certificate_ends=certificate_ends,
                )
            sessions[key] = await stack.enter_async_context(session)
        yield sessions


@contextmanager
def _usable(config: Config) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        files = [config.egress.ca_file, *(own.ca_file for own in config.egress.campuses.values())]
        names = ", ".join(str(file) for file in files if file is not None)
        raise UnusableError(
            f"egress.ca_file: {names} cannot be used ({error.strerror or error}); name a file of certificates in PEM"
        ) from error


def attempt_settings(config: Config) -> Settings:
    """The settings of attempts and of reads of a campus's grades."""
    return Settings(
        timeout_seconds=config.outcomes.timeout_seconds,
        rules=Rules(hold_seconds=config.outcomes.hold_seconds, max_attempts=config.outcomes.max_attempts),
        skip_unchanged=config.outcomes.skip_unchanged,
        max_per_campus=config.outcomes.max_per_campus,
        max_connections=config.outcomes.max_connections,
        platforms=dict(config.outcomes.profiles),
        prioritized=frozenset(config.outcomes.prioritize_non_tool_grade),
    )


async def note_nothing(_consumer_id: int, _kid: str) -> None:
    """For those who only read."""


def access_tokens(
    sender: Sender, clock: Clock, cipher: Cipher, note_key: Callable[[int, str], Awaitable[object]] = note_nothing
) -> Tokens:
    """
    What gets access tokens from LTI 1.3 platforms, while the database is open; the caller closes it.

    *note_key*: gets the id of a consumer and the key (``kid``) that it accepted, if that is another one than before.
    """
    requests = TokenRequests(
        sender.send, clock, consumer=platform_for_token, keys=signing_keys, note_key=note_key, cipher=cipher
    )
    return Tokens(requests, clock)

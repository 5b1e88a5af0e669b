"""How campuses are reached: session, TLS contexts, sender and settings, wired once for `run`, `reconcile`, `check`."""

import ssl
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager

import aiohttp

from actors.client import Sender, http_session
from actors.resolution import Rules
from actors.settings import Settings
from daemon.config import Config
from daemon.infra.file_limit import allow_files
from daemon.infra.startup import UnusableError


@asynccontextmanager
async def open_sender(
    config: Config, certificate_ends: MutableMapping[str, float] | None = None
) -> AsyncIterator[Sender]:
    """Open a sender with a pool of connections of its own; otherwise as :func:`outcome_session`."""
    async with outcome_session(config, certificate_ends) as session:
        yield Sender(session, campus_tls(config))


def outcome_session(
    config: Config, certificate_ends: MutableMapping[str, float] | None = None
) -> aiohttp.ClientSession:
    """The pool of connections to campuses; UnusableError if a ``ca_file`` or the limit of open files prevents it."""
    allow_files(config.outcomes.max_connections)
    with _usable(config):
        return http_session(
            timeout_seconds=config.outcomes.timeout_seconds,
            max_connections=config.outcomes.max_connections,
            egress=config.egress.policy,
            ca_file=config.egress.ca_file,
            minimum_tls=config.egress.minimum_tls,
            certificate_ends=certificate_ends,
        )


def campus_tls(config: Config) -> dict[str, ssl.SSLContext]:
    """TLS contexts by consumer key, where the session's does not apply; UnusableError if a ``ca_file`` is unusable."""
    with _usable(config):
        return {key: config.egress.trust(key) for key in config.egress.campuses}


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
    )

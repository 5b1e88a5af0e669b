"""Whether the token servers of LTI 1.3 platforms give access tokens: the proof of the set-up, without a grade."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from actors.errors import DeliveryError, TryLater
from actors.tokens import Tokens
from daemon.check.findings import Finding, fault, ok, split_cure, warning
from daemon.config import Config
from daemon.infra.errors import describe
from daemon.infra.startup import UnusableError
from daemon.wiring import access_tokens, note_nothing, open_sender
from models.consumer import LtiConsumer
from models.db.clock import Clock
from models.db.database import NoDatabaseError, open_database
from models.scopes import SCORE_SCOPE
from models.tool_key import signing_keys

_SET_UP = (
    "see that the platform has the URL of this tool's key set and reaches it, that client id, token URL and audience "
    "are its own (`passbackd platform list --json`), and that its grade service is on: docs/platforms.md"
)
#: Where nothing can be signed, and so no platform was asked.
_UNSIGNED = (
    "give this command the keys that the daemon has in secrets.keys, or replace the signing key "
    "(`passbackd keys withdraw`, `keys new`)"
)
#: Where egress, the certificate or a lack of what is to be sent stopped it first: the reason says which.
_UNSENT = "nothing was sent to its token server: docs/platforms.md"
_LATER = "try again later; if it stays so, ask the campus: docs/platforms.md"


@asynccontextmanager
async def open_tokens(
    config: Config, clock: Clock, note_key: Callable[[int, str], Awaitable[object]] = note_nothing
) -> AsyncIterator[Tokens]:
    """
    What gets tokens as the daemon does, while the database is open.

    Raises:
        UnusableError: As :func:`daemon.wiring.outcome_sessions`.
    """
    async with open_sender(config) as sender:
        tokens = access_tokens(sender, clock, config.secrets.cipher, note_key)
        try:
            yield tokens
        finally:
            await tokens.close()


async def token_finding(platform: LtiConsumer, tokens: Tokens) -> Finding:
    """Whether a token for scores comes, else what to correct."""
    name = platform.consumer_name
    try:
        await tokens.fetch(platform.id, SCORE_SCOPE)
    except DeliveryError as error:
        return fault(name, error.reason, _cure(error))
    return ok(name, "its token server gives access tokens for scores")


def _cure(error: DeliveryError) -> str:
    if isinstance(error, TryLater):
        return _LATER
    if error.reason.startswith("no access token can be asked for"):
        return _UNSIGNED
    return _UNSENT if error.http_status is None else _SET_UP


async def check_tokens(config: Config) -> list[Finding]:
    """Of each platform, several at a time."""
    try:
        async with open_database(config.database.url, create=False):
            clock = Clock()
            await clock.measure()
            platforms = await LtiConsumer.exclude(issuer=None).order_by("consumer_name")
            # Without a key that signs, `check_platforms` has said so.
            if not platforms or not await signing_keys(clock.now()):
                return []
            async with open_tokens(config, clock) as tokens:
                # No more than there are connections: the wait for one would be taken for the platform's.
                turns = asyncio.Semaphore(config.outcomes.max_connections)

                async def ask(platform: LtiConsumer) -> Finding:
                    async with turns:
                        return await token_finding(platform, tokens)

                return await asyncio.gather(*map(ask, platforms))
    except NoDatabaseError:
        return []
    except UnusableError as error:
        problem, cure = split_cure(error)
        return [warning("platforms", f"not asked for tokens: {problem}", cure)]
    except Exception as error:  # noqa: BLE001 - whatever the driver says, no platform is known
        return [warning("platforms", f"not asked for tokens ({describe(error)})", "correct the database first")]

"""Making and withdrawing this tool's signing keys on record."""

from daemon.config import Config
from daemon.support.record import Actor, recorded_by
from models.key_admin import make_signing_key, new_pair, withdraw_key
from models.tool_key import ToolKey, signing_keys

#: What the record of actions says in place of a key.
NONE_SIGNS = "none"
#: What becomes of a key in each state, in words.
KEY_STATE_WORDS = {
    "published": "published, does not sign yet",
    "signs": "signs",
    "kept": "published for platforms that do not know a newer one",
    "retired": "not published any more",
    "withdrawn": "withdrawn",
}


async def new_tool_key(config: Config, actor: Actor, *, now: int) -> ToolKey:
    """
    Make a key, which is published at once.

    Args:
        now: Milliseconds since 1970 by the database's clock.

    Raises:
        PlaintextRefusedError, KeyRefusedError: As :func:`models.key_admin.make_signing_key`.
    """
    selection: dict[str, str] = {}
    pair, ahead_ms = await new_pair(), config.keys.publish_ahead_ms
    async with recorded_by("keys new", selection, actor) as counts:
        made = await make_signing_key(config.secrets.cipher, now=now, ahead_ms=ahead_ms, pair=pair)
        selection["key"], counts["keys"] = made.kid, 1
    return made


async def withdraw_tool_key(kid: str, actor: Actor, *, now: int) -> str | None:
    """As :func:`models.key_admin.withdraw_key`."""
    selection = {"key": kid}
    async with recorded_by("keys withdraw", selection, actor) as counts:
        follows = await withdraw_key(kid, now=now)
        counts["keys"] = 1
        if follows is not None:
            selection["signs now"] = follows
        elif not await signing_keys(now):
            selection["signs now"] = NONE_SIGNS
    return follows

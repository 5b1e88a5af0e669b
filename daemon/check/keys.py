"""Whether ``secrets.keys`` reads every consumer's secret and every signing key, without which no daemon starts."""

from daemon.check.findings import Finding, fault
from daemon.config import Config
from models.secrets import undecryptable


async def check_keys(config: Config) -> list[Finding]:
    """Reads the open database only; no secret is shown."""
    names = await undecryptable(config.secrets.cipher)
    if not names:
        return []
    which = "these keys" if config.secrets.keys else "no key"
    problem = f"the secrets of {', '.join(names)} cannot be read with {which}, and no daemon starts"
    cure = (
        "add the key that encrypted them, or set each secret anew with `passbackd consumer add --replace`, and replace "
        "each signing key (`passbackd keys withdraw`, `keys new`)"
    )
    return [fault("secrets.keys", problem, cure)]

"""What of the configuration can change while the daemon works. Pure."""

from daemon.config import Config
from daemon.config.sections import keys

#: What takes effect at once. Open connections, leases and other daemons depend on the rest.
LIVE = frozenset(
    {
        "outcomes.composite_delay_seconds",
        "outcomes.composite_max_delay_seconds",
        "outcomes.max_per_campus",
        "outcomes.max_attempts",
        "outcomes.skip_unchanged",
        "outcomes.profiles",
        "keys.publish_ahead_hours",
        "intake.tokens",
        "log.level",
        "log.format",
        "log.timezone",
        "retention.stream_days",
        "retention.ledger_days",
        "retention.quarantine_days",
    }
)


def differences(old: Config, new: Config) -> tuple[list[str], list[str]]:
    """The keys that differ: those that take effect at once, and those that need a restart."""
    changed = [key for key in keys() if _value(old, key) != _value(new, key)]
    return [key for key in changed if key in LIVE], [key for key in changed if key not in LIVE]


def merged(old: Config, new: Config) -> Config:
    """*old* with what can change from *new*."""
    for key in LIVE:
        section, _, name = key.partition(".")
        changed = getattr(old, section).model_copy(update={name: _value(new, key)})
        old = old.model_copy(update={section: changed})
    return old


def _value(config: Config, key: str) -> object:
    section, _, name = key.partition(".")
    return getattr(getattr(config, section), name)

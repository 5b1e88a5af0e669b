"""SIGHUP: what of the configuration can change while the daemon works, and that a wrong one changes nothing."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from daemon.config import ConfigError
from daemon.config.sections import keys

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from daemon.config import Config
    from daemon.notify import Notifier

log = structlog.get_logger(__name__)

#: What takes effect at once. All else is what open connections, leases or other daemons rest on.
LIVE = frozenset(
    {
        "outcomes.composite_delay_seconds",
        "outcomes.composite_max_delay_seconds",
        "outcomes.max_per_campus",
        "outcomes.max_attempts",
        "outcomes.skip_unchanged",
        "outcomes.profiles",
        "log.level",
        "log.format",
        "log.timezone",
        "retention.stream_days",
        "retention.ledger_days",
        "retention.quarantine_days",
    }
)


def differences(old: Config, new: Config) -> tuple[list[str], list[str]]:
    """The keys that differ: those that take effect at once, and those that need a restart. Pure."""
    changed = [key for key in keys() if _value(old, key) != _value(new, key)]
    return [key for key in changed if key in LIVE], [key for key in changed if key not in LIVE]


def merged(old: Config, new: Config) -> Config:
    """*old* with what can change from *new*. Pure."""
    sections = {}
    for section in type(old).model_fields:
        taken = {key.partition(".")[2]: _value(new, key) for key in LIVE if key.startswith(f"{section}.")}
        sections[section] = getattr(old, section).model_copy(update=taken)
    return old.model_copy(update=sections)


def _value(config: Config, key: str) -> object:
    section, _, name = key.partition(".")
    return getattr(getattr(config, section), name)


class Reloader:
    """
    Reads the configuration anew when it is told to.

    Args:
        config: What is in force.
        reread: Reads it from where it was read at the start; raises ConfigError.
        adopt: Has it take effect; only the keys in :data:`LIVE` differ from what was in force.
    """

    def __init__(
        self, config: Config, reread: Callable[[], Config], adopt: Callable[[Config], None], notifier: Notifier
    ) -> None:
        self._config = config
        self._reread = reread
        self._adopt = adopt
        self._notifier = notifier

    def reload(self) -> None:
        """Once. A configuration that is wrong is told, and the last good one stays in force."""
        self._notifier.reloading()
        try:
            new = self._reread()
        except ConfigError as error:
            log.error("the configuration is wrong and was not reloaded", faults=list(map(str, error.faults)))  # noqa: TRY400
        except Exception:
            log.exception("the configuration could not be read and was not reloaded")
        else:
            self._take(new)
        finally:
            # The supervisor waits for this.
            self._notifier.ready()

    def _take(self, new: Config) -> None:
        at_once, after_a_restart = differences(self._config, new)
        if at_once:
            self._config = merged(self._config, new)
            self._adopt(self._config)
        log.info("the configuration was reloaded", changed=at_once, needs_a_restart=after_a_restart)


@contextmanager
def reload_on_signal(loop: asyncio.AbstractEventLoop, reload: Callable[[], None]) -> Iterator[None]:
    """SIGHUP calls *reload* within this context."""
    loop.add_signal_handler(signal.SIGHUP, reload)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)

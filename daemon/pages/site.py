"""What the pages need of the daemon, and what a handler gets."""

from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

import structlog
from aiohttp import web

from actors.read_back import Reader
from daemon.check.probe import ProbeContext
from daemon.config import Config, zone
from daemon.ingest.stream import Stream
from daemon.pages.sessions import Session, form_token
from daemon.support.record import Actor
from daemon.why.known import Terms
from models.course import CourseTrees
from models.db.clock import Clock
from models.members import read_members
from models.queries.status import Status, read_status
from models.web_user import WebUser

log = structlog.get_logger(__name__)

#: Course trees that are kept for pages, and their bytes.
MAX_TREES, MAX_TREE_BYTES = 16, 1024 * 1024
#: Milliseconds after which figures that the daemon read are read anew.
STALE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Opened:
    """
    *troubles*: why this daemon is not ready. *reader*: asks campuses for grades. *probes*: with what their servers are
    tried. *status*: what the daemon read last. *trees*: courses of which pages were asked for. *context*: in which the
    database is open, which requests have not.
    """

    clock: Clock
    stream: Stream
    troubles: Callable[[], list[str]]
    reader: Callable[[], Reader]
    probes: ProbeContext
    status: Callable[[], Status | None]
    trees: CourseTrees = field(default_factory=lambda: CourseTrees(keep=MAX_TREES, keep_bytes=MAX_TREE_BYTES))
    context: Context = field(default_factory=copy_context)


@dataclass(slots=True)
class Site:
    """
    The pages of one daemon.

    *config*: the one in force. *opened*: None until the database is open.
    """

    config: Config
    opened: Opened | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """
    A request of a user who may make it.

    *form*: the fields of a POST, empty for other methods. *recorded*: the ids of the actions that it led to.
    """

    request: web.Request
    site: Site
    daemon: Opened
    user: WebUser
    session: Session
    form: dict[str, str]
    recorded: list[int] = field(default_factory=list)

    @property
    def now(self) -> int:
        """Milliseconds since 1970 by the database's clock."""
        return self.daemon.clock.now()

    @property
    def zone(self) -> tzinfo | None:
        """In which times are shown; None: the machine's."""
        return zone(self.site.config.log.timezone)

    @property
    def token(self) -> str:
        """What each form has to carry."""
        return form_token(self.session, self.user.session_key)

    @property
    def operates(self) -> bool:
        """Whether the user may do what the commands can."""
        return self.user.role == "operator"

    @property
    def actor(self) -> Actor:
        """Who makes a change, for the record of actions."""
        return Actor(f"{self.user.name} (web)", self.request.remote or "", self._log, self.recorded)

    def _log(self, command: str, chosen: Mapping[str, Any], counts: Mapping[str, int]) -> None:
        log.info(
            "a user changed something", user=self.user.name, command=command, chosen=dict(chosen), counts=dict(counts)
        )

    async def status(self) -> Status:
        """What the daemon has read of late, or reads now."""
        known = self.daemon.status()
        is_fresh = known is not None and self.now - known.at <= STALE_MS
        return known if known is not None and is_fresh else await read_status(now=self.now)

    async def terms(self) -> Terms:
        """What the sentences about grades depend on."""
        outcomes, daemons = self.site.config.outcomes, await read_members(now=self.now)
        return Terms(
            self.now,
            outcomes.debounce,
            self.zone,
            outcomes.max_attempts,
            daemon_runs=daemons.alive > 0,
            daemon_troubles=daemons.troubles,
        )

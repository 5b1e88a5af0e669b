"""What the actors work with."""

from collections.abc import Callable
from dataclasses import dataclass

from actors.client import Abort, Sender
from actors.failpoints import Hit, pass_by
from actors.lease import new_lease
from actors.metrics import Metrics
from actors.settings import Settings
from models.claims import Lease
from models.course import CourseTrees
from models.db.clock import Clock
from models.encryption import PLAINTEXT, Cipher


@dataclass(slots=True)
class Dependencies:
    """What the actors work with; handed in by the lifespan, or by a test. The settings may be replaced at any time."""

    sender: Sender
    trees: CourseTrees
    clock: Clock
    metrics: Metrics
    settings: Settings
    #: Whether what the stream held at start has been applied.
    may_send: Callable[[], bool]
    abort: Abort
    #: Called at each failpoint that an attempt reaches.
    hit: Hit = pass_by
    #: Decrypts consumers' secrets.
    cipher: Cipher = PLAINTEXT

    def lease(self) -> Lease:
        """A lease that begins now."""
        return new_lease(self.settings, self.clock)

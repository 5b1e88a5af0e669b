"""The limit of open files, of which each connection to a campus is one."""

import resource
import sys
from contextlib import suppress

from daemon.infra.startup import UnusableError

#: Files that are open beside the connections in use: servers, queues, pages.
OTHERS = 256
#: Files to ask for: connections stay open for some seconds after their use.
WANTED = 65_536


def allow_files(connections: int) -> None:
    """Raise the limit for so many connections; UnusableError if it stays too low: a campus would be blamed for it."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed, most = (sys.maxsize if limit == resource.RLIM_INFINITY else limit for limit in limits)
    needed = connections + OTHERS
    wanted = min(most, max(needed, WANTED))
    if allowed < wanted:
        # A sandbox may forbid it.
        with suppress(OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, limits[1]))
            allowed = wanted
    if allowed < needed:
        raise UnusableError(
            f"outcomes.max_connections: {connections} connections and {OTHERS} other files are more than the {allowed} "
            "files that this process may open; set fewer, or allow more (LimitNOFILE= in the unit, `ulimit -n` in a "
            "shell)"
        )

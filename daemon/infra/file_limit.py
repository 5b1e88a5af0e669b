"""Open files, of which each connection to a campus is one."""

import resource
import sys
from contextlib import suppress

from daemon.infra.startup import UnusableError

#: What is open beside the connections in use: servers, queues, pages.
OTHERS = 256
#: How many are wanted if they may be had: connections are kept for some seconds after their use.
WANTED = 65_536


def allow_files(connections: int) -> None:
    """
    Have the process open as many files as so many connections to campuses want, or as it may.

    Where it may not open one, a campus would be blamed for what this machine refuses.

    Raises:
        UnusableError: They do not suffice.
    """
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed, most = (sys.maxsize if limit == resource.RLIM_INFINITY else limit for limit in limits)
    needed = connections + OTHERS
    wanted = min(most, max(needed, WANTED))
    if allowed < wanted:
        # In a sandbox that forbids it, what is allowed has to do.
        with suppress(OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, limits[1]))
            allowed = wanted
    if allowed < needed:
        raise UnusableError(
            f"outcomes.max_connections: {connections} connections and {OTHERS} other files are more than the {allowed} "
            "files that this process may open: set fewer, or allow more (LimitNOFILE= in the unit, `ulimit -n` in a "
            "shell)"
        )

"""Open files, of which each connection to a campus is one."""

from __future__ import annotations

import resource

from daemon.startup import UnusableError

#: What is open beside the connections to campuses: servers, queues, pages, files.
OTHERS = 256


def allow_files(connections: int) -> None:
    """
    Have the process open as many files as so many connections to campuses need.

    Where it may not, a campus would be blamed for a connection that this machine refuses.

    Raises:
        UnusableError: It may not.
    """
    needed = connections + OTHERS
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY or allowed >= needed:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))
    except (ValueError, OSError) as error:
        raise UnusableError(
            f"outcomes.max_connections: {connections} connections and {OTHERS} other files are more than the {most} "
            "files that this process may open: set fewer, or allow more (LimitNOFILE= in the unit, `ulimit -n` in a "
            "shell)"
        ) from error

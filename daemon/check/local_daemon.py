"""What the daemon of this machine says of itself on its page ``/readyz``."""

import http.client

from daemon.config.sections import WebSection

#: Seconds that it has to answer, and the bytes that are read of it.
PATIENCE, MAX_PAGE = 2.0, 8192
#: Where a daemon that listens everywhere is asked.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is compared with


def local_daemon(web: WebSection) -> list[str] | None:
    """Why it is not ready, a line each; empty where it is. None where none answers."""
    connection = http.client.HTTPConnection(_EVERYWHERE.get(web.host, web.host), web.port, timeout=PATIENCE)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = answer.read(MAX_PAGE).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        return [line for line in said.splitlines() if line]
    return [] if answer.status == http.HTTPStatus.OK and said.strip() == "ok" else None

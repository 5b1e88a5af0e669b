"""One attack: what is sent, byte by byte, and which answers show that it came to nothing."""

import re
from dataclasses import dataclass

FORM = "Content-Type: application/x-www-form-urlencoded"
#: What the scene has a value for, as in «anna».
_PLACE = re.compile("«([^»]*)»")


@dataclass(frozen=True)
class Attack:
    """
    A row of the table.

    Args:
        name: A sentence, or the part of one that says what is tried.
        sends: One or more requests, with the names of values of the scene; a surrogate is a byte that is no UTF-8.
        statuses: What may be answered. Without any the connection has to close without an answer.
        behind: Which web server the pages trust: a method of the scene.
    """

    name: str
    sends: str
    statuses: tuple[int, ...]
    behind: str = "no_proxy"

    def data(self, values):
        """The bytes, with the scene's values in their places, and «length» that of the body."""
        filled = _PLACE.sub(lambda found: values.get(found[1], found[0]), self.sends)
        head, end, body = filled.partition("\r\n\r\n")
        length = len(body.encode(errors="surrogateescape"))
        return (head.replace("«length»", str(length)) + end + body).encode(errors="surrogateescape")


def asked(path, *headers, method="GET", host="«host»", body=None):
    """A request as a client would write it; each header a line. Those with a body have its length and type."""
    lines = [f"{method} {path} HTTP/1.1", *([] if host is None else [f"Host: {host}"]), *headers]
    if body is not None and not any(line.lower().startswith("content-type") for line in headers):
        lines.append(FORM)
    if body is not None and not any(
        line.lower().startswith(("content-length", "transfer-encoding")) for line in headers
    ):
        lines.append("Content-Length: «length»")
    return "\r\n".join([*lines, "", body or ""])


def sent(path, body, *headers, **more):
    """A form."""
    return asked(path, *headers, method="POST", body=body, **more)


def rows(statuses, attacks, **more):
    """Attacks of one kind, by their names."""
    return [Attack(name, sends, statuses, **more) for name, sends in attacks.items()]

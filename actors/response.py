"""What came back from an LMS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Bytes of a reply's body that are read.
BODY_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole HTTP answer, with never more than :data:`BODY_LIMIT` bytes of body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    #: From the moment a connection was in hand to the last byte read.
    seconds: float
    #: Whether there was more body than was read.
    truncated: bool = False

    def header(self, name: str) -> str | None:
        """A header's first value, whatever the case of its name."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), None)

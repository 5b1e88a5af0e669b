"""What all events have in common: how they are written."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from passbackd_client.checked import Checked


def now() -> datetime:
    """The time of this machine, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Checked):
    """One event; its fields are called as on the stream, and those that are None are absent there."""

    type: ClassVar[str]

    def stream_fields(self) -> dict[str, str]:
        """The flat fields of a stream entry, ``type`` first, for ``XADD``."""
        return {name: _text(value) for name, value in self.json_object().items()}

    def json_object(self) -> dict[str, Any]:
        """The event for ``passbackd feed`` and the HTTP intake; numbers are numbers, and ``blocks`` is a list."""
        return {"type": self.type, **dict(self._written())}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

"""Records that are checked when they are made."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A record whose fields are checked, each by the check in its metadata, and kept as that returns them."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, field.metadata["check"](field.name, getattr(self, field.name)))
        self._check_together()

    def _check_together(self) -> None:
        """Check what concerns more than one field."""

    def _written(self) -> Iterator[tuple[str, Any]]:
        """The fields that are not None, as JSON has them."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None:
                yield field.name, field.metadata["write"](value)

"""How long a grade of several problems waits for more changes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Debounce:
    """How long a composite's grade waits: *delay* after a change, never longer than *ceiling* after the first."""

    delay_ms: int
    ceiling_ms: int

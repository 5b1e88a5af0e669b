"""What the operator set, as the actors need it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from actors.resolution import Rules


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the configuration, what attempts and readings need. Times are seconds."""

    timeout_seconds: float
    rules: Rules
    max_per_campus: int
    #: Of one process to all campuses together.
    max_connections: int
    skip_unchanged: bool = True
    #: By consumer key, what kind its LMS is; the others' are recognised from what they answer.
    platforms: Mapping[str, str] = field(default_factory=dict)
    #: Keys of the consumers at which a grade that a person gave is kept, where their LMS offers that.
    prioritized: frozenset[str] = frozenset()

"""What is wrong with a configuration: key, source and cure of each fault."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the configuration, on one line and without secrets."""

    #: ``section.key``, or as much of it as there is.
    key: str
    #: The file, variable or credential that it came from.
    source: str
    #: What is wrong and what to do.
    problem: str

    def __str__(self) -> str:
        return " ".join(f"{self.key} ({self.source}): {self.problem}".split())


class ConfigError(Exception):
    """The configuration cannot be used; every fault is listed."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults

"""What is wrong with a configuration: key, source and cure of each error."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple


class ConfigFault(NamedTuple):
    """One error, without secrets: ``section.key``; its file, variable or credential; what is wrong and what to do."""

    key: str
    source: str
    problem: str

    def __str__(self) -> str:
        return " ".join(f"{self.key} ({self.source}): {self.problem}".split())


class ConfigError(Exception):
    """The configuration cannot be used; every error is listed."""

    def __init__(self, faults: list[ConfigFault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


def unknown(what: str, name: str, known: Iterable[str], *, prefix: str = "") -> str:
    """The problem of a *name* that is not among the *known* ones, with the one that is probably meant."""
    close = get_close_matches(name, list(known), n=1)
    if close:
        return f"unknown {what}: perhaps {prefix}{close[0]} is meant?"
    return f"unknown {what}: remove it, or see the documented config.toml for the keys"

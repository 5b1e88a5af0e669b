"""What a check found, for people and for programs. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

from daemon.config import ConfigError


@dataclass(frozen=True, slots=True)
class Finding:
    """
    The result of one check.

    *about*: the key of the configuration, the server or the campus. *problem*: what is wrong, or the state of what is
    well. *cure*: what to do; empty where nothing is to be done.
    """

    severity: Literal["ok", "warning", "fault"]
    about: str
    problem: str
    cure: str = ""

    def line(self) -> str:
        what = self.problem if self.problem.startswith(self.about) else f"{self.about}: {self.problem}"
        return f"{what}; {self.cure}" if self.cure else what


ok = partial(Finding, "ok")
#: It works, but not for ever, or not through everything.
warning = partial(Finding, "warning")
#: It does not work, or loses data.
fault = partial(Finding, "fault")


def split_cure(error: Exception) -> tuple[str, str]:
    """Problem and cure of a message ``problem; cure``."""
    problem, _, cure = str(error).partition("; ")
    return problem, cure


def faults_of_config(error: ConfigError) -> list[Finding]:
    """What is wrong with the configuration itself."""
    return [fault(one.key, " ".join(one.problem.split()), f"correct it: {one.source}") for one in error.faults]


def exit_code(servers: Sequence[Finding], campuses: Sequence[Finding]) -> int:
    """2 for a fault of configuration or servers, 1 for one of campuses alone, else 0."""
    if any(finding.severity == "fault" for finding in servers):
        return 2
    return 1 if any(finding.severity == "fault" for finding in campuses) else 0


def report(findings: Sequence[Finding]) -> dict[str, Any]:
    """The document of ``check --json``."""
    return {"ok": exit_code(findings, ()) == 0, "findings": [asdict(finding) for finding in findings]}

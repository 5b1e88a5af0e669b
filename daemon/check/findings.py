"""What a check found, in words for people and for programs. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from daemon.config import ConfigError

Severity = Literal["ok", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that was looked at.

    *about*: the key of the configuration, the server or the campus. *problem*: what is wrong, or how it stands.
    *cure*: what to do; empty where nothing is to be done.
    """

    severity: Severity
    about: str
    problem: str
    cure: str = ""
    #: What stands between problem and cure in a line.
    joint: str = "; "

    def line(self) -> str:
        """All of it in one line."""
        what = self.problem if self.problem.startswith(self.about) else f"{self.about}: {self.problem}"
        return f"{what}{self.joint}{self.cure}" if self.cure else what


def ok(about: str, how: str) -> Finding:
    """It is as it should be."""
    return Finding("ok", about, how)


def warning(about: str, problem: str, cure: str) -> Finding:
    """It works, and will not for ever or not through everything."""
    return Finding("warning", about, problem, cure)


def fault(about: str, problem: str, cure: str, *, joint: str = "; ") -> Finding:
    """It does not work, or loses what was entrusted to it."""
    return Finding("fault", about, problem, cure, joint)


def told(about: str, message: str, *, joint: str) -> Finding:
    """A fault whose *message*, with its cure after the first *joint*, somebody else has worded."""
    problem, found, cure = message.removeprefix(f"{about}: ").partition(joint)
    return Finding("fault", about, problem, cure, joint if found else "; ")


def faults_of_config(error: ConfigError) -> list[Finding]:
    """What is wrong with the configuration itself."""
    return [
        Finding("fault", fault.key, " ".join(fault.problem.split()), f"correct it: {fault.source}")
        for fault in error.faults
    ]


def exit_code(servers: Sequence[Finding], campuses: Sequence[Finding]) -> int:
    """2 for a fault of configuration or servers, 1 for one of campuses alone, else 0."""
    if any(finding.severity == "fault" for finding in servers):
        return 2
    return 1 if any(finding.severity == "fault" for finding in campuses) else 0


def report(findings: Sequence[Finding]) -> dict[str, Any]:
    """The document of ``check --json``."""
    return {
        "ok": not any(finding.severity == "fault" for finding in findings),
        "findings": [
            {
                "severity": finding.severity,
                "about": finding.about,
                "problem": finding.problem,
                "cure": finding.cure,
            }
            for finding in findings
        ],
    }

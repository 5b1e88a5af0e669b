"""``python -m tests.checks.plain_words``: fails if code or documents use a word for which the field has its own."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PYTHON = ("actors", "daemon", "models", "tests", "benchmarks", "clients")
TEXTS = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "pyproject.toml",
    "config.toml",
    "docs",
    "deploy",
    "benchmarks",
    "clients",
)
SUFFIXES = (".md", ".toml", ".sh", ".service", ".yml", ".yaml", ".json", ".svg", ".py", ".ts", ".mjs", ".php")
#: This module and its test name the words; a migration that was published is never changed.
EXCLUDED = re.compile(
    r"tests/checks/(test_)?plain_words\.py|models/migrations/0.*|.*(__pycache__|\.venv|node_modules|clients/\w+/build)/.*"
)

#: Patterns of whole words, or of parts of a name (``walk`` in ``walk_tree`` and ``WalkError``), and what to write.
#: Left out, because most of their uses are right: hold, line, place, room, look, clean, ours, settled, backlog, truth.
WORDS = {
    r"told|tells?|telling": "say, report, record; or name what is handed in",
    r"nobody|somebody|whoever|whomever|who finds": "name the actor: the daemon, the operator, no other daemon",
    r"mend(s|ed|ing)?": "fix, correct",
    r"stands?|stood|standing": "is, holds, remains",
    r"affairs?": "name the matter",
    r"in hand": "held, given, open",
    r"c[oa]mes? by": "get, arrive",
    r"walk(s|ed|ing|er)?": "attempt; go through",
    r"verdicts?": "resolution, classification",
    r"judges?|judged|judging": "classify, decide",
    r"glances?": "status view",
    r"rosters?|fleets?": "members",
    r"crowds?": "queue, capacity",
    r"redo(es|ne)?": "force resend",
    r"reviv(e|es|ed|ing)": "unpark",
    r"hurry|hurries|hurried": "clear backoff; abort",
    r"wake|wakes|waken|woke|woken": "enqueue, notify, resume",
    r"news": "new events",
    r"(un)?seal(s|ed|ing|er)?|vaults?": "encrypt, decrypt, cipher",
    r"locked out": "undecryptable",
    r"checkpoints?": "failpoint",
    r"ledger lines?": "delivery record",
    r"mute": "unsupported",
    r"foreign": "modified",
    r"drift(s|ed|ing)?": "mismatch, difference",
    r"gates?": "campus state: up, down, probing, throttled, paused",
    r"sick": "unhealthy",
    r"stagehands?": "state machine runner",
    r"(?-i:MOST)": "MAX",
}

#: Where one of the words has its ordinary, technical meaning.
EXCEPTIONS = {
    r"\b(os|ast)\.walk\b": "Python's own functions",
    r"\"nobody\"": "the name of an account",
    r"wal_checkpoint": "a pragma of SQLite",
    r"`(passback_gate_state|gate|foreign)`": "names that the changelog says are gone",
    r"\bForeignKey\w*|(?i:foreign[ _]keys?)|foreign_pre_chain": "terms of SQL, Tortoise and structlog",
}

_BANNED = {re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE): instead for pattern, instead in WORDS.items()}
_EXCEPTIONS = re.compile("|".join(EXCEPTIONS))
#: Between the parts of a name: a capital after a small letter, the last capital before a small one, what is no letter.
_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z']+")


class Use(NamedTuple):
    """A word that is to be replaced, in a line of a file."""

    path: str
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.word}: write {self.instead}"


def uses(path: str, text: str) -> Iterator[Use]:
    """The banned words of a text, line by line."""
    for number, line in enumerate(text.splitlines(), 1):
        words = _BOUNDARY.sub(" ", _EXCEPTIONS.sub(" ", line))
        for banned, instead in _BANNED.items():
            for found in banned.finditer(words):
                yield Use(path, number, found[0], instead)


def files(root: Path = ROOT) -> Iterator[Path]:
    """What is checked: all Python, and the texts that people read."""
    for name in dict.fromkeys((*PYTHON, *TEXTS)):
        top = root / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            wanted = path.suffix in SUFFIXES if name in TEXTS else path.suffix == ".py"
            if wanted and path.is_file() and not EXCLUDED.fullmatch(path.relative_to(root).as_posix()):
                yield path


def main() -> str | None:
    """What is wrong, for :func:`sys.exit`."""
    found = [use for path in files() for use in uses(path.relative_to(ROOT).as_posix(), path.read_text())]
    return "\n".join(map(str, found)) or None


if __name__ == "__main__":
    sys.exit(main())

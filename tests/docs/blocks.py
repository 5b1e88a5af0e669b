"""
The code blocks of a page in Markdown, and what is to become of each. Pure.

A block is run as it is. Comments right above it say more:

``<!-- says: TEXT -->``
    its output holds TEXT (more than one comment: all of them)
``<!-- then the sample campus says: TEXT -->``
    what runs in the background prints TEXT, soon
``<!-- in the background until it says: TEXT -->``
    it is left running once it has printed TEXT
``<!-- until it says: TEXT -->``
    it is interrupted, as with Ctrl-C, once it has printed TEXT
``<!-- not run by the tests: REASON -->``
    it is not run
"""

import re
from dataclasses import dataclass, field

_COMMENT = re.compile(r"<!-- ([^:]+): (.*) -->")
_FENCE = re.compile(r"```(\w*)$")

SAYS, THEN, BACKGROUND, UNTIL, NOT_RUN = (
    "says",
    "then the sample campus says",
    "in the background until it says",
    "until it says",
    "not run by the tests",
)


class PageError(ValueError):
    """A comment that is unknown, or a block without an end."""


@dataclass(frozen=True, slots=True)
class Block:
    """One code block. *line*: of its fence, counted from 1. *wishes*: what its comments say, by their names."""

    language: str
    text: str
    line: int
    wishes: dict[str, list[str]] = field(default_factory=dict)

    def wish(self, name: str) -> str | None:
        """What the one comment of that name says."""
        return self.wishes[name][0] if name in self.wishes else None


def blocks(page: str) -> list[Block]:
    """
    Every code block of a page, in order.

    Raises:
        PageError: A comment before a block is unknown, or a block does not end.
    """
    found, wishes = [], {}
    lines = iter(enumerate(page.splitlines(), start=1))
    for number, line in lines:
        if fence := _FENCE.match(line):
            found.append(Block(fence[1], _body(lines, number), number, wishes))
            wishes = {}
        elif comment := _COMMENT.fullmatch(line):
            name, text = comment.groups()
            if name not in (SAYS, THEN, BACKGROUND, UNTIL, NOT_RUN):
                raise PageError(f"line {number}: the comment {name!r} is unknown")
            wishes.setdefault(name, []).append(text)
        elif wishes:
            raise PageError(f"line {number}: a comment about a block, and no block")
    return found


def _body(lines, fence: int) -> str:  # type: ignore[no-untyped-def]
    body = []
    for _, line in lines:
        if line == "```":
            return "\n".join(body) + "\n"
        body.append(line)
    raise PageError(f"line {fence}: the block does not end")


def steps(page: str) -> dict[str, list[Block]]:
    """The blocks of a page by the heading above them, without its marks; headings without blocks are left out."""
    found: dict[str, list[Block]] = {}
    lines = page.splitlines()
    for block in blocks(page):
        above = [line for line in lines[: block.line] if line.startswith("#")]
        found.setdefault(above[-1].lstrip("# "), []).append(block)
    return found

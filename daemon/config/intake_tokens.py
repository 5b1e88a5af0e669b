"""The tokens of the HTTP intake, and what each may send. Pure."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote

from models.event_types import EVENT_TYPES

#: Characters of a token, at least: no shorter one is safe from guessing.
LEAST = 24
#: The types whose events name a consumer.
OF_A_CONSUMER = ("launch", "assignment.disabled")
_HOW = "write each as TOKEN, or TOKEN type=score.changed consumer=KEY, with blanks between"


@dataclass(frozen=True, slots=True)
class IntakeToken:
    """
    A token. *types*: of the events that it may send; *consumers*: the keys of those whose launches and
    ``assignment.disabled`` it may send, and without *types* nothing else. None: any.
    """

    token: str = field(repr=False)
    types: frozenset[str] | None = None
    consumers: frozenset[str] | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        A line of ``intake.tokens``: the token, then any number of ``type=`` and ``consumer=``, with blanks between.

        A blank in a consumer's key is written as ``%20``.

        Raises:
            ValueError: It is none; the message quotes nothing of the token.
        """
        token, *limits = text.split()
        if not token.isascii() or not token.isprintable():
            raise ValueError(f"holds a token with other characters than ASCII's: {_HOW}")
        if len(token) < LEAST:
            raise ValueError(
                f"holds a token of {len(token)} characters; {LEAST} are the fewest: make one with openssl rand -hex 32"
            )
        found: dict[str, set[str]] = {}
        for limit in limits:
            name, sign, value = limit.partition("=")
            if name not in ("type", "consumer") or not sign or not value:
                raise ValueError(f"holds something behind a token that is neither type= nor consumer=: {_HOW}")
            found.setdefault(name, set()).add(unquote(value))
        if unknown := found.get("type", set()).difference(EVENT_TYPES):
            raise ValueError(
                f"limits a token to the unknown type {min(unknown)[:64]!r}; known: {', '.join(EVENT_TYPES)}"
            )
        if "consumer" in found:
            # Events of other types name no consumer.
            found.setdefault("type", set(OF_A_CONSUMER))
        limited = {name: frozenset(values) for name, values in found.items()}
        return cls(token, limited.get("type"), limited.get("consumer"))


def matching(tokens: Sequence[IntakeToken], given: str) -> IntakeToken | None:
    """The one that *given* is, in a time that says nothing of how much of it was right."""
    found = None
    for one in tokens:
        if hmac.compare_digest(one.token.encode(), given.encode(errors="replace")):
            found = one
    return found

"""
What a version of LTI has to offer, so that a grade can be passed back over it. Pure: no clock, network or database.

Each version is a folder beside this module, and :func:`actors.protocols.protocol_for` chooses one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from actors.response import Response


@dataclass(frozen=True, slots=True)
class Target:
    """One learner's place in a campus's gradebook, and the credentials to write there."""

    url: str
    consumer_key: str
    secret: str = field(repr=False)
    sourcedid: str


@dataclass(frozen=True, slots=True)
class WireRequest:
    """What to POST, byte for byte. *redacted*: what must never show in a message, though the LMS may echo it."""

    body: bytes
    headers: dict[str, str]
    redacted: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stamp:
    """
    What makes a request differ from every other: platforms remember the nonces even of requests that they refuse.

    *timestamp*: seconds since 1970.
    """

    timestamp: int
    nonce: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The LMS said that it stored the score."""

    http_status: int
    code_major: str | None
    description: str
    #: Seconds that the LMS should be left alone, if it said that its rate limit is near.
    after: float | None = None


class OutcomeProtocol(Protocol):
    """One version of LTI."""

    def write_score(self, target: Target, score: str, stamp: Stamp) -> WireRequest:
        """
        The request that sets a learner's score.

        Raises:
            GiveUp: No request can be written for this target.
        """

    def read_response(
        self, response: Response, *, now: datetime, platform: str | None, redacted: Sequence[str]
    ) -> Accepted:
        """
        What the answer to a score means.

        Args:
            now: With its zone, for waits that the LMS names as a date.
            platform: The kind of LMS, if the operator chose one; else it is recognised from the answer.
            redacted: What must never show in a message.

        Raises:
            DeliveryError: The score is not known to have been stored.
        """

    def write_read(self, target: Target, stamp: Stamp) -> WireRequest:
        """
        The request that reads a learner's score.

        Raises:
            GiveUp: No request can be written for this target.
        """

    def read_score(self, response: Response, *, redacted: Sequence[str]) -> str:
        """
        The score in an answer that :meth:`read_response` took for a success; empty where the LMS holds none.

        Raises:
            ValueError: It holds no readable score; the message says why.
        """

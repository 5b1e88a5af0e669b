"""
What a version of LTI has to offer, so that a grade can be passed back over it. Pure: no clock, network or database.

Each version is a folder beside this module, and :func:`actors.protocols.protocol_for` chooses one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from actors.response import Response
from models.value_class import value_class

#: In place of a score's wire text: there is none any more, and the LMS is to clear the grade.
CLEARED = ""


@value_class()
class Target:
    """
    One learner's place in a campus's gradebook, and the credentials to write there.

    *url*: the outcome service's, or the line item's. *sourcedid*: or the platform's ``userId``. *secret*: the
    consumer's, or an access token. *product*: the kind of LMS, if it is known (:mod:`actors.profiles`).
    """

    url: str
    consumer_key: str
    secret: str = field(repr=False)
    sourcedid: str
    product: str | None = None


@value_class()
class WireRequest:
    """
    What to send, byte for byte.

    *redacted*: what must never show in a message, though the LMS may echo it. *fallback*: the headers that change for
    one repeat if the LMS answers 406.
    """

    url: str
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    redacted: tuple[str, ...] = field(repr=False)
    method: Literal["GET", "POST"] = "POST"
    fallback: dict[str, str] = field(default_factory=dict)


@value_class()
class RequestId:
    """
    What makes a request differ from every other: platforms remember the nonces even of requests that they refuse.

    *timestamp*: seconds since 1970.
    """

    timestamp: int
    nonce: str
    message_id: str


@value_class()
class WireScore:
    """
    What to say of a grade.

    *text*: the score, a decimal number from 0 to 1, or :data:`CLEARED`. *stamp*: its timestamp over LTI 1.3, by the
    campus's clock, seconds since 1970. *submitted_at*: when it was scored, milliseconds since 1970, for LMSs that are
    to know; None: not said. *new_submission*: whether it is one, for Canvas; None: not said. *prioritized*: whether a
    grade that a person gave is kept (LTI 1.1 at Canvas).
    """

    text: str
    stamp: int = 0
    submitted_at: int | None = None
    new_submission: bool | None = None
    prioritized: bool = False


@value_class()
class Accepted:
    """The LMS said that it stored the score."""

    http_status: int
    code_major: str | None
    description: str
    #: Seconds that the LMS should be left alone, if it said that its rate limit is near.
    after: float | None = None
    #: The kind of LMS, where the answer gives away one that is sent something of its own.
    product: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """
    What an LMS holds: the score as it wrote it, empty where it holds none, and since when, milliseconds since 1970.

    *more*: the address of the next page, where the learner was not on this one.
    """

    score: str
    since: int | None = None
    more: str | None = None


class OutcomeProtocol(Protocol):
    """One version of LTI."""

    def write_score(self, target: Target, score: WireScore, request: RequestId) -> WireRequest:
        """
        The request that sets a learner's score, or clears it.

        Raises:
            GiveUp: No request can be written for this target.
        """

    def read_response(
        self,
        response: Response,
        *,
        now: datetime,
        platform: str | None,
        redacted: Sequence[str],
        sent: WireScore | None = None,
    ) -> Accepted:
        """
        What the answer to a score means.

        Args:
            now: With its zone, for waits that the LMS names as a date.
            platform: The kind of LMS, if it is known; else it may be recognised from the answer.
            redacted: What must never show in a message.
            sent: What was sent; None: a score was asked for.

        Raises:
            DeliveryError: The score is not known to have been stored.
        """

    def write_read(self, target: Target, request: RequestId, *, more: str | None = None) -> WireRequest:
        """
        The request that reads a learner's score. *more*: the address of a further page (:class:`Held`).

        Raises:
            GiveUp: No request can be written for this target.
        """

    def read_score(self, response: Response, target: Target, *, redacted: Sequence[str]) -> Held:
        """
        What an answer that :meth:`read_response` took for a success says.

        Raises:
            ValueError: It holds no readable score; the message says why.
        """

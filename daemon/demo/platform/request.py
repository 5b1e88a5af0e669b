"""One request to the sample platform: what came, what was decided, and what was held after it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal
from urllib.parse import parse_qsl

from daemon.demo.platform.kind import PlatformReply
from daemon.demo.platform.scores import SentScore

PlatformOperation = Literal["token", "score", "results", "line item", "line items", "create", "unknown"]


@dataclass(slots=True)
class PlatformRequest:
    """One request that arrived. *began* and *ended* are ``time.monotonic``, in seconds."""

    #: Counts from 0 over the platform's life.
    number: int
    method: str
    #: Path and query, byte for byte as in the request line.
    path_qs: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    began: float
    #: By the platform's clock: microseconds since 1970.
    arrived: int
    operation: PlatformOperation = "unknown"
    #: Of the line item, without query; of the container where it is about line items.
    column: str | None = None
    ended: float | None = None
    client_id: str | None = None
    #: Why its access token was refused when it arrived: a key of :attr:`PlatformKind.refusals`.
    token_refusal: str | None = None
    #: Of a token request.
    scopes: tuple[str, ...] = ()
    #: A score that can be read.
    sent: SentScore | None = None
    #: ``token``, ``stored``, ``kept``, ``read``, ``created``, or why it was refused; empty: not served, or not yet.
    decision: str = ""
    #: What people see of the learner after a score, as a share of the maximum.
    held: Decimal | None = None
    #: The status code answered; None where no answer went out.
    status: int | None = None

    @property
    def path(self) -> str:
        return self.path_qs.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.path_qs.partition("?")[2], keep_blank_values=True))

    @property
    def user_id(self) -> str | None:
        """Of the score that was sent, or of the result that was asked for."""
        return self.sent.user_id if self.sent else self.query.get("user_id")


@dataclass(frozen=True, slots=True)
class PlatformBehaviour:
    """
    What the platform does with one request. Times are seconds.

    *latency*: before it looks at the request. *serves*: it does what was asked. *reply*: takes the place of its own.
    """

    latency: float = 0.0
    serves: bool = True
    reply: PlatformReply | None = None

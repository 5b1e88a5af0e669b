"""Asks a campus for one learner's score, read only and behind its gate, and compares it with what was sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal

from actors.errors import DeliveryError, GiveUp, TryLater
from actors.protocols.lti11 import oauth1
from actors.protocols.lti11.basic_outcome import read_reply, read_result
from actors.protocols.lti11.responses import judge
from actors.redact import clean
from actors.request import signed
from actors.resolution import Verdict
from actors.slots import NotAdmittedError
from models.attempt import Released
from models.delivery import Line
from models.encryption import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from actors.client import Sender
    from actors.gate import Gates, Pass
    from actors.protocols.lti11.platforms import Profile
    from actors.response import Answer
    from models.attempt import Address
    from models.db.clock import Clock
    from models.encryption import Vault

#: ``equal``: what it acknowledged last. ``empty``: nothing. ``ours``: something that was once sent to it. ``foreign``:
#: something that was never sent, as after a change by hand. ``unreadable``: nobody can tell.
Finding = Literal["equal", "empty", "ours", "foreign", "unreadable"]
FINDINGS: tuple[Finding, ...] = ("equal", "empty", "ours", "foreign", "unreadable")

#: LMSs keep points of their own scale, and round: what differs by no more is the same.
TOLERANCE = Decimal("0.00005")
#: Digits before the point that no score has.
LARGE = 6


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What a campus said.

    *held*: the score as it wrote it; empty where it holds none, None where it did not tell. *why*: why not. *mute*:
    whether that is the campus's affair, and not one of this learner or course.
    """

    held: str | None
    why: str = ""
    mute: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """With what a campus is asked."""

    sender: Sender
    gates: Gates
    clock: Clock
    #: Whether this process may send requests now.
    may_send: Callable[[], bool]
    #: By consumer key, how its LMS answers.
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    #: Opens consumers' secrets.
    vault: Vault = OPEN
    #: Readings of one campus that may be under way, or wait for its gate.
    at_once: int = 4

    async def read(self, assignment_id: int, sourcedid: str, address: Address) -> Reading:
        """
        Wait for the gate, and ask.

        That a campus cannot be read from does not shut its gate, and that it can does not open it: either says nothing
        of whether it takes grades. A gate that is shut is for probes alone.

        Raises:
            NotAdmittedError: Not now.
        """
        async with self.gates.enter(address) as admitted:
            if admitted.campus_away:
                raise NotAdmittedError("its gate is shut")
            if not self.may_send():
                raise NotAdmittedError("the other daemons have not made room yet")
            try:
                return await self._ask(assignment_id, sourcedid, address, admitted)
            except DeliveryError as error:
                if isinstance(error, TryLater) and error.throttled:
                    await _report(
                        admitted,
                        assignment_id,
                        Verdict(
                            "retried",
                            Released(),
                            Line("retried", description=error.reason),
                            health="throttled",
                            after=error.after,
                        ),
                    )
                    raise NotAdmittedError(error.reason) from error
                mute = not (isinstance(error, GiveUp) and error.scope in ("learner", "course"))
                return Reading(None, error.reason, mute=mute)

    async def _ask(self, assignment_id: int, sourcedid: str, address: Address, admitted: Pass) -> Reading:
        body, headers = signed(
            lambda message_id: read_result(sourcedid, message_id=message_id), address, now=self.clock.now()
        )
        answer = await self.sender.post(address.url, body, headers, consumer_key=address.consumer_key)
        hide = (sourcedid, address.consumer_secret, *oauth1.secrets_of(headers))
        said = judge(
            answer,
            now=datetime.fromtimestamp(self.clock.now() / 1000, UTC),
            profile=self.profiles.get(address.consumer_key),
            hide=hide,
        )
        await _report(admitted, assignment_id, Verdict("accepted", Released(), health="works", after=said.after))
        return _reading(answer, hide)


def _reading(answer: Answer, hide: Sequence[str]) -> Reading:
    reply = read_reply(answer.body)
    if reply.code_major != "success":
        return Reading(None, f"HTTP {answer.status} without an envelope", mute=True)
    if reply.score is None:
        return Reading(None, "its answer holds no readable score", mute=True)
    return Reading(clean(reply.score, hide))


async def _report(admitted: Pass, assignment_id: int, verdict: Verdict) -> None:
    # It may have been shut while the request was under way.
    if not admitted.campus_away:
        await admitted.report(assignment_id, verdict)


def compare(held: str, acknowledged: str, once_sent: Iterable[str]) -> Finding:
    """
    Judge what a campus holds.

    Args:
        held: Its text; empty where it holds nothing.
        acknowledged: The wire text that it acknowledged last.
        once_sent: The wire texts of every request that may have reached it, as far as the ledger remembers.
    """
    if not held:
        return "empty"
    value = _number(held)
    if value is None:
        return "unreadable"
    if value.adjusted() > LARGE:
        return "foreign"  # numbers can be too large to be subtracted
    if _same(value, acknowledged):
        return "equal"
    return "ours" if any(_same(value, score) for score in once_sent) else "foreign"


def _same(value: Decimal, score: str) -> bool:
    return abs(value - Decimal(score)) <= TOLERANCE


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None

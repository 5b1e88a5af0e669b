"""Asking a campus for one learner's score: read only, behind its gate, and without a say about it but "busy"."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from actors.classify import clean, judge
from actors.errors import DeliveryError, GiveUp, TryLater
from actors.protocols import oauth1
from actors.protocols.basic_outcome import read_reply, read_result
from actors.request import signed
from actors.slots import NotAdmittedError
from actors.verdict import Verdict
from models.attempt import Released
from models.delivery import Line
from models.encryption import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from actors.answer import Answer
    from actors.gate import Gates, Pass
    from actors.profiles import Profile
    from actors.sender import Sender
    from models.attempt import Address
    from models.db.clock import Clock
    from models.encryption import Vault


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

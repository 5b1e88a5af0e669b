"""LTI 1.1 as :class:`actors.protocols.interface.OutcomeProtocol`: Basic Outcomes, signed with OAuth 1.0a."""

import re
from collections.abc import Sequence
from datetime import datetime

from actors.errors import GiveUp
from actors.protocols.interface import Accepted, Stamp, Target, WireRequest
from actors.protocols.lti11 import oauth1
from actors.protocols.lti11.basic_outcome import read_reply, read_result, replace_result
from actors.protocols.lti11.platforms import PLATFORMS, Platform
from actors.protocols.lti11.responses import classify
from actors.redact import redact
from actors.response import Response

_NUMBER = re.compile(r"[\d.,%+-]*", re.ASCII)

#: By the name that the operator chose.
BY_NAME: dict[str, Platform] = {str(name): platform for name, platform in PLATFORMS.items()}


class Lti11:
    """See :class:`actors.protocols.interface.OutcomeProtocol`."""

    def write_score(self, target: Target, score: str, stamp: Stamp) -> WireRequest:
        try:
            return _signed(replace_result(target.sourcedid, score, message_id=stamp.message_id), target, stamp)
        except ValueError as error:
            raise _unwritable(error) from error

    def write_read(self, target: Target, stamp: Stamp) -> WireRequest:
        try:
            return _signed(read_result(target.sourcedid, message_id=stamp.message_id), target, stamp)
        except ValueError as error:
            raise _unwritable(error) from error

    def read_response(
        self, response: Response, *, now: datetime, platform: str | None, redacted: Sequence[str]
    ) -> Accepted:
        return classify(response, now=now, platform=None if platform is None else BY_NAME[platform], redacted=redacted)

    def read_score(self, response: Response, *, redacted: Sequence[str]) -> str:
        reply = read_reply(response.body)
        if reply.code_major != "success":
            raise ValueError(f"HTTP {response.status} without an envelope")
        if reply.score is None:
            raise ValueError("its answer holds no readable score")
        # A number is no secret, though a sourcedid may be the same one.
        return reply.score if _NUMBER.fullmatch(reply.score) else redact(reply.score, redacted)


def _signed(body: bytes, target: Target, stamp: Stamp) -> WireRequest:
    headers = oauth1.sign(
        target.url,
        body,
        key=target.consumer_key,
        secret=target.secret,
        nonce=stamp.nonce,
        timestamp=str(stamp.timestamp),
    )
    return WireRequest(body, headers, (target.sourcedid, target.secret, *oauth1.secrets_of(headers)))


def _unwritable(error: ValueError) -> GiveUp:
    # Of what goes into one, only the sourcedid is not ours.
    return GiveUp(f"no request can be written for this assignment: {error}", scope="learner", bytes_left=False)

"""LTI 1.1 as :class:`actors.protocols.interface.OutcomeProtocol`: Basic Outcomes, signed with OAuth 1.0a."""

import re
from collections.abc import Sequence
from datetime import datetime

from actors.errors import GiveUp
from actors.protocols.interface import CLEARED, Accepted, Held, RequestId, Target, WireRequest, WireScore
from actors.protocols.lti11 import oauth1
from actors.protocols.lti11.basic_outcome import delete_result, read_reply, read_result, replace_result
from actors.protocols.lti11.platforms import PLATFORMS, Platform
from actors.protocols.lti11.responses import classify
from actors.redact import redact
from actors.response import Response

_NUMBER = re.compile(r"[\d.,%+-]*", re.ASCII)

#: By the name that the operator chose.
BY_NAME: dict[str, Platform] = {str(name): platform for name, platform in PLATFORMS.items()}


class Lti11:
    """See :class:`actors.protocols.interface.OutcomeProtocol`."""

    def write_score(self, target: Target, score: WireScore, request: RequestId) -> WireRequest:
        try:
            if score.text == CLEARED:
                body = delete_result(target.sourcedid, message_id=request.message_id)
            else:
                body = replace_result(
                    target.sourcedid,
                    score.text,
                    message_id=request.message_id,
                    submitted_at=score.submitted_at,
                    keeps_persons_grade=score.prioritized,
                )
            return _signed(body, target, request)
        except ValueError as error:
            raise _unwritable(error) from error

    def write_read(self, target: Target, request: RequestId, *, more: str | None = None) -> WireRequest:  # noqa: ARG002 - an answer is whole
        try:
            return _signed(read_result(target.sourcedid, message_id=request.message_id), target, request)
        except ValueError as error:
            raise _unwritable(error) from error

    def read_response(
        self,
        response: Response,
        *,
        now: datetime,
        platform: str | None,
        redacted: Sequence[str],
        sent: WireScore | None = None,
    ) -> Accepted:
        profile = None if platform is None else BY_NAME[platform]
        return classify(response, now=now, platform=profile, redacted=redacted, sent=sent)

    def read_score(self, response: Response, target: Target, *, redacted: Sequence[str]) -> Held:  # noqa: ARG002 - as above
        reply = read_reply(response.body)
        if reply.code_major != "success":
            raise ValueError(f"HTTP {response.status} without an envelope")
        if reply.score is None:
            raise ValueError("its answer holds no readable score")
        # A number is no secret, though a sourcedid may be the same one.
        return Held(reply.score if _NUMBER.fullmatch(reply.score) else redact(reply.score, redacted))


def _signed(body: bytes, target: Target, request: RequestId) -> WireRequest:
    headers = oauth1.sign(
        target.url,
        body,
        key=target.consumer_key,
        secret=target.secret,
        nonce=request.nonce,
        timestamp=str(request.timestamp),
    )
    return WireRequest(target.url, body, headers, (target.sourcedid, target.secret, *oauth1.secrets_of(headers)))


def _unwritable(error: ValueError) -> GiveUp:
    # Of what goes into one, only the sourcedid is not ours.
    return GiveUp(f"no request can be written for this assignment: {error}", scope="learner", bytes_left=False)

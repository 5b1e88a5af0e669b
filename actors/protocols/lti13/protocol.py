"""LTI 1.3 as :class:`actors.protocols.interface.OutcomeProtocol`: the Assignment and Grade Services 2.0."""

from collections.abc import Sequence
from datetime import datetime

from actors.errors import GiveUp
from actors.protocols.interface import Accepted, Held, RequestId, Target, WireRequest, WireScore
from actors.protocols.lti13.platforms import profile_of
from actors.protocols.lti13.responses import classify
from actors.protocols.lti13.results import ACCEPT, ANY, read_results
from actors.protocols.lti13.score import SCORE_TYPE, score_json
from actors.protocols.lti13.urls import bearer, beneath, same_origin, with_query
from actors.response import Response


class Lti13:
    """
    See :class:`actors.protocols.interface.OutcomeProtocol`.

    A target's *url* is a line item's, its *secret* an access token, its *sourcedid* the platform's user id.

    Spec: LTI AGS 2.0, 3.3 (results) and 3.4 (scores).
    """

    def write_score(self, target: Target, score: WireScore, request: RequestId) -> WireRequest:  # noqa: ARG002 - the time is the score's
        try:
            url = beneath(target.url, "scores")
        except ValueError as error:
            raise _wrong_address(error) from error
        try:
            body = score_json(target.sourcedid, score, of_canvas=profile_of(target.product).has_submissions)
        except ValueError as error:
            raise GiveUp(
                f"no request can be written for this assignment: {error}", scope="learner", bytes_left=False
            ) from error
        headers = bearer(target.secret, **{"Content-Type": SCORE_TYPE})
        return WireRequest(url, body, headers, (target.sourcedid, target.secret))

    def write_read(self, target: Target, request: RequestId, *, more: str | None = None) -> WireRequest:  # noqa: ARG002 - as above
        if not profile_of(target.product).has_results:
            raise GiveUp("this kind of LMS has no results to read", scope="campus", bytes_left=False)
        try:
            url = with_query(beneath(target.url, "results"), user_id=target.sourcedid)
        except ValueError as error:
            raise _wrong_address(error) from error
        if more is not None:
            if not same_origin(more, target.url):
                raise GiveUp("the next page is on another server, which is not asked", scope="campus", bytes_left=False)
            url = more
        headers = bearer(target.secret, Accept=ACCEPT)
        redacted = (target.sourcedid, target.secret)
        return WireRequest(url, b"", headers, redacted, method="GET", fallback={"Accept": ANY})

    def read_response(
        self,
        response: Response,
        *,
        now: datetime,
        platform: str | None,
        redacted: Sequence[str],
        sent: WireScore | None = None,
    ) -> Accepted:
        profile = None if platform is None else profile_of(platform)
        return classify(response, now=now, platform=profile, redacted=redacted, sent=sent)

    def read_score(self, response: Response, target: Target, *, redacted: Sequence[str]) -> Held:  # noqa: ARG002 - it is a number
        return read_results(response, user_id=target.sourcedid, asked=target.url)


def _wrong_address(error: ValueError) -> GiveUp:
    return GiveUp(str(error), scope="campus", bytes_left=False)

"""
The kinds of platforms, each as its product answers: statuses, words and what becomes of times. One constructor a kind.

Hand one to :class:`tests.fakes.platform.RecordingPlatform`; ``dataclasses.replace(moodle(), digits=None)`` changes one
thing of it. :data:`KINDS` has them all by name, for tests that play each.
"""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from daemon.demo.platform.assertion import AssertionRules
from daemon.demo.platform.kind import (
    STRICT_REFUSALS,
    STRICT_TOKEN_REFUSALS,
    AgsMediaType,
    PlatformKind,
    PlatformReply,
    json_reply,
)
from daemon.demo.platform.rules import MICROS_PER_SECOND, TimeRule
from daemon.demo.platform.tokens import AgsScope

#: Nothing is refused for its time.
ANY_TIME = TimeRule(refuses_older=False, refuses_equal=False)

D2L_AUDIENCE = "https://api.brightspace.com/auth/token"


def strict() -> PlatformKind:
    """No product: it refuses whatever any platform may refuse, with the statuses of the specification."""
    return PlatformKind()


def canvas() -> PlatformKind:
    """Older: 400; equal: taken; milliseconds; a change by hand moves no time. Scores are submissions."""
    return PlatformKind(
        name="canvas",
        product_family="canvas",
        rule=TimeRule(unit=1000, refuses_equal=False, hand_moves_time=False),
        assertion=AssertionRules(early=30, max_age=300),
        stored=PlatformReply(200, b'{"resultUrl": "https://canvas.example/results/1"}'),
        refusals=STRICT_REFUSALS
        | {
            "no token": (401, "Access token missing"),
            "token unknown": (401, "Invalid access token"),
            "token expired": (401, "Access token expired"),
            "token scope": (401, "Insufficient permissions"),
            "older": (400, "Provided timestamp before last updated timestamp of {detail}"),
            "learner": (422, "User not found in course or is not a student"),
            "course": (422, "This course has concluded"),
            "unpublished": (422, "This assignment is still unpublished"),
            "line item": (404, "The specified resource does not exist."),
            "other line item": (412, "Tool does not have permission to view line_item"),
            "attempts": (422, "The maximum number of allowed attempts has been reached"),
            "submitted at": (400, "Provided submitted_at timestamp in the future"),
        },
        write_error=_canvas_error,
        clearing=frozenset({"Pending"}),
        submissions=True,
        container_path="/api/lti/courses/{context}/line_items",
    )


def moodle() -> PlatformKind:
    """
    Not later, in whole seconds: 409, with its words in the reason phrase alone; an equal score moves no time.

    Five decimals of a point. Its line items have a query, and its next pages are HTML-escaped.
    """
    return PlatformKind(
        name="moodle",
        product_family="moodle",
        rule=TimeRule(unit=MICROS_PER_SECOND, equal_score_moves_time=False),
        digits=5,
        assertion=AssertionRules(audience_checked=False),
        scopes="some",
        stored=PlatformReply(200),
        refusals=STRICT_REFUSALS
        | {
            "no token": (401, "Unauthorized"),
            "token unknown": (401, "Unauthorized"),
            "token expired": (401, "Unauthorized"),
            "token scope": (401, "Unauthorized"),
            "media type": (400, "Incorrect content type"),
            "not acceptable": (400, "No context or unsupported content type"),
            "older": (409, "Refusing score with an earlier timestamp"),
            "equal": (409, "Refusing score with an earlier timestamp"),
            "field": (400, "Incorrect score received"),
            "learner": (400, "Incorrect score received"),
            "enrolled": (400, "Incorrect score received"),
            "line item": (404, "Not Found"),
        },
        write_error=_moodle_error,
        write_token_error=lambda status, _error, words: json_reply({"error": words}, 400),
        above="clipped",
        clearing=frozenset({"Pending", "PendingManual", "Failed", "NotReady"}),
        results_have_time=True,
        accept_results=None,
        accept_line_items="exact",
        link="escaped",
        reads_line_items_with=(AgsScope.READ_LINE_ITEMS,),
        container_path="/mod/lti/services.php/{context}/lineitems",
        item_path="/{number}/lineitem",
        query="?type_id=1",
    )


def moodle_own() -> PlatformKind:
    """A Moodle whose columns are links' own: a grade that was changed by hand stays so, and every score gets a 200."""
    rule = replace(moodle().rule, hand_is_final=True)
    return replace(moodle(), name="moodle_own", rule=rule)


def moodle_4_5_0_own() -> PlatformKind:
    """The same at Moodle 4.5.0: it keeps the time of arrival by its own clock, so that a slow clock of ours is old."""
    rule = replace(moodle_own().rule, keeps_arrival=True)
    return replace(moodle(), name="moodle_4_5_0_own", rule=rule)


def openedx() -> PlatformKind:
    """Older and equal: 400 with different words; microseconds. It never says 401, and 500 for an unknown learner."""
    return PlatformKind(
        name="openedx",
        product_family="openedx",
        rule=TimeRule(),
        assertion=AssertionRules(audience_checked=False),
        scopes="any",
        stored=PlatformReply(201, b"{}", AgsMediaType.SCORE),
        refusals=STRICT_REFUSALS
        | {
            "no token": (403, "Missing LTI 1.3 authentication token."),
            "token unknown": (403, "Invalid token signature."),
            "token expired": (403, "The JWT has expired."),
            "token scope": (403, "You do not have permission to perform this action."),
            "media type": (415, "Unsupported media type in request."),
            "not acceptable": (406, "Could not satisfy the request Accept header."),
            "older": (400, "timestamp: Score timestamp can only be updated to a later point in time"),
            "equal": (400, "timestamp: Score already exists for the provided timestamp"),
            "learner": (500, "Server Error"),
            "line item": (404, "Not found."),
        },
        write_error=_rest_error,
        token_refusals={
            why: (status, _OPENEDX.get(why, error)) for why, (status, error) in STRICT_TOKEN_REFUSALS.items()
        },
        write_token_error=lambda status, error, _words: json_reply({"error": error}, 400),
        above="clipped",
        empty="result",
        filters_line_items=False,
        container_path="/api/lti_consumer/v1/lti/{context}/lti-ags",
    )


def aplus() -> PlatformKind:
    """It looks at no time and keeps the higher score, 200 either way. It has no results, and 500 for much."""
    broken = (500, "Server Error")
    return PlatformKind(
        name="aplus",
        product_family="aplus",
        rule=replace(ANY_TIME, keeps_best=True),
        assertion=AssertionRules(kid_needed=True),
        scopes="all",
        stored=PlatformReply(200, b"{}"),
        refusals=STRICT_REFUSALS
        | {
            "learner": broken,
            "line item": (403, "Invalid LTI id"),
            "context": (403, "Not allowed in context"),
            "clear": (400, "scoreGiven: This field is required."),
            "not acceptable": (406, "Could not satisfy the request Accept header."),
        },
        write_error=_rest_error,
        token_refusals=STRICT_TOKEN_REFUSALS | {"key": (500, ""), "signature": (500, "")},
        write_token_error=lambda status, error, _words: (
            json_reply({"error": error}, status) if error else _page(status)
        ),
        above="broken",
        empty=None,
        has_results=False,
        accept_line_items="json",
    )


def sakai() -> PlatformKind:
    """It looks at no time: the last score to arrive is kept."""
    return PlatformKind(
        name="sakai",
        product_family="sakai",
        rule=ANY_TIME,
        scopes="all",
        stored=PlatformReply(200, b"{}"),
        refusals=STRICT_REFUSALS
        | {"learner": (400, "User does not belong to site"), "media type": (400, "Unexpected content type")},
    )


def d2l() -> PlatformKind:
    """Register tools with ``audience=D2L_AUDIENCE``. Times as the strict one."""
    return PlatformKind(
        name="d2l",
        product_family="desire2learn",
        assertion=AssertionRules(kid_needed=True),
        refusals=STRICT_REFUSALS
        | {
            "learner": (404, "User in requested score does not exist"),
            "enrolled": (403, "User in requested score is not enrolled in the org unit"),
        },
        write_error=lambda status, words: json_reply({"Errors": [{"Message": words}]}, status),
        stored=PlatformReply(200),
    )


def blackboard() -> PlatformKind:
    """Times as the strict one."""
    return PlatformKind(
        name="blackboard",
        product_family="BlackboardLearn",
        refusals=STRICT_REFUSALS | {"learner": (400, "User could not be found: 7")},
        write_error=lambda status, words: json_reply({"status": status, "message": words}, status),
        stored=PlatformReply(200),
    )


#: Every kind, by its name.
KINDS: dict[str, Callable[[], PlatformKind]] = {
    "default": strict,
    "canvas": canvas,
    "moodle": moodle,
    "moodle_own": moodle_own,
    "moodle_4_5_0_own": moodle_4_5_0_own,
    "openedx": openedx,
    "aplus": aplus,
    "sakai": sakai,
    "d2l": d2l,
    "blackboard": blackboard,
}


def kinds(*rows: tuple[object, ...]):
    """Cases for ``parametrize``; the first value of each is the name of a kind."""
    return [pytest.param(*row, id=f"{row[0]}-{row[1]}") for row in rows]


_OPENEDX = {"expired": "unidentified_error", "early": "unidentified_error", "signature": "unauthorized_client"}


def _canvas_error(status: int, words: str) -> PlatformReply:
    types = {400: "bad_request", 401: "unauthorized", 404: "not_found", 412: "precondition_failed"}
    return json_reply({"errors": {"type": types.get(status, "unprocessable_entity"), "message": words}}, status)


def _moodle_error(status: int, words: str) -> PlatformReply:
    return PlatformReply(status, b"[]", reason=words)


def _rest_error(status: int, words: str) -> PlatformReply:
    """As Django REST framework writes it; its ``field: what is wrong`` only with 400."""
    if status == 500:
        return _page(status)
    field, colon, text = words.partition(": ")
    if status == 400:
        return json_reply({field: [text]} if colon else {"non_field_errors": [words]}, status)
    return PlatformReply(status, json.dumps({"detail": words}).encode())


def _page(status: int) -> PlatformReply:
    page = b"<!DOCTYPE html><html><body><h1>Server Error (500)</h1></body></html>"
    return PlatformReply(status, page, "text/html")

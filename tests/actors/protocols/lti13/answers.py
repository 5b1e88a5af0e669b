"""Answers of platforms over the Assignment and Grade Services, by what each means: a row of them for each rule."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actors.response import Response

PAGE = b"<!DOCTYPE html><html><title>Down</title><body>User not found in course. The token has expired.</body></html>"
HTML = {"Content-Type": "text/html; charset=utf-8"}
NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Answer:
    """An answer; *platform* is whose it is, if that matters."""

    status: int
    body: bytes = b""
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    platform: str | None = None

    def response(self) -> Response:
        return Response(self.status, self.headers, self.body, 0.1, reason=self.reason)

    def __str__(self) -> str:
        return f"{self.status} {self.body[:60].decode(errors='replace')} {self.reason}"


def says(status: int, value: Any, reason: str = "", platform: str | None = None, **headers: str) -> Answer:
    names = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return Answer(status, json.dumps(value).encode(), reason, names, platform)


def canvas(status: int, message: str) -> Answer:
    return says(status, {"errors": {"type": "unprocessable_entity", "message": message}})


def text(status: int, words: str) -> Answer:
    return Answer(status, words.encode(), headers={"Content-Type": "text/plain"})


def page(status: int) -> Answer:
    return Answer(status, PAGE, headers=HTML)


STORED = [
    Answer(200),
    Answer(201),
    Answer(204),
    Answer(200, b" \r\n"),
    Answer(200, b"", headers=HTML),
    says(200, {"resultUrl": "https://canvas.example/api/lti/courses/1/line_items/2/results/3"}),
    says(201, {"userId": "7", "scoreGiven": 0.5}),
    says(200, []),
    Answer(200, b"\xef\xbb\xbf{}"),
    Answer(200, b"{}", headers=HTML),
]
DOUBT = [
    page(200),
    page(201),
    Answer(200, b"<p>Sign in"),
    text(200, "OK"),
    Answer(200, b"{"),
    Answer(203),
    Answer(206, b"{}"),
    Answer(500),
    page(500),
    says(500, {"error": "User matching query does not exist."}),
    Answer(502),
    Answer(503),
    Answer(504),
    Answer(599),
    Answer(600),
    Answer(999),
]
OVERTAKEN = [
    Answer(409, b"[]", "Refusing score with an earlier timestamp for item 5 and user 7"),
    Answer(409, b"[]"),
    Answer(409),
    says(409, {"detail": "Conflict"}),
    canvas(
        400, "Provided timestamp of 2026-11-22 10:15:30 UTC before last updated timestamp of 2026-11-22 10:15:31 UTC"
    ),
    says(400, {"timestamp": ["Score already exists for the provided timestamp."]}),
    says(400, {"timestamp": ["Score already exists with the same timestamp"]}),
    says(400, {"timestamp": ["A score with a later point in time exists"]}),
    says(400, {"timestamp": "Timestamp must be at a later point in time"}),
    says(400, {"error": "The timestamp is older than that of the result"}),
    says(400, {"error": "timestamp is not later than the current one"}),
    says(422, {"error": "An earlier timestamp"}),
    Answer(400, b"[]", "Refusing score with an earlier timestamp"),
]
TOKEN = [
    Answer(401),
    page(401),
    says(401, {"errors": [{"message": "Invalid access token"}]}),
    says(403, {"detail": "Signature has expired"}),
    says(403, {"detail": "Missing LTI 1.3 authentication token."}),
    says(403, {"detail": "Invalid token signature."}),
    says(403, {"detail": "The JWT could not be decoded"}),
    says(403, {"detail": "Authentication credentials were not provided."}),
    says(403, {"error": "access token expired"}),
    says(403, {"error": "expired"}),
    Answer(403, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}),
    Answer(400, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}),
]
LEARNER = [
    Answer(400, b"[]"),
    Answer(400),
    Answer(400, b"{}"),
    says(400, {"detail": "User could not be found"}),
    says(400, {"detail": "could not be found"}),
    says(400, {"errors": {"message": "User 7 does not belong to site"}}),
    says(400, {"userId": ["User not found"]}),
    says(403, {"detail": "The user is not enrolled in this course"}),
    says(403, {"detail": "User not enrolled"}),
    says(404, {"title": "The requested score does not exist"}),
    text(404, "requested score does not exist"),
    says(404, {"detail": "User not found"}),
    canvas(422, "User not found in course or is not a student"),
    canvas(422, "User is not a student"),
    canvas(422, "words without a known meaning"),
    canvas(422, "The maximum number of allowed attempts has been reached for this submission"),
    Answer(422),
    Answer(422, b"[]"),
]
COURSE = [
    Answer(404),
    Answer(404, b"[]"),
    says(404, {"errors": [{"message": "The specified resource does not exist."}]}),
    says(404, {"detail": "Not found."}),
    Answer(410),
    Answer(412),
    canvas(412, "Tool does not have permission to view line_item"),
    says(403, {"detail": "Not allowed in context"}),
    says(403, {"detail": "Invalid LTI id"}),
    says(403, {"detail": "The course has concluded"}),
    canvas(422, "This course has concluded"),
    says(400, {"detail": "The line item could not be found"}),
    says(400, {"detail": "The course does not exist"}),
]
CAMPUS = [
    says(400, {"scoreGiven": ["A valid number is required."]}),
    says(400, {"scoreMaximum": ["This field may not be null."]}),
    says(400, {"timestamp": ["Datetime has wrong format. Use YYYY-MM-DDThh:mm:ss."]}),
    says(400, {"activityProgress": ['"Done" is not a valid choice.']}),
    says(400, {"gradingProgress": ['"Done" is not a valid choice.']}),
    says(400, {"userId": ["This field is required."]}),
    says(400, {"detail": "JSON parse error - Expecting value: line 1 column 1 (char 0)"}),
    says(400, {"detail": "Unsupported content type"}),
    says(400, {"detail": "Score must be numeric"}),
    text(400, "Malformed request"),
    page(404),
    text(404, "404 page not found"),
    Answer(405),
    page(405),
    Answer(406),
    Answer(415),
    Answer(413),
    Answer(451),
]
PASSING = [
    canvas(422, "This assignment is still unpublished"),
    Answer(403),
    page(403),
    says(403, {"detail": "You do not have permission to perform this action."}),
    says(403, {"detail": "CSRF Failed: CSRF token missing."}),
    page(400),
    says(400, {"error": "no"}),
    says(400, {"error": "Bad things happened"}),
    says(400, {"timestamp": "The timestamp is in the future"}),
    page(422),
    says(422, {"error": "Timeout. Please try again"}),
]
BUSY = [
    Answer(408),
    Answer(425),
    Answer(429),
    page(429),
    Answer(403, b"403 Forbidden (Rate Limit Exceeded)", headers=HTML),
    Answer(403, headers={"X-Rate-Limit-Remaining": "0.0"}),
    Answer(403, headers={"X-Rate-Limit-Remaining": "-5"}),
]
MISCONFIGURED = [Answer(status) for status in (300, 301, 302, 303, 304, 307, 308)]
PROCESSING = [Answer(202), says(202, {}), page(202)]

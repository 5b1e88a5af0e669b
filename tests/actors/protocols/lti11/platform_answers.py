"""
How real LMSs answer, and what becomes of the grade: a row for each.

Every reason is in the tests of :mod:`actors.protocols.lti11.responses`, every envelope in those of ``basic_outcome``.
"""

import gzip
import zlib
from dataclasses import dataclass

from actors.protocols.answers import PROCESSING_HOLD
from tests.actors.protocols.lti11.becomes import (
    STOPS_THE_CAMPUS,
    STORED,
    UNEXPLAINED,
    Becomes,
    doubt,
    later,
    parked,
)
from tests.actors.protocols.lti11.noise import PHP_HTML
from tests.actors.sending import HOLD
from tests.fakes import lms as fake
from tests.fakes.lms import Behaviour, canvas_pox, pox

#: What a person reads on the page.
PAGE = "Down for maintenance"


@dataclass(frozen=True)
class Row:
    """One answer, and what it comes to."""

    given: Behaviour
    becomes: Becomes
    #: The ledger's description; one that ends in "..." is the start of it.
    says: str
    code_major: str | None = None


def refusal(words: str, becomes: Becomes, *, status: int = 200, code: str = "failure", **changes) -> Row:
    given = fake.failure(words, status=status, code_major=code, **changes)
    return Row(given, becomes, f"HTTP {status}, {code}: {words or 'no words'}", code)


def canvas(code: str, words: str, becomes: Becomes) -> Row:
    given = fake.answer(422, canvas_pox(code, words), content_type="application/xml")
    return Row(given, becomes, f"HTTP 422, failure, {code}: {words}", "failure")


def plain(status: int, becomes: Becomes, body: bytes = b"", says: str = "no words", **headers: str) -> Row:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Row(fake.answer(status, body, headers=names), becomes, f"HTTP {status}: {says}")


def page(status: int, becomes: Becomes) -> Row:
    return Row(fake.html(status), becomes, f"HTTP {status}: {PAGE}")


def unreadable(given: Behaviour, says: str) -> Row:
    return Row(given, doubt(), f"HTTP {given.status} without a readable imsx_codeMajor: {says}")


def stored(**changes) -> Row:
    return Row(fake.success(description="stored", **changes), STORED, "stored", "success")


def in_doubt(given: Behaviour, words: str = "no words", hold: float = HOLD) -> Row:
    code = given.code_major
    return Row(given, doubt(hold=hold), f"HTTP {given.status}, {code}: {words}", code)


def redirect(status: int) -> Row:
    given = fake.html(status, headers={"Location": "https://login.example/sso?from=%2Foutcomes"})
    says = f"HTTP {status}: the outcome service redirects to https://login.example"
    return Row(given, STOPS_THE_CAMPUS, says)


SIGNATURE = "Message signature not valid"
SUCCESS = pox("success", "stored")

ANSWERS = {
    # Stored.
    "a 200 with success is stored": stored(),
    "a 201 with success is stored": stored(status=201),
    "a 202 with success is stored": stored(status=202),
    "a success as text/html is stored": stored(content_type="text/html"),
    "a success as text/plain is stored": stored(content_type="text/plain"),
    "an empty 204 is stored": Row(fake.answer(204, apply=True), STORED, ""),
    "a success behind a notice of PHP is stored": stored(body=PHP_HTML.format("x").encode() + SUCCESS),
    "a success behind byte order marks is stored": stored(body=b"\xef\xbb\xbf" * 2 + b"\xe2\x80\x8b" + SUCCESS),
    "a success within a page is stored": stored(body=b"<!DOCTYPE html><html><body>" + SUCCESS + b"</body></html>"),
    "a success before debugging output is stored": stored(body=SUCCESS + b"<!-- 0.2 s -->\narray(1) { [0]=> 1 < 2 }\0"),
    "a success in an encoding that it does not declare is stored": stored(body=SUCCESS.decode().encode("utf-16")),
    **{
        f"a success that was compressed unasked, as {coding}, is stored": stored(
            body=pack(SUCCESS), headers={"Content-Encoding": coding}
        )
        for coding, pack in (("gzip", gzip.compress), ("deflate", zlib.compress), ("x-gzip", gzip.compress))
    },
    "a success that is declared to be compressed and is not is stored": stored(headers={"Content-Encoding": "gzip"}),
    # Unclear.
    "a success that is only quoted may be anything": unreadable(
        fake.answer(200, b"<log><![CDATA[" + SUCCESS + b"]]></log>"), "<log>..."
    ),
    "a success beside a failure may be either": unreadable(fake.success(body=SUCCESS + pox("failure", "no")), "stored"),
    "an empty 200 may be anything": unreadable(fake.answer(200), "no words"),
    "a blank 201 may be anything": unreadable(fake.answer(201, b"  "), "no words"),
    "a success in plain text may be anything": unreadable(fake.answer(200, b"success"), "success"),
    "a page under 200 may be anything": unreadable(fake.html(200), PAGE),
    "truncated XML may be anything": unreadable(fake.success(body=SUCCESS[:-30]), "stored"),
    "a success that is said twice may be anything": unreadable(fake.success(body=SUCCESS + SUCCESS), "stored"),
    "a success longer than anyone reads may be anything": unreadable(
        fake.success(body=SUCCESS + b" " * 70_000), "<?xml ..."
    ),
    "an unknown code may be anything": Row(
        fake.success(body=pox("stored", "words")),
        doubt(),
        "HTTP 200 without a readable imsx_codeMajor: words",
        "stored",
    ),
    "an unknown code under 503 may be anything": refusal("words", doubt(), status=503, code="nonsense"),
    **{
        f"a success under {status} may be either": in_doubt(fake.success(status=status))
        for status in (302, 401, 409, 422, 500)
    },
    **{
        f"what is processed under {status} may be stored much later": in_doubt(
            fake.processing(status=status, description="queued"), "queued", PROCESSING_HOLD
        )
        for status in (200, 202, 500)
    },
    "a 500 may be a job half done": page(500, doubt()),
    "a 502 is an intermediary's": page(502, doubt()),
    "a 503 is an intermediary's": page(503, doubt()),
    "a 504 is an intermediary's": plain(504, doubt()),
    "a 503 is left alone for as long as it asks": plain(503, doubt(asked=600), Retry_After="600"),
    "a failure without a known reason under 500 may be a handler that broke": refusal(
        "Internal error", doubt(), status=500
    ),
    # Permanent, for the learner or the course.
    "a learner who is gone is the learner's matter": refusal("User is no longer in course", parked("learner")),
    "a concluded course is the course's matter": refusal("Course is concluded", parked("course")),
    "an operation that the target does not support is the course's matter": refusal(
        "Target does not support the requested operation.", parked("course"), code="unsupported"
    ),
    "a known reason holds under any status": refusal("User not found", parked("learner"), status=500),
    "a known reason holds as any content type": refusal(
        "User not found", parked("learner"), content_type="application/octet-stream"
    ),
    # Campus-wide.
    "a failure that names the signature stops the campus": refusal(SIGNATURE, STOPS_THE_CAMPUS),
    "an unsupported that names OAuth stops the campus": refusal("OAuth version", STOPS_THE_CAMPUS, code="unsupported"),
    "a 401 stops the campus": plain(401, STOPS_THE_CAMPUS, b"who are you", "who are you"),
    "a 401 with a failure without a known reason stops the campus": refusal("no", STOPS_THE_CAMPUS, status=401),
    "a 403 with a failure that names the signature stops the campus": refusal(SIGNATURE, STOPS_THE_CAMPUS, status=403),
    **{f"a {status} stops the campus": redirect(status) for status in (301, 302, 303, 304, 307, 308)},
    "a 302 to nowhere stops the campus": plain(302, STOPS_THE_CAMPUS, b"moved", "moved"),
    "a 302 with a failure stops the campus": refusal("moved", STOPS_THE_CAMPUS, status=302),
    # Without a known reason.
    "a failure without a known reason is tried a few times": refusal("The request has failed.", UNEXPLAINED),
    "a failure without words is tried a few times": refusal("", UNEXPLAINED),
    "an unsupported without a known reason is tried a few times": refusal("", UNEXPLAINED, code="unsupported"),
    "a failure without a known reason under 404 is tried a few times": refusal("Nothing here", UNEXPLAINED, status=404),
    # Busy.
    "a 408 is busy": plain(408, later()),
    "a 425 is busy": plain(425, later()),
    "a 429 is busy": page(429, later()),
    "a 403 with Rate Limit Exceeded is busy": plain(
        403, later(), b"403 Forbidden (Rate Limit Exceeded)\n", "403 Forbidden (Rate Limit Exceeded)"
    ),
    "a 403 with nothing left of its rate is busy": plain(403, later(), X_Rate_Limit_Remaining="0.0"),
    "a 403 with less than nothing left of its rate is busy": plain(403, later(), X_Rate_Limit_Remaining="-31.5"),
    "a failure under 429 is busy": refusal("Slow down", later(), status=429),
    "a 429 is left alone for the seconds that it asks": plain(429, later(asked=120), Retry_After="120"),
    # The wrong address, or our fault.
    "a 400 is the campus's matter": plain(400, parked("campus"), b"bad request", "bad request"),
    "a 404 is the campus's matter, with its words": page(404, parked("campus")),
    "a 404 with an unknown code is the campus's matter": refusal(
        "words", parked("campus"), status=404, code="nonsense"
    ),
    **{
        f"a {status} is the campus's matter": plain(status, parked("campus"), b"nothing\n here", "nothing here")
        for status in (403, 405, 410, 415, 422, 451)
    },
    # Canvas.
    "Canvas: user_not_in_course": canvas("user_not_in_course", "User is no longer in course", parked("learner")),
    "Canvas: signature_invalid is the sourcedid's": canvas("signature_invalid", "Invalid signature", parked("learner")),
    "Canvas: no_points_possible": canvas("no_points_possible", "Assignment has no points possible.", parked("course")),
    "Canvas: bad_score is ours": canvas("bad_score", "Score is not between 0 and 1", parked("campus")),
    "Canvas: an unknown code is tried a few times": canvas("brand_new", "Sorry", UNEXPLAINED),
    "Canvas: no error code, but its headers": refusal(
        "Invalid signature", parked("learner"), status=422, headers={"X-Canvas-Meta": "o=lti_api;n=grade_passback;"}
    ),
    "Canvas: a bad signature, a used nonce or a clock that is off": plain(
        401, STOPS_THE_CAMPUS, b"Duplicate nonce detected", "Duplicate nonce detected"
    ),
    "Canvas: throttled": Row(
        fake.answer(
            403,
            b"403 Forbidden (Rate Limit Exceeded)\n",
            headers={"X-Rate-Limit-Remaining": "0.0", "X-Request-Context-Id": "5e6c", "X-Request-Cost": "0.2"},
        ),
        later(),
        "HTTP 403: 403 Forbidden (Rate Limit Exceeded)",
    ),
    # Others.
    "Moodle: Score must be numeric": refusal("Score must be numeric", parked("campus"), content_type="text/html"),
    "Moodle: Grade replace response, as a failure": refusal("Grade replace response", parked("course")),
    "A+: the deadline has passed": refusal("EXERCISE_TIMING_CLOSED_AFTER -- 2 March", parked("course")),
    "A+: no submission is left": refusal("EXERCISE_MAX_SUBMISSIONS_USED", parked("learner")),
    "A+: the learner is not enrolled": refusal("MUST_ENROLL_TO_SUBMIT_EXERCISES", parked("learner")),
    "A+: a sourcedid of an exercise that was deleted": refusal("Invalid sourcedId", parked("learner"), status=403),
    "A+: a wrong secret": refusal(
        "OAuth verification failed: oauth_signature verification failed", STOPS_THE_CAMPUS, status=403
    ),
    "Sakai: the signature of the sourcedid": refusal("Sourcedid signature did not match", parked("learner")),
    "Tsugi: the signature of the sourcedid, without an envelope": plain(
        403, parked("learner"), b"Invalid sourcedid signature", "Invalid sourcedid signature"
    ),
    "Sakai: outcomes are switched off": plain(403, parked("campus")),
    "Blackboard: Incorrect sourcedId": refusal("Incorrect sourcedId", parked("learner")),
}

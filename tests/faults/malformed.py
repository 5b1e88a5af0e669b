"""What strangers may say to each door of a daemon, and what an LMS may answer: nothing of it is right."""

import json
from typing import Any

from tests.fakes.lms import Behaviour, answer, cut, failure, success

#: By what is wrong, requests to the web port as they come over the wire.
REQUESTS: dict[str, bytes] = {
    "nothing": b"",
    "a line that is no request": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "NUL": b"\x00" * 5_000,
    "an endless line": b"GET /" + b"x" * 20_000,
    "an endless header": b"GET /livez HTTP/1.1\r\nX: " + b"x" * 20_000,
    "many headers": b"GET /livez HTTP/1.1\r\n" + b"X: x\r\n" * 5_000 + b"\r\n",
    "another host": b"GET /statusz HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "two hosts": b"GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "a proxy's request": b"GET http://evil.example/statusz HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "a body that never comes": b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n",
    "two lengths": b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    "a wrong chunk": b"POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a websocket": b"GET /livez HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "half a request": b"GET /readyz HTTP/1.1\r\nHost: local",
    "a path upwards": b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
}

#: By what is wrong, entries of the stream.
ENTRIES: dict[str, dict[str, Any]] = {
    "no type": {"user_id": "u"},
    "an unknown type": {"type": "score.deleted", "user_id": "u"},
    "an empty type": {"type": ""},
    "bytes that are no text": {"type": b"\xff\xfe", b"\xfe": b"\x00"},
    "a long type": {"type": "x" * 100_000},
    "a score without a learner": {"type": "score.changed", "course_id": "c", "usage_id": "p", "points_earned": 1},
    "points that are no number": {"type": "score.changed", "user_id": "u", "points_earned": "many"},
    "points that are NaN": {"type": "score.changed", "user_id": "u", "points_earned": "NaN", "points_possible": "1"},
    "a structure that is no JSON": {"type": "course.structure", "course_id": "c", "blocks": "{["},
    "a structure that is nested without end": {"type": "course.structure", "course_id": "c", "blocks": "[" * 50_000},
    "a structure of numbers": {"type": "course.structure", "course_id": "c", "blocks": "[1, 2, 3]"},
    "a structure that holds itself": {
        "type": "course.structure",
        "course_id": "c",
        "blocks": json.dumps([{"usage_id": "a", "parent": "b"}, {"usage_id": "b", "parent": "a"}]),
    },
    "a launch without a learner": {"type": "launch", "lis_outcome_service_url": "http://localhost"},
    "a launch with a URL that is none": {"type": "launch", "user_id": "u", "lis_outcome_service_url": "http://["},
    "a retirement without a learner": {"type": "user.retired"},
}

#: By what is wrong, what an LMS answers once; the score is not stored, or it is unknown whether it is.
ANSWERS: dict[str, Behaviour] = {
    "nothing at all": answer(200),
    "a page": answer(200, b"<html><body>Welcome</body></html>", content_type="text/html"),
    "bytes": answer(200, bytes(range(256))),
    "an envelope that ends early": answer(200, b'<?xml version="1.0"?><imsx_POXEnvelopeResponse>'),
    "entities": answer(200, b'<!DOCTYPE x [<!ENTITY a "a"><!ENTITY b "&a;&a;">]><x>&b;</x>'),
    "a file of the machine": answer(200, b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'),
    "a nesting without end": answer(200, b"<a>" * 100_000),
    "megabytes": answer(200, b"x" * 3_000_000),
    "an unknown code": success(code_major="perhaps"),
    "a failure without words": failure(""),
    "a status that is none": answer(599),
    "a connection that is cut": cut(),
}

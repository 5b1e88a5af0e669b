"""One replaceResult of LTI 1.1 with its OAuth signature, as the site itself posts it."""

import base64
import hashlib
import hmac
import time
import urllib.request
import uuid
from urllib.parse import quote
from xml.sax.saxutils import escape

from lms.djangoapps.lti_provider.models import GradedAssignment

from campus_work.course import wire

#: By which campuses know the site's own requests.
USER_AGENT = "the site itself"
_BODY = """<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeRequest xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"><imsx_POXHeader>
<imsx_POXRequestHeaderInfo><imsx_version>V1.0</imsx_version><imsx_messageIdentifier>{message}</imsx_messageIdentifier>
</imsx_POXRequestHeaderInfo></imsx_POXHeader><imsx_POXBody><replaceResultRequest><resultRecord><sourcedGUID>
<sourcedId>{sourcedid}</sourcedId></sourcedGUID><result><resultScore><language>en</language>
<textString>{score}</textString></resultScore></result></resultRecord></replaceResultRequest></imsx_POXBody>
</imsx_POXEnvelopeRequest>"""


def _quote(text: str) -> str:
    return quote(text, safe="")


def replace_result(assignment: GradedAssignment, score: float) -> None:
    """Post a grade between 0 and 1. :raises OSError: if the campus does not take it."""
    service = assignment.outcome_service
    body = _BODY.format(
        message=uuid.uuid4().hex, sourcedid=escape(assignment.lis_result_sourcedid), score=wire(score)
    ).encode()
    oauth = {
        "oauth_body_hash": base64.b64encode(hashlib.sha1(body).digest()).decode(),
        "oauth_consumer_key": service.lti_consumer.consumer_key,
        "oauth_nonce": uuid.uuid4().hex,
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(int(time.time())),
        "oauth_version": "1.0",
    }
    parameters = "&".join(f"{name}={_quote(value)}" for name, value in sorted(oauth.items()))
    base = "&".join(map(_quote, ("POST", service.lis_outcome_service_url, parameters)))
    key = f"{_quote(service.lti_consumer.consumer_secret)}&"
    oauth["oauth_signature"] = base64.b64encode(hmac.digest(key.encode(), base.encode(), "sha1")).decode()
    header = ", ".join(f'{name}="{_quote(value)}"' for name, value in oauth.items())
    headers = {"Authorization": f"OAuth {header}", "Content-Type": "application/xml", "User-Agent": USER_AGENT}
    request = urllib.request.Request(service.lis_outcome_service_url, body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()

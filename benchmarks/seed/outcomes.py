"""LTI 1.1 Basic Outcomes by requests and requests-oauthlib."""

from __future__ import annotations

import uuid

import requests
from lxml import etree
from lxml.builder import ElementMaker
from requests_oauthlib import OAuth1

from benchmarks.seed.models import GradedAssignment

NAMESPACE = "http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"
#: Seconds.
TIMEOUT = 10

_E = ElementMaker(namespace=NAMESPACE, nsmap={None: NAMESPACE})


def post_score(assignment: GradedAssignment, score: float) -> requests.Response:
    """Sign and post a score between 0 and 1, on a connection of its own."""
    service = assignment.outcome_service
    consumer = service.lti_consumer
    # A body that is not a form is signed by its hash (OAuth Request Body Hash), which oauthlib adds.
    oauth = OAuth1(consumer.consumer_key, consumer.consumer_secret, force_include_body=True)
    return requests.post(
        service.lis_outcome_service_url,
        data=_replace_result(assignment.lis_result_sourcedid, score),
        headers={"Content-Type": "application/xml"},
        auth=oauth,
        timeout=TIMEOUT,
        allow_redirects=False,
    )


def says_success(reply: requests.Response) -> bool:
    """Whether the campus took the score."""
    if reply.status_code != 200:
        return False
    try:
        # The stub of the campus answers without a namespace.
        return etree.fromstring(reply.content).findtext(".//{*}imsx_codeMajor") == "success"
    except etree.XMLSyntaxError:
        return False


def _replace_result(sourcedid: str, score: float) -> bytes:
    header = _E.imsx_POXRequestHeaderInfo(
        _E.imsx_version("V1.0"),
        _E.imsx_messageIdentifier(str(uuid.uuid4())),
    )
    record = _E.resultRecord(
        _E.sourcedGUID(_E.sourcedId(sourcedid)),
        _E.result(_E.resultScore(_E.language("en"), _E.textString(str(score)))),
    )
    envelope = _E.imsx_POXEnvelopeRequest(
        _E.imsx_POXHeader(header),
        _E.imsx_POXBody(_E.replaceResultRequest(record)),
    )
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")

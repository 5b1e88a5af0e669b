import asyncio
import time

import aiohttp
import pytest
from lxml import etree
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client
from yarl import URL

from daemon.demo.lms.answer import Answer
from daemon.demo.lms.request import POX_NAMESPACE
from daemon.demo.lms.server import SERVICE, Lms

KEY, SECRET = "demo", "a secret"
SOURCEDID = '{"user":"7","type":"<7&>"}'
REQUEST = """\
<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeRequest xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0">
  <imsx_POXHeader><imsx_POXRequestHeaderInfo>
    <imsx_version>V1.0</imsx_version><imsx_messageIdentifier>m&amp;1</imsx_messageIdentifier>
  </imsx_POXRequestHeaderInfo></imsx_POXHeader>
  <imsx_POXBody><replaceResultRequest><resultRecord>
    <sourcedGUID><sourcedId>{sourcedid}</sourcedId></sourcedGUID>
    <result><resultScore><language>en</language><textString>{score}</textString></resultScore></result>
  </resultRecord></replaceResultRequest></imsx_POXBody>
</imsx_POXEnvelopeRequest>
"""


def request(score="0.5", sourcedid='{"user":"7","type":"&lt;7&amp;&gt;"}'):
    return REQUEST.format(score=score, sourcedid=sourcedid)


def signed(url, body, *, key=KEY, secret=SECRET, **client):
    _, headers, _ = Client(key, client_secret=secret, **client).sign(
        url, http_method="POST", body=body, headers={"Content-Type": "application/xml"}
    )
    return headers


async def post(url, body, headers):
    async with (
        aiohttp.ClientSession() as session,
        session.post(URL(url, encoded=True), data=body.encode(), headers=headers) as reply,
    ):
        return reply.status, await reply.text()


def field(xml, name):
    return etree.fromstring(xml.encode()).findtext(f".//{{{POX_NAMESPACE}}}{name}")


@pytest.fixture
async def campus():
    async with Lms({KEY: SECRET}) as campus:
        yield campus


@pytest.fixture
def url(campus):
    return campus.url(SERVICE)


async def test_a_right_request_is_stored_and_answered_in_pox(campus, url):
    status, text = await post(url, request(), signed(url, request()))
    assert (status, field(text, "imsx_codeMajor")) == (200, "success")
    assert field(text, "imsx_messageRefIdentifier") == "m&1"
    assert campus.grades() == {SOURCEDID: "0.5"}
    assert [(one.sourcedid, one.score, one.status) for one in campus.requests] == [(SOURCEDID, "0.5", 200)]
    assert campus.requests[0].faults == []


async def test_what_is_stored_can_be_read_back(campus, url):
    reading = request().replace("replaceResult", "readResult")
    reading = reading[: reading.index("<result>")] + reading[reading.index("</resultRecord>") :]
    for held in ("", "0.5"):
        campus.gradebook.update({(SERVICE.partition("?")[0], SOURCEDID): held} if held else {})
        status, text = await post(url, reading, signed(url, reading))
        assert (status, field(text, "imsx_codeMajor"), field(text, "textString") or "") == (200, "success", held)
    assert all(one.reads and not one.faults for one in campus.requests)


async def test_a_newer_score_takes_the_place_of_an_older_one(campus, url):
    for score in ("0.5", "0.75"):
        await post(url, request(score), signed(url, request(score)))
    assert campus.grades() == {SOURCEDID: "0.75"}


@pytest.mark.parametrize(
    "signing",
    [
        {"key": "stranger"},
        {"secret": "another secret"},
        {"timestamp": str(int(time.time()) - 3600)},
        {"timestamp": str(int(time.time()) + 3600)},
        {"signature_method": SIGNATURE_HMAC_SHA256},
    ],
    ids=["wrong key", "wrong secret", "old timestamp", "early timestamp", "other method"],
)
async def test_a_request_that_is_not_signed_as_agreed_is_refused(campus, url, signing):
    status, text = await post(url, request(), signed(url, request(), **signing))
    assert (status, field(text, "imsx_codeMajor")) == (401, "failure")
    assert [fault.text for fault in campus.requests[0].faults] == ["a signature that is not valid"]
    assert not campus.gradebook


async def test_a_request_without_a_signature_is_refused(campus, url):
    status, _ = await post(url, request(), {"Content-Type": "application/xml"})
    assert status == 401
    assert not campus.gradebook


async def test_a_tampered_body_is_refused(campus, url):
    status, text = await post(url, request("1"), signed(url, request("0.5")))
    assert (status, field(text, "imsx_description")) == (401, "a body hash that is not the body's")
    assert not campus.gradebook


async def test_a_signature_for_another_address_is_refused(campus, url):
    status, _ = await post(url + "&more=1", request(), signed(url, request()))
    assert status == 401
    assert not campus.gradebook


async def test_a_replayed_request_is_refused(campus, url):
    headers = signed(url, request())
    assert (await post(url, request(), headers))[0] == 200
    assert (await post(url, request(), headers))[0] == 401
    assert [len(one.faults) for one in campus.requests] == [0, 1]


async def test_a_nonce_is_spent_even_by_a_refused_request(campus, url):
    now = str(int(time.time()))
    nonce = "0123456789abcdefghij"
    wrong = signed(url, request(), secret="wrong", nonce=nonce, timestamp=now)
    right = signed(url, request(), nonce=nonce, timestamp=now)
    assert (await post(url, request(), wrong))[0] == 401
    assert (await post(url, request(), right))[0] == 401


@pytest.mark.parametrize("score", ["", "1.2", "-0.1", "nan", "50 %"])
async def test_a_score_that_is_not_within_zero_to_one_is_refused(campus, url, score):
    status, _ = await post(url, request(score), signed(url, request(score)))
    assert status == 422
    assert not campus.gradebook


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (request(sourcedid=""), 422),
        ("<unfinished", 400),
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>', 400),
    ],
    ids=["no sourcedid", "not XML", "with a document type"],
)
async def test_a_signed_body_that_makes_no_sense_is_refused(campus, url, body, status):
    assert (await post(url, body, signed(url, body)))[0] == status
    assert not campus.gradebook


async def test_any_other_content_type_is_refused(campus, url):
    headers = signed(url, request()) | {"Content-Type": "application/xml; charset=utf-8"}
    assert (await post(url, request(), headers))[0] == 415


async def test_other_methods_are_refused(campus, url):
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        assert reply.status == 401
    campus.keys = None
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        assert reply.status == 405


async def test_requests_are_taken_side_by_side():
    learners = [f"learner-{number}" for number in range(8)]
    async with Lms({KEY: SECRET}, lambda _: Answer(latency=1.0)) as campus:
        bodies, url = [request("1", learner) for learner in learners], campus.url()
        async with asyncio.timeout(7):
            await asyncio.gather(*(post(url, body, signed(url, body)) for body in bodies))
    assert len(campus.gradebook) == 8


async def test_a_port_that_is_taken_is_an_error():
    async with Lms() as campus:
        with pytest.raises(OSError, match="in use"):
            await Lms(port=campus.port).__aenter__()

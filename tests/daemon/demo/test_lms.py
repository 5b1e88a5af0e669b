import time

import aiohttp
import pytest
from lxml import etree
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client
from yarl import URL

from daemon.demo.lms.request import POX_NAMESPACE
from daemon.demo.lms.server import SERVICE, Lms

KEY, SECRET = "demo", "a secret"
SOURCEDID = '{"user":"7","type":"<7&>"}'
ESCAPED = '{"user":"7","type":"&lt;7&amp;&gt;"}'
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


def request(score="0.5", sourcedid=ESCAPED):
    return REQUEST.format(score=score, sourcedid=sourcedid)


BODY = request()


def signed(url, body=BODY, *, key=KEY, secret=SECRET, **client):
    _, headers, _ = Client(key, client_secret=secret, **client).sign(
        url, http_method="POST", body=body, headers={"Content-Type": "application/xml"}
    )
    return headers


async def send(url, body, headers, method="POST"):
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, URL(url, encoded=True), data=body.encode(), headers=headers) as reply,
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
    status, text = await send(url, BODY, signed(url))
    assert (status, field(text, "imsx_codeMajor")) == (200, "success")
    assert field(text, "imsx_messageRefIdentifier") == "m&1"
    (one,) = campus.requests
    assert (one.sourcedid, one.score, one.status, one.faults) == (SOURCEDID, "0.5", 200, [])
    await send(url, request("0.75"), signed(url, request("0.75")))
    assert campus.grades() == {SOURCEDID: "0.75"}


async def test_what_is_stored_can_be_read_back(campus, url):
    reading = BODY.replace("replaceResult", "readResult")
    reading = reading[: reading.index("<result>")] + reading[reading.index("</resultRecord>") :]
    for held in ("", "0.5"):
        campus.gradebook.update({(SERVICE.partition("?")[0], SOURCEDID): held} if held else {})
        status, text = await send(url, reading, signed(url, reading))
        assert (status, field(text, "imsx_codeMajor"), field(text, "textString") or "") == (200, "success", held)
    assert all(one.reads and not one.faults for one in campus.requests)


async def test_what_is_stored_can_be_taken_back(campus, url):
    deletion = BODY.replace("replaceResult", "deleteResult")
    deletion = deletion[: deletion.index("<result>")] + deletion[deletion.index("</resultRecord>") :]
    await send(url, BODY, signed(url))
    for _ in range(2):
        status, text = await send(url, deletion, signed(url, deletion))
        assert (status, field(text, "imsx_operationRefIdentifier")) == (200, "deleteResult")
        assert campus.grades() == {}
    assert [(one.deletes, one.faults) for one in campus.requests[1:]] == [(True, [])] * 2


@pytest.mark.parametrize(
    "signing",
    [
        {"key": "unknown"},
        {"secret": "another secret"},
        {"timestamp": str(int(time.time()) - 3600)},
        {"timestamp": str(int(time.time()) + 3600)},
        {"signature_method": SIGNATURE_HMAC_SHA256},
    ],
    ids=["wrong key", "wrong secret", "old timestamp", "early timestamp", "other method"],
)
async def test_a_request_that_is_not_signed_as_agreed_is_refused(campus, url, signing):
    status, text = await send(url, BODY, signed(url, **signing))
    assert (status, field(text, "imsx_codeMajor")) == (401, "failure")
    assert [fault.text for fault in campus.requests[0].faults] == ["a signature that is not valid"]
    assert not campus.gradebook


async def test_a_signature_for_another_body_or_address_is_refused(campus, url):
    status, text = await send(url, request("1"), signed(url))
    assert (status, field(text, "imsx_description")) == (401, "a body hash that is not the body's")
    assert (await send(f"{url}&more=1", BODY, signed(url)))[0] == 401
    assert not campus.gradebook


@pytest.mark.parametrize(("first", "status"), [(SECRET, 200), ("wrong", 401)])
async def test_a_nonce_is_spent_even_by_a_refused_request(url, first, status):
    once = {"nonce": "0123456789abcdefghij", "timestamp": str(int(time.time()))}
    assert (await send(url, BODY, signed(url, secret=first, **once)))[0] == status
    assert (await send(url, BODY, signed(url, **once)))[0] == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *((request(score), 422) for score in ("", "1.2", "-0.1", "nan", "50 %")),
        (request(sourcedid=""), 422),
        ("<unfinished", 400),
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>', 400),
    ],
    ids=["no score", "above 1", "below 0", "NaN", "no number", "no sourcedid", "not XML", "with a document type"],
)
async def test_a_signed_body_that_makes_no_sense_is_refused(campus, url, body, status):
    assert (await send(url, body, signed(url, body)))[0] == status
    assert not campus.gradebook


async def test_other_content_types_and_methods_and_no_signature_are_refused(campus, url):
    headers = {"Content-Type": "application/xml"}
    assert (await send(url, BODY, headers))[0] == 401
    assert (await send(url, BODY, signed(url) | {"Content-Type": "application/xml; charset=utf-8"}))[0] == 415
    campus.keys = None
    assert (await send(url, BODY, headers, "GET"))[0] == 405
    assert not campus.gradebook


async def test_a_port_that_is_taken_is_an_error():
    async with Lms() as campus:
        with pytest.raises(OSError, match="in use"):
            await Lms(port=campus.port).__aenter__()

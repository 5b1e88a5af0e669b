"""A sample campus LMS on a real socket, which believes nothing that it has not verified."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from aiohttp import web
from lxml import etree
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, RequestValidator, SignatureOnlyEndpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

NAMESPACE = "http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"

#: Seconds by which a request's timestamp may differ from the campus's clock: Moodle's limit.
CLOCK_WINDOW = 300

#: Path and query of the outcome service. The query is part of what is signed.
SERVICE = "/mod/lti/service.php?context=PHYS%20101&section=b"

_ANSWER = """\
<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeResponse xmlns="{namespace}">
  <imsx_POXHeader><imsx_POXResponseHeaderInfo>
    <imsx_version>V1.0</imsx_version>
    <imsx_messageIdentifier>{number}</imsx_messageIdentifier>
    <imsx_statusInfo>
      <imsx_codeMajor>{code}</imsx_codeMajor>
      <imsx_severity>status</imsx_severity>
      <imsx_description>{description}</imsx_description>
      <imsx_messageRefIdentifier>{reference}</imsx_messageRefIdentifier>
    </imsx_statusInfo>
  </imsx_POXResponseHeaderInfo></imsx_POXHeader>
  <imsx_POXBody>{body}</imsx_POXBody>
</imsx_POXEnvelopeResponse>
"""

_STORED = "<replaceResultResponse/>"
_HELD = """<readResultResponse><result><resultScore>
    <language>en</language><textString>{score}</textString>
  </resultScore></result></readResultResponse>"""


@dataclass(frozen=True, slots=True)
class Received:
    """A request that passed every check, and the status code that it was answered with."""

    sourcedid: str
    score: str
    status: int


class _Refused(Exception):  # noqa: N818 - an answer to the sender, not an error of ours
    """The request is not what it should be."""

    def __init__(self, status: int, why: str, reference: str = "") -> None:
        super().__init__(why)
        self.status = status
        self.why = why
        self.reference = reference


class Campus:
    """
    The gradebook of one campus and the outcome service before it.

    Args:
        consumer_key: The one key that is known here.
        secret: What requests with that key must be signed with.
        enrolled: The sourcedids that have a line in the gradebook; None: all.
        busy_every: One in so many good requests is answered 503, of these every other one *after* the grade was
            stored: whoever gets that answer cannot know which. Nobody is turned away twice running. 0: never.
        takes: Seconds until an answer.
    """

    def __init__(
        self,
        consumer_key: str,
        secret: str,
        *,
        enrolled: Collection[str] | None,
        busy_every: int = 10,
        takes: float = 0.02,
    ) -> None:
        self._endpoint = SignatureOnlyEndpoint(_Registrar(consumer_key, secret))
        self._enrolled = None if enrolled is None else frozenset(enrolled)
        self._busy_every = busy_every
        self._takes = takes
        self._good = 0
        self._turned_away = 0
        self._to_repeat: set[str] = set()
        #: Sourcedid to score, exactly as it came.
        self.gradebook: dict[str, str] = {}
        #: The requests that passed every check, in the order of their arrival.
        self.received: list[Received] = []
        #: Why other requests were refused.
        self.refusals: list[str] = []

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """Listen on the loopback (0: on a free port), and yield the URL of the outcome service."""
        app = web.Application()
        app.router.add_post(SERVICE.partition("?")[0], self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            host, port = runner.addresses[0][:2]
            self._origin = f"http://{host}:{port}"
            yield self._origin + SERVICE
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            self._verify(request, body)
            reference, sourcedid, score = self._read(body)
        except _Refused as refused:
            self.refusals.append(refused.why)
            return self._pox(refused.status, "failure", refused.why, refused.reference)
        if score is None:
            held = self.gradebook.get(sourcedid, "")
            return self._pox(200, "success", "score read", reference, _HELD.format(score=escape(held)))

        busy = self._is_busy_for(sourcedid)
        self.received.append(Received(sourcedid, score, 503 if busy else 200))
        stores = not busy or self._turned_away % 2 == 0
        await asyncio.sleep(self._takes)
        if stores:
            self.gradebook[sourcedid] = score
        if busy:
            return web.Response(status=503, text="<html>busy</html>", content_type="text/html")
        return self._pox(200, "success", f"score is now {score}", reference)

    def _is_busy_for(self, sourcedid: str) -> bool:
        self._good += 1
        due = bool(self._busy_every) and self._good // self._busy_every > self._turned_away
        if due and sourcedid not in self._to_repeat:
            self._turned_away += 1
            self._to_repeat.add(sourcedid)
            return True
        self._to_repeat.discard(sourcedid)
        return False

    def _verify(self, request: web.Request, body: bytes) -> None:
        if request.headers.get("Content-Type") != "application/xml":
            raise _Refused(415, "content type is not application/xml")
        # What was signed is the address as the sender wrote it, byte for byte.
        good, signed = self._endpoint.validate_request(
            self._origin + request.raw_path, request.method, "", dict(request.headers)
        )
        if not good or signed is None:
            raise _Refused(401, "consumer key, signature, timestamp or nonce is not valid")
        digest = base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()
        if not hmac.compare_digest(signed.oauth_params.get("oauth_body_hash", "").encode(), digest.encode()):
            raise _Refused(401, "body hash is not valid")

    def _read(self, body: bytes) -> tuple[str, str, str | None]:
        """Take message identifier, sourcedid and score out of a verified request; a readResult has no score."""
        if b"<!DOCTYPE" in body:
            raise _Refused(400, "a document type is not welcome")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            root = etree.fromstring(body, parser)
        except etree.XMLSyntaxError as error:
            raise _Refused(400, "not well-formed XML") from error

        def text(path: str) -> str:
            return root.findtext("/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/"))) or ""

        reference = text("imsx_POXHeader/imsx_POXRequestHeaderInfo/imsx_messageIdentifier")
        reads = root.find(f"{{{NAMESPACE}}}imsx_POXBody/{{{NAMESPACE}}}readResultRequest") is not None
        record = f"imsx_POXBody/{'readResult' if reads else 'replaceResult'}Request/resultRecord"
        sourcedid = text(f"{record}/sourcedGUID/sourcedId")
        score = text(f"{record}/result/resultScore/textString")
        if self._enrolled is not None and sourcedid not in self._enrolled:
            raise _Refused(422, "sourcedid is not known", reference)
        if reads:
            return reference, sourcedid, None
        if not _is_score(score):
            raise _Refused(422, "score is not a number from 0 to 1", reference)
        return reference, sourcedid, score

    def _pox(self, status: int, code: str, description: str, reference: str, body: str = _STORED) -> web.Response:
        text = _ANSWER.format(
            namespace=NAMESPACE,
            number=len(self.received) + len(self.refusals),
            code=code,
            description=escape(description),
            reference=escape(reference),
            body=body,
        )
        return web.Response(status=status, text=text, content_type="application/xml")


class _Registrar(RequestValidator):
    """What oauthlib's server side asks: who is known, with which secret, and which nonces were seen."""

    #: Takes the place of an unknown key, so that a stranger's request takes no less time.
    dummy_client = "nobody"
    allowed_signature_methods = (SIGNATURE_HMAC_SHA1,)
    client_key_length = (1, 32)
    nonce_length = (8, 128)
    timestamp_lifetime = CLOCK_WINDOW
    #: On the loopback there is nobody to listen in.
    enforce_ssl = False

    def __init__(self, consumer_key: str, secret: str) -> None:
        super().__init__()
        self._consumer_key = consumer_key
        self._secret = secret
        self._seen: set[str] = set()

    @property
    def safe_characters(self) -> set[str]:
        return super().safe_characters | set("-._~")

    def validate_client_key(self, client_key: str, request: Any) -> bool:  # noqa: ARG002 - oauthlib's signature
        return hmac.compare_digest(client_key, self._consumer_key)

    def get_client_secret(self, client_key: str, request: Any) -> str:  # noqa: ARG002
        return self._secret if client_key == self._consumer_key else "no secret at all"

    def validate_timestamp_and_nonce(
        self,
        client_key: str,  # noqa: ARG002
        timestamp: str,  # noqa: ARG002
        nonce: str,
        request: Any,  # noqa: ARG002
        request_token: str | None = None,  # noqa: ARG002
        access_token: str | None = None,  # noqa: ARG002
    ) -> bool:
        """Say whether *nonce* is new, and remember it, whatever becomes of the request; oauthlib looked at the time."""
        fresh = nonce not in self._seen
        self._seen.add(nonce)
        return fresh


def _is_score(text: str) -> bool:
    try:
        return 0 <= Decimal(text) <= 1
    except InvalidOperation:
        return False

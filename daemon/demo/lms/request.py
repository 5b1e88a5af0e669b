"""One request to the sample LMS: what it says, and what is wrong with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lxml import etree

POX_NAMESPACE = "http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"

_SCORE = re.compile(r"0(\.\d+)?|1(\.0+)?", re.ASCII)
_SPACE = f"{{{POX_NAMESPACE}}}"
_HEADER = "/imsx_POXEnvelopeRequest/imsx_POXHeader/imsx_POXRequestHeaderInfo"
_REPLACE = "/imsx_POXEnvelopeRequest/imsx_POXBody/replaceResultRequest"
_READ = "/imsx_POXEnvelopeRequest/imsx_POXBody/readResultRequest"
_DELETE = "/imsx_POXEnvelopeRequest/imsx_POXBody/deleteResultRequest"


class RequestFault(NamedTuple):
    """What no request should do, and the HTTP status with which a strict LMS refuses it."""

    status: int
    text: str


@dataclass(slots=True)
class RequestRecord:
    """One request that arrived. Times are ``time.monotonic``, in seconds."""

    #: Counts from 0 over the LMS's life.
    number: int
    #: Path and query, byte for byte as in the request line.
    path_qs: str
    headers: Mapping[str, str]
    body: bytes
    #: Address and port of the other end: the same ones mean the same connection.
    peer: tuple[str, int]
    began: float
    #: When the answer was ready to be sent or the connection was cut; None until then.
    ended: float | None = None
    #: Whether it asks for a score (readResult), and sets none.
    reads: bool = False
    #: Whether it takes a score back (deleteResult), and sets none.
    deletes: bool = False
    #: None where the body could not be read as a request.
    sourcedid: str | None = None
    score: str | None = None
    message_id: str | None = None
    consumer_key: str | None = None
    nonce: str | None = None
    timestamp: str | None = None
    #: Whether signature, body hash, nonce and key are right; None if the LMS has no keys.
    verified: bool | None = None
    #: The status code answered; None where no answer went out.
    status: int | None = None
    #: Everything that is wrong with it, in the order of the checks.
    faults: list[RequestFault] = field(default_factory=list)

    @property
    def path(self) -> str:
        return self.path_qs.partition("?")[0]

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "")

    def fault(self, status: int, text: str) -> None:
        """Note one more fault."""
        self.faults.append(RequestFault(status, text))


def read_body(record: RequestRecord) -> None:
    """Take message identifier, sourcedid and score out of the body of *record*, and note its faults."""
    try:
        root = etree.fromstring(record.body, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        record.fault(400, "a body that is not well-formed")
        return
    texts: dict[str, str] = {}  # looked up by path: lxml's find() takes many times as long
    _collect(texts, root)
    record.reads, record.deletes = _READ in texts, _DELETE in texts
    result = f"{_READ if record.reads else _DELETE if record.deletes else _REPLACE}/resultRecord"
    record.message_id = texts.get(f"{_HEADER}/imsx_messageIdentifier")
    record.sourcedid = texts.get(f"{result}/sourcedGUID/sourcedId")
    record.score = texts.get(f"{result}/result/resultScore/textString")
    if texts.get(f"{_HEADER}/imsx_version") != "V1.0":
        record.fault(400, "an envelope that is not a V1.0 request")
    if not record.message_id:
        record.fault(400, "no message identifier")
    if not record.sourcedid:
        record.fault(422, "no sourcedid")
    if record.reads or record.deletes:
        if record.score is not None:
            record.fault(422, f"a {'readResult' if record.reads else 'deleteResult'} with a score")
        return
    if texts.get(f"{result}/result/resultScore/language") != "en":
        record.fault(422, "a score whose language is not en")
    if not _SCORE.fullmatch(record.score or ""):
        record.fault(422, f"a score of {record.score!r}")


def _collect(texts: dict[str, str], element: etree._Element, path: str = "") -> None:
    """Put the text of each element under its path, names without the specification's namespace."""
    path = f"{path}/{str(element.tag).removeprefix(_SPACE)}"
    texts[path] = element.text or ""
    for child in element:
        _collect(texts, child, path)

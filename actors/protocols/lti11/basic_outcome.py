"""LTI 1.1 Basic Outcomes: scores as POX XML. Pure: no clock, no network, no database."""

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

from actors.protocols.lti11.envelope import find_envelope
from actors.protocols.times import written_time

NAMESPACE = "http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"

#: Bytes. A longer reply is not read at all: a real one has about one thousand.
REPLY_LIMIT = 64 * 1024

#: Characters of ``imsx_description`` that are kept.
DESCRIPTION_LIMIT = 500

#: Elements within elements. A real reply has six.
_DEPTH_LIMIT = 40

#: Characters of a code or a score. The specification's longest code has eleven.
_WORD_LIMIT = 40

#: What a code is made of: it goes into the ledger and the log as it is.
_CODE = re.compile(r"[a-z0-9_.:-]+")

#: The control characters that XML 1.0 can carry.
_ALLOWED_CONTROLS = frozenset("\t\n\r")

#: XML parsers turn a bare carriage return into a line feed, which would change a sourcedid.
_ESCAPES = {"\r": "&#13;"}

_REQUEST = """\
<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeRequest xmlns="{namespace}">
  <imsx_POXHeader>
    <imsx_POXRequestHeaderInfo>
      <imsx_version>V1.0</imsx_version>
      <imsx_messageIdentifier>{message_id}</imsx_messageIdentifier>
    </imsx_POXRequestHeaderInfo>
  </imsx_POXHeader>
  <imsx_POXBody>
    <{operation}Request>
      <resultRecord>
        <sourcedGUID>
          <sourcedId>{sourced_id}</sourcedId>
        </sourcedGUID>{result}
      </resultRecord>{details}
    </{operation}Request>
  </imsx_POXBody>
</imsx_POXEnvelopeRequest>
"""

_RESULT = """
        <result>
          <resultScore>
            <language>en</language>
            <textString>{score}</textString>
          </resultScore>
        </result>"""


#: Canvas's own, beside the record; the second keeps a grade that a person gave.
_DETAILS = """
      <submissionDetails>{details}
      </submissionDetails>"""
_SUBMITTED_AT = "\n        <submittedAt>{time}</submittedAt>"
_PRIORITIZE = "\n        <prioritizeNonToolGrade/>"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reply's envelope says; ``is_pox`` is false when there is no envelope in it."""

    #: ``imsx_codeMajor`` in lower case; None unless it can be read exactly once.
    code_major: str | None
    #: ``imsx_description``, at most :data:`DESCRIPTION_LIMIT` characters, in the campus's own words.
    description: str
    is_pox: bool
    #: ``ext_canvas_error_code`` in lower case, which Canvas adds to a failure; None unless it can be read exactly once.
    error_code: str | None = None
    #: Whether there is any element of Canvas's own, ``ext_canvas_...``, in it.
    is_canvas: bool = False
    #: The score that the reply to a readResult holds, as the LMS wrote it; empty where it holds none, None where that
    #: is not clear.
    score: str | None = None


def replace_result(
    sourced_id: str, score: str, *, message_id: str, submitted_at: int | None = None, keeps_persons_grade: bool = False
) -> bytes:
    """
    The XML document that sets one learner's score, a plain decimal within 0 to 1. Sign and send these exact bytes.

    Args:
        submitted_at: For Canvas, where the launch offered it: when it was submitted, milliseconds since 1970.
        keeps_persons_grade: For Canvas, likewise: whether a grade that a person gave is kept.

    Raises:
        ValueError: A value has a character that XML 1.0 cannot carry, or the time has no calendar date.

    Spec: LTI 1.1 Implementation Guide, 6.1.1 replaceResult; of Canvas's own, its documentation of assignment tools.
    """
    details = "" if submitted_at is None else _SUBMITTED_AT.format(time=written_time(submitted_at))
    if keeps_persons_grade:
        details += _PRIORITIZE
    result, beside = _RESULT.format(score=_text("score", score)), _DETAILS.format(details=details) if details else ""
    return _request("replaceResult", sourced_id, message_id, result, beside)


def read_result(sourced_id: str, *, message_id: str) -> bytes:
    """
    The XML document that asks for one learner's score (:attr:`Reply.score`); otherwise as :func:`replace_result`.

    Spec: LTI 1.1 Implementation Guide, 6.1.2 readResult.
    """
    return _request("readResult", sourced_id, message_id)


def delete_result(sourced_id: str, *, message_id: str) -> bytes:
    """
    The XML document that clears one learner's score; otherwise as :func:`replace_result`.

    Spec: LTI 1.1 Implementation Guide, 6.1.3 deleteResult.
    """
    return _request("deleteResult", sourced_id, message_id)


def read_reply(body: bytes) -> Reply:
    """
    Read what an LMS answered. Never raises, whatever the bytes.

    The envelope may be in anything: see :mod:`actors.protocols.lti11.envelope`. One that is not well-formed is still
    read if it names its code once: platforms echo sourcedids unescaped. One that was cut off, that nests too deeply, or
    that has another beside it is a POX reply without a code.
    """
    nothing = Reply(code_major=None, description="", is_pox=False)
    envelope = None if len(body) > REPLY_LIMIT else find_envelope(body)
    if envelope is None:
        return nothing
    # A parser serves one document: it keeps what it complained of.
    parser = etree.XMLParser(
        encoding="utf-8",
        load_dtd=False,
        no_network=True,
        resolve_entities=False,
        huge_tree=False,
        recover=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(envelope.text.encode(), parser)
    except (etree.LxmlError, ValueError, LookupError):
        return nothing
    # With recover=True lxml answers None for a document without any element, whatever its stubs say.
    if root is None or not _local_name(root).startswith("imsx_POXEnvelope"):
        return nothing
    if _too_deep(root):
        return Reply(code_major=None, description="", is_pox=True)
    # Where the parser had to guess, only what the text holds just once is believed.
    text = envelope.text if len(parser.error_log) > 0 else None
    whole = envelope.whole
    return Reply(
        code_major=_code("imsx_codeMajor", root, text) if whole else None,
        description=_description(root),
        is_pox=True,
        error_code=_code("ext_canvas_error_code", root, text) if whole else None,
        is_canvas=any(_local_name(element).startswith("ext_canvas_") for element in root.iter("*")),
        score=_score(root, text) if whole else None,
    )


def _request(operation: str, sourced_id: str, message_id: str, result: str = "", details: str = "") -> bytes:
    return _REQUEST.format(
        namespace=NAMESPACE,
        operation=operation,
        message_id=_text("message identifier", message_id),
        sourced_id=_text("sourcedid", sourced_id),
        result=result,
        details=details,
    ).encode()


def _text(what: str, value: str) -> str:
    for character in value:
        if (character < " " and character not in _ALLOWED_CONTROLS) or _is_no_character(character):
            raise ValueError(f"the {what} has a character that XML cannot carry: U+{ord(character):04X}")
    return escape(value, _ESCAPES)


def _is_no_character(character: str) -> bool:
    """Surrogates and the two non-characters that XML 1.0 leaves out (section 2.2, Char)."""
    return "\ud800" <= character <= "\udfff" or character in "\ufffe\uffff"


def _local_name(element: etree._Element) -> str:
    """The name without its namespace, and without a prefix that was never declared."""
    return str(element.tag).rpartition("}")[2].rpartition(":")[2]


def _too_deep(root: etree._Element) -> bool:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > _DEPTH_LIMIT:
            return True
    return False


def _code(name: str, root: etree._Element, guessed: str | None) -> str | None:
    word = (_once(name, root, guessed) or "").lower()
    return word if _CODE.fullmatch(word) else None


def _once(name: str, root: etree._Element, guessed: str | None) -> str | None:
    """
    The text of the one element of that name; None when there are more, or it is not plain text.

    *guessed*: the whole text of a reply that is not well-formed. It must also hold the name twice only, to open and to
    close: the parser may have given up before a second one.
    """
    found = _named(name, root)
    if len(found) != 1 or len(found[0]) or (guessed is not None and guessed.count(name) != 2):
        return None
    text = (found[0].text or "").strip()
    return text if 0 < len(text) <= _WORD_LIMIT else None


def _score(root: etree._Element, guessed: str | None) -> str | None:
    """LMSs leave the score, or the whole result, out where there is none; an answer that is none says nothing."""
    if not _named("readResultResponse", root):
        return None
    empty = not any((element.text or "").strip() or len(element) for element in _named("textString", root))
    return "" if empty and guessed is None else _once("textString", root, guessed)


def _named(name: str, root: etree._Element) -> list[etree._Element]:
    return [element for element in root.iter("*") if _local_name(element) == name]


def _description(root: etree._Element) -> str:
    for element in root.iter("*"):
        if _local_name(element) == "imsx_description":
            words = " ".join("".join(str(part) for part in element.itertext()).split())
            return _without_error_id(words)[:DESCRIPTION_LIMIT]
    return ""


def _without_error_id(words: str) -> str:
    """Canvas ends its descriptions in ``[EID_...]``, a number for its own support that differs each time."""
    start = words.rfind("[EID_")
    if start >= 0 and words.endswith("]"):
        return words[:start].rstrip()
    return words

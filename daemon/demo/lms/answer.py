"""What the sample LMS does with a request, and the envelope in which it says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from daemon.demo.lms.request import POX_NAMESPACE

_POX = """\
<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeResponse xmlns="{namespace}">
  <imsx_POXHeader><imsx_POXResponseHeaderInfo>
    <imsx_version>V1.0</imsx_version>
    <imsx_messageIdentifier>reply-to-{message_id}</imsx_messageIdentifier>
    <imsx_statusInfo>
      <imsx_codeMajor>{code_major}</imsx_codeMajor>
      <imsx_severity>status</imsx_severity>
      <imsx_description>{description}</imsx_description>
      <imsx_messageRefIdentifier>{message_id}</imsx_messageRefIdentifier>
      <imsx_operationRefIdentifier>{operation}</imsx_operationRefIdentifier>
    </imsx_statusInfo>
  </imsx_POXResponseHeaderInfo></imsx_POXHeader>
  <imsx_POXBody>{body}</imsx_POXBody>
</imsx_POXEnvelopeResponse>
"""

_HELD = """<readResultResponse>
    <result><resultScore><language>en</language><textString>{score}</textString></resultScore></result>
  </readResultResponse>"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the LMS does with one request."""

    #: Seconds before the score is stored and the answer begins.
    latency: float = 0.0
    status: int = 200
    #: With ``body`` None a POX envelope with this code is sent.
    code_major: str = "success"
    description: str = ""
    body: bytes | None = None
    content_type: str = "application/xml"
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Whether the score goes into the gradebook.
    apply: bool = True


def pox(
    code_major: str, description: str = "", *, message_id: str = "", held: str | None = None, deletes: bool = False
) -> bytes:
    """A reply's envelope: to a replaceResult or a deleteResult, or with *held*, which may be empty, to a readResult."""
    changes = "deleteResult" if deletes else "replaceResult"
    return _POX.format(
        namespace=POX_NAMESPACE,
        operation=changes if held is None else "readResult",
        body=f"<{changes}Response/>" if held is None else _HELD.format(score=escape(held)),
        code_major=escape(code_major),
        description=escape(description),
        message_id=escape(message_id),
    ).encode()

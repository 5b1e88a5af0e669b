"""
Finds the POX envelope in what an LMS answered, whatever is around it. Pure.

Web applications print notices of their own before and after it, servers put it into a page or declare an encoding that
it does not have. What is only quoted, in a comment, in CDATA, in a script or as a string of something else, is no
envelope.
"""

import json
import re
from dataclasses import dataclass

from actors.decoding import decoded

#: What every envelope's root element is called, or begins with.
_ROOT = "imsx_POXEnvelope"

#: Encodings in which an ASCII name has NULs between its letters, and bytes a character.
_WIDE = (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2))

_NAME = rf"(?:[\w.-]+:)?{_ROOT}\w*"

#: What counts outside an envelope. Each alternative takes time in proportion to what it matches.
_TOKEN = re.compile(
    rf"""
    (?P<quoting>
        <!--.*?(?:-->|\Z)
        | <!\[CDATA\[.*?(?:\]\]>|\Z)
        | <(?P<raw>(?i:script|style|textarea|title|xmp))\b[^<>]*>.*?(?:</(?P=raw)\b|\Z)
    )
    | (?P<doctype><!(?i:DOCTYPE)[^<>\[]*.?)
    | (?P<start><{_NAME}(?=[\s/>]))
    """,
    re.VERBOSE | re.DOTALL,
)
_INNER = re.compile(rf"(?P<comment><!--)|(?P<cdata><!\[CDATA\[)|</(?:[\w.-]+:)?(?P<end>{_ROOT}\w*)\s*>")
_CLOSING = {"comment": "-->", "cdata": "]]>"}

_HTML_DOCTYPE = re.compile(r"<!DOCTYPE\s+html\b[^>\[]*>", re.IGNORECASE)
_CODE_MARKUP = re.compile(r"<(?:[\w.-]+:)?imsx_codeMajor[\s/>]")
_QUOTES = ('"', "'", "`")


@dataclass(frozen=True, slots=True)
class Envelope:
    """
    The envelope of an answer, or what is left of it.

    *text*: from the beginning of its root element. *whole*: whether it has an end, and nothing else in the answer
    could say otherwise.
    """

    text: str
    whole: bool


def find_envelope(body: bytes) -> Envelope | None:
    """The envelope in *body*; None if there is none."""
    text, ambiguous = _as_text(body)
    if _ROOT not in text:
        return None
    found: list[Envelope] = []
    around: list[str] = []
    at = 0
    while (token := _TOKEN.search(text, at)) is not None:
        around.append(text[at : token.start()])
        at = token.end()
        if token["doctype"]:
            # An entity could be anything.
            ambiguous |= _HTML_DOCTYPE.fullmatch(token["doctype"]) is None
        elif token["start"]:
            end = _end(text, at, token["start"].rpartition(_ROOT)[2])
            at = len(text) if end is None else end
            envelope = text[token.start() : at]
            found.append(Envelope(envelope, end is not None and not _is_quoted(text, token.start(), at)))
    around.append(text[at:])
    if not found:
        return None
    answers = [envelope for envelope in found if not _is_request(envelope.text)] or found
    ambiguous |= len(answers) > 1 or any(_CODE_MARKUP.search(other) for other in around) or _is_json(text)
    return Envelope(answers[0].text, answers[0].whole and not ambiguous)


def _end(text: str, at: int, kind: str) -> int | None:
    """Where the envelope of this *kind*, whose root element's name ends at *at*, ends; None if it does not."""
    tag_end = text.find(">", at)
    if tag_end > 0 and text[tag_end - 1] == "/":
        return tag_end + 1
    closing = dict(_CLOSING)
    while (inner := _INNER.search(text, at)) is not None:
        quoting, at = inner.lastgroup or "", inner.end()
        if inner["end"] == _ROOT + kind:
            return at
        # An unescaped sourcedid may begin a comment that has no end: that is text.
        if quoting in closing:
            close = text.find(closing[quoting], at)
            if close < 0:
                del closing[quoting]
            else:
                at = close + len(closing[quoting])
    return None


def _is_request(envelope: str) -> bool:
    """Ours, as the LMS got it: some print it when they debug."""
    return envelope.partition(_ROOT)[2].startswith("Request")


def _is_quoted(text: str, start: int, end: int) -> bool:
    """Whether it is a string of something else: that begins and ends with it, or escapes its quotation marks."""
    before, after = text[:start].rstrip(), text[end:].lstrip()
    if before.endswith("?>"):
        before = before[: max(before.rfind("<?"), 0)].rstrip()
    tag = text[start : text.find(">", start)]
    return (before.endswith(_QUOTES) and after.startswith(_QUOTES)) or re.search(r"=\s*\\", tag) is not None


def _is_json(text: str) -> bool:
    if not text.lstrip("\ufeff \t\r\n").startswith(("{", "[", '"')):
        return False
    try:
        json.loads(text.strip("\ufeff \t\r\n"))
    except (ValueError, RecursionError):
        return False
    return True


def _as_text(body: bytes) -> tuple[str, bool]:
    """*body* as text, and whether it holds the name of the envelope in encodings of different widths."""
    text, wide = decoded(body), _wide(body)
    if _ROOT in text or not wide:
        return text, bool(wide) and _ROOT.encode() in body
    return wide, False


def _wide(body: bytes) -> str:
    """
    *body* in the encoding of more than one byte a character in which it holds the name of the envelope, if it does.

    The name itself fits either byte order; all of the markup does the right one.
    """
    texts = []
    for encoding, width in _WIDE:
        at = body.find(_ROOT.encode(encoding))
        if at >= 0:
            texts.append(body[at % width :].decode(encoding, errors="replace").replace("\0", "\ufffd"))
    return max(texts, key=lambda text: text.count("<") + text.count(">"), default="")

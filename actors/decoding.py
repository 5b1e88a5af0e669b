"""
From the bytes of an answer to its text. Pure.

The bytes are believed, not what is said of them: web servers compress what was to stay as it is, name the wrong
compression, and applications declare encodings that they do not write.
"""

import re
import zlib

#: Codings within codings that are taken off: a web server and its proxy.
_LAYERS = 2

_GZIP_MAGIC = b"\x1f\x8b\x08"
_KNOWN = frozenset({"gzip", "x-gzip", "deflate", "x-deflate"})

#: ``wbits`` of zlib: a gzip member, a zlib stream (which HTTP calls ``deflate``), and deflate without any wrapper.
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS

#: What text does not have, and compressed bytes almost always do.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")

#: Byte order marks, the longer ones first: that of UTF-16 begins one of UTF-32.
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)

#: Characters in which a declaration of the encoding is looked for, as XML and HTML have it at their beginning.
_HEAD = 1024
_DECLARED = re.compile(rb"""(?:encoding|charset)\s*=\s*["']?([A-Za-z0-9._:-]{2,30})""", re.IGNORECASE)
_IN_CONTENT_TYPE = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:-]{2,30})""", re.IGNORECASE)


def decompressed(body: bytes, content_encoding: str, limit: int) -> tuple[bytes, bool]:
    """
    *body* without its content codings, and whether that is all of it.

    A body that is not compressed in any way that is known stays as it is. Never makes more than *limit* bytes, whatever
    the body would grow to.

    Spec: RFC 9110, 8.4 Content-Encoding.
    """
    named = {name.strip().lower() for name in content_encoding.split(",")} & _KNOWN
    for _ in range(_LAYERS):
        inflated = _inflated(body, limit, declared=bool(named))
        if inflated is None:
            break
        body, whole = inflated
        if not whole:
            return body, False
    return body, True


def _inflated(body: bytes, limit: int, *, declared: bool) -> tuple[bytes, bool] | None:
    """*body* one coding less, and whether that is all of it; None if it has none."""
    # An application may have printed something before its output was compressed.
    at = body.find(_GZIP_MAGIC, 0, _HEAD if declared else len(_GZIP_MAGIC))
    if at >= 0:
        found = _decompress(body[at:], _GZIP, limit - at)
        return found and (body[:at] + found[0], found[1])
    # Almost any bytes begin a deflate stream.
    if not declared or _is_text(body):
        return None
    for wbits in (_ZLIB, _RAW):
        found = _decompress(body, wbits, limit)
        # One that neither ends nor reaches the limit was none.
        if found is not None and (found[1] or len(found[0]) == limit):
            return found
    return None


def _decompress(body: bytes, wbits: int, limit: int) -> tuple[bytes, bool] | None:
    decoder = zlib.decompressobj(wbits)
    try:
        # One byte more shows that there is more.
        start = decoder.decompress(body, limit + 1)
    except zlib.error:
        return None
    if wbits == _RAW and decoder.unused_data.strip():
        # Without a checksum, what ends before the body does only looked like it.
        return None
    return start[:limit], decoder.eof and len(start) <= limit


def _is_text(body: bytes) -> bool:
    try:
        return not _CONTROL.search(body.decode())
    except UnicodeDecodeError:
        return False


def decoded(body: bytes, content_type: str = "") -> str:
    """
    *body* as text: by its byte order mark, as UTF-8 if it is that, else as it is declared, else as Windows-1252.

    A character that cannot be read, and NUL, is U+FFFD. *content_type*: of the answer.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return _text(body[len(mark) :], encoding)
    try:
        return _without_nul(body.decode())
    except UnicodeDecodeError:
        return _text(body, _declared(body, content_type))


def _declared(body: bytes, content_type: str) -> str:
    in_header = _IN_CONTENT_TYPE.search(content_type)
    in_body = _DECLARED.search(body[:_HEAD])
    for name in (in_header and in_header[1], in_body and in_body[1].decode("ascii")):
        # An encoding of two bytes a character that gave no mark is a wrong declaration.
        if name and not name.lower().startswith(("utf", "ucs", "iso-10646")):
            try:
                "".encode(name)
            except (LookupError, UnicodeError):
                continue
            return name
    return "utf-8" if _is_mostly_utf8(body) else "cp1252"


def _is_mostly_utf8(body: bytes) -> bool:
    """One cut or broken character does not make it another encoding."""
    return body.decode(errors="replace").count("\ufffd") * 2 < sum(byte >= 0x80 for byte in body)


def _text(body: bytes, encoding: str) -> str:
    try:
        return _without_nul(body.decode(encoding, errors="replace"))
    except (LookupError, UnicodeError, ValueError):
        # Some of Python's codecs are no encodings of text.
        return _without_nul(body.decode(errors="replace"))


def _without_nul(text: str) -> str:
    return text.replace("\0", "\ufffd")

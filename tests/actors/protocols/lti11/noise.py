"""What web applications and servers put around an envelope, and how something else quotes one."""

import gzip
import html
import json
import zlib
from collections.abc import Callable

from hypothesis import strategies as st

PHP_HTML = (
    "<br />\n<b>Notice</b>:  Undefined index: {} in <b>/var/www/html/mod/lti/service.php</b> on line <b>91</b><br />\n"
)
PHP_PLAIN = '\nWarning: Attempt to read property "{}" on bool in /srv/lms/lib.php on line 12\n'
REQUEST = (
    '<?xml version="1.0"?><imsx_POXEnvelopeRequest xmlns="urn:x"><imsx_POXBody><replaceResultRequest/>'
    "</imsx_POXBody></imsx_POXEnvelopeRequest>"
)

#: What no noise of ours looks like by chance: markup of an envelope.
_WORDS = st.text(st.characters(codec="utf-8", exclude_characters="<>&\"'`{}[]"), max_size=30)


def _before(piece: st.SearchStrategy[str]) -> st.SearchStrategy[Callable[[str], str]]:
    return piece.map(lambda text: lambda body: text + body)


def _after(piece: st.SearchStrategy[str]) -> st.SearchStrategy[Callable[[str], str]]:
    return piece.map(lambda text: lambda body: body + text)


_NOTICES = st.builds(str.format, st.sampled_from([PHP_HTML, PHP_PLAIN]), _WORDS)
_INVISIBLE = st.text(st.sampled_from("\ufeff\u200b\u2060\x00\r\n\t \x0b"), min_size=1, max_size=5)
_COMMENTS = st.builds("<!-- {} -->".format, _WORDS.map(lambda text: text.replace("-", "")))
_DEBUG = st.builds("array(2) {{ [0]=> string(3) {} ['a']=> int(1) }}\n".format, _WORDS)
_STACK = st.builds("#0 /srv/lms/lib.php(12): grade_update(Object(stdClass), {})\n#1 &#123;main&#125;".format, _WORDS)
_ECHO = st.just(REQUEST)
_TIMES = st.builds("<!-- page generated in {} s --><script>var t = '<a>';</script>".format, st.floats(0, 9))
_LOOSE = st.sampled_from(["1 < 2", "<br>", "</div>", "<p", "&nbsp;", "a & b", "imsx_codeMajor", "success", "<?php ?>"])

_PIECES = [_NOTICES, _INVISIBLE, _COMMENTS, _DEBUG, _STACK, _ECHO, _TIMES, _LOOSE, _WORDS]
_PAGES = [
    "<!DOCTYPE html><html><head><title>LMS</title><style>p > a { color: red }</style></head><body>%s</body></html>",
    "<html><body><pre>%s</pre></body></html>",
    "<soap:Envelope xmlns:soap='urn:s'><soap:Body>%s</soap:Body></soap:Envelope>",
]

#: Live markup around an envelope: none of it changes what that says.
text_noise: st.SearchStrategy[Callable[[str], str]] = st.one_of(
    *map(_before, _PIECES),
    *map(_after, _PIECES),
    st.sampled_from(_PAGES).map(lambda page: lambda body: page.replace("%s", body)),
    st.sampled_from(["utf-16", "iso-8859-1", "no-such", "us-ascii"]).map(
        lambda name: lambda body: body.replace('encoding="UTF-8"', f'encoding="{name}"')
    ),
)

#: Text to bytes, as a server may write it.
encodings: st.SearchStrategy[Callable[[str], bytes]] = st.sampled_from(
    [
        str.encode,
        lambda text: text.encode("utf-8-sig"),
        lambda text: b"\xef\xbb\xbf\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: b"PHP Notice\n" + text.encode("utf-16-le"),
        lambda text: text.encode("cp1252", "replace"),
        lambda text: text.encode() + b"\xff\xfe\x80",
        lambda text: b"\0\0" + text.encode() + b"\0" * 9,
    ]
)

#: Content codings as they are declared, and what the server did.
codings: st.SearchStrategy[tuple[str, Callable[[bytes], bytes]]] = st.sampled_from(
    [
        ("", bytes),
        ("identity", bytes),
        ("gzip", bytes),
        ("deflate", bytes),
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("", gzip.compress),
        ("deflate", gzip.compress),
        ("deflate", zlib.compress),
        ("gzip", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("gzip, gzip", lambda body: gzip.compress(gzip.compress(body))),
    ]
)

#: An envelope as something else quotes it, which is none.
quotings: st.SearchStrategy[Callable[[str], str]] = st.sampled_from(
    [
        "<!-- {} -->".format,
        "<!-- {}".format,
        "<log><![CDATA[{}]]></log>".format,
        "<script>var reply = `{}`;</script>".format,
        "<textarea>{}</textarea>".format,
        "<title>{}</title>".format,
        html.escape,
        lambda text: f"<pre>{html.escape(text)}</pre>",
        lambda text: f"<div data-reply='{text}'></div>",
        lambda text: f'string(512) "{text}"\n',
        lambda text: json.dumps({"error": "bad gateway", "upstream": text}),
        lambda text: json.dumps(["said", text]),
        lambda text: f"Response was {json.dumps(text)}",
        lambda text: text.replace("<", "\\u003c"),
        lambda text: text.replace("<", "%3C"),
        lambda text: text[: text.index("</imsx_POXEnvelopeResponse")],
        lambda text: text[text.index("<imsx_POXHeader") :],
    ]
)

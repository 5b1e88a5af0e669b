"""What a person reads in an answer that was not meant for passbackd. Pure."""

import re
from collections.abc import Iterator

from lxml import etree

from actors.decoding import decoded

#: Elements whose text a browser does not show.
_HIDDEN = frozenset({"script", "style", "title", "template", "svg", "iframe", "object", "datalist"})
#: Elements within a line.
_INLINE = frozenset({"a", "abbr", "b", "code", "em", "font", "i", "small", "span", "strong", "sub", "sup", "tt", "u"})
_HIDDEN_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)

#: Characters in which a page is known by its first tags.
_HEAD = 1024
_PAGE = re.compile(r"<!doctype\s+html|<(?:html|head|body|title|div|p|h1|br|b|pre)\b", re.IGNORECASE)

#: How :func:`readable` ends where it could not read anything.
NO_TEXT = "bytes that are no text"
#: Of a text, at most one in so many characters is a control character, or could not be read.
_READABLE = 10


def readable(body: bytes, content_type: str, limit: int) -> str:
    """
    *body* for people: of a page of HTML the title and the visible text, of anything else the text.

    Args:
        content_type: Of the answer.
        limit: In characters.
    """
    text = decoded(body, content_type).replace("\ufeff", "")
    if sum(character == "\ufffd" or (character < " " and not character.isspace()) for character in text) > (
        len(text) / _READABLE
    ):
        return f"{len(body)} {NO_TEXT}"
    if "html" in content_type.lower() or _PAGE.search(text, 0, _HEAD):
        text = _visible(text) or text
    return " ".join(text.split())[:limit]


def _visible(markup: str) -> str:
    """Title and visible text of a page; empty if it has none."""
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(markup.encode(), parser)
    except (etree.LxmlError, ValueError):
        return ""
    if root is None:
        return ""
    title = " ".join((root.findtext(".//title") or "").split())
    text = " ".join("".join(_pieces(root)).split())
    if not title or text.startswith(title):
        return text
    return f"{title}: {text}" if text else title


def _pieces(root: etree._Element) -> Iterator[str]:
    hidden = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        hides, gap = _is_hidden(element), "" if element.tag in _INLINE else " "
        if event == "start":
            hidden += hides
            yield gap + ("" if hidden else element.text or "")
        else:
            hidden -= hides
            yield gap + ("" if hidden else element.tail or "")


def _is_hidden(element: etree._Element) -> bool:
    return (
        element.tag in _HIDDEN
        or element.get("hidden") is not None
        or _HIDDEN_STYLE.search(element.get("style") or "") is not None
    )

"""What a person reads in an answer that is no envelope."""

import time

import pytest

from actors.web_page import readable

HTML = "text/html; charset=utf-8"

PAGE = (
    """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Moodle&colon; Error</title>
<style>@media screen { .page > .box { color: #c00; padding: 2em } } /* """
    + "x" * 5000
    + """ */</style>
<script>window.config = {"token": "<b>abc</b>"};</script></head>
<body class="page"><!-- secret remark --><nav hidden>Menu</nav><div style="display: none">Loading</div>
<h1>Database connection failed</h1><p>It is possible that the database is <b>over</b>loaded.</p>
<noscript>Please enable JavaScript</noscript><script>track()</script></body></html>"""
)


def test_of_a_page_title_and_visible_text_are_read():
    assert readable(PAGE.encode(), HTML, 500) == (
        "Moodle: Error: Database connection failed It is possible that the database is overloaded. "
        "Please enable JavaScript"
    )


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/xml", "application/octet-stream"])
def test_a_page_is_known_by_its_tags(content_type):
    assert readable(PAGE.encode(), content_type, 500).startswith("Moodle: Error: Database")


@pytest.mark.parametrize(
    ("markup", "read"),
    [
        ("<title>Busy</title><style>a{}</style>", "Busy"),
        (
            "<html><title>404 Not Found</title><body><h1>404 Not Found</h1><hr>nginx</body></html>",
            "404 Not Found nginx",
        ),
        ("<p>a&nbsp;&amp;&lt;b&gt; <p>c", "a &<b> c"),
        ("<br />\n<b>Fatal error</b>: out of memory", "Fatal error: out of memory"),
        ("<html><body><p>never closed", "never closed"),
        ("<svg><title>logo</title></svg><p>words</p>", "logo: words"),
        ("no markup at all", "no markup at all"),
        ("<script>only()</script>", "<script>only()</script>"),
        ("", ""),
    ],
)
def test_pages_of_all_kinds_are_read(markup, read):
    assert readable(markup.encode(), HTML, 500) == read


@pytest.mark.parametrize("text", ['{"error": "no such\\ntool"}', "a < b and b > c", "<error><code>7</code></error>"])
def test_what_is_no_page_is_read_as_it_is(text):
    assert readable(text.encode(), "", 500) == text


def test_a_page_is_read_in_the_encoding_that_it_has():
    page = "<html><head><meta charset='iso-8859-1'><title>Störung</title></head></html>"
    for encoding in ("utf-8", "latin-1", "utf-16", "utf-8-sig"):
        assert readable(page.encode(encoding), HTML, 500) == "Störung"


def test_what_is_no_text_is_only_counted():
    assert readable(bytes(range(256)), "text/html", 500) == "256 bytes that are no text"


def test_there_is_a_limit():
    assert readable(b"<p>" + b"word " * 1000, HTML, 20) == "word word word word "


@pytest.mark.parametrize("piece", ["<a>", "<!--", "<script>", "<p", "</", "&", "<b hidden>", "<title>", "<table>"])
def test_hostile_markup_takes_little_time(piece):
    began = time.process_time()
    readable((piece * 65_536)[:65_536].encode(), HTML, 500)
    assert time.process_time() - began < 5

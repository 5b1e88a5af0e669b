"""From the bytes of an answer to its text, whatever is said of them."""

import gzip
import tracemalloc
import zlib

import pytest

from actors.decoding import decoded, decompressed

LIMIT = 64 * 1024
TEXT = b"<?xml version='1.0'?><a>" + b"some words " * 20 + b"</a>"


def raw_deflate(body: bytes) -> bytes:
    return zlib.compress(body)[2:-4]


PACKED = {
    "gzip": gzip.compress(TEXT),
    "zlib": zlib.compress(TEXT),
    "zlib that only stores": zlib.compress(TEXT, 0),
    "raw deflate": raw_deflate(TEXT),
    "gzip with something after it": gzip.compress(TEXT) + b"\n",
}


@pytest.mark.parametrize("declared", ["gzip", "x-gzip", "GZIP", "deflate", " deflate ", "identity, gzip", "gzip, br"])
@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
def test_what_is_compressed_in_one_way_and_declared_in_another_is_decompressed(packed, declared):
    assert decompressed(packed, declared, LIMIT) == (TEXT, True)


@pytest.mark.parametrize("declared", ["", "identity", "utf-8", "br"])
def test_gzip_is_known_by_its_first_bytes(declared):
    assert decompressed(PACKED["gzip"], declared, LIMIT) == (TEXT, True)
    assert decompressed(PACKED["zlib"], declared, LIMIT) == (PACKED["zlib"], True)


@pytest.mark.parametrize("declared", ["gzip", "deflate", "br", ""])
@pytest.mark.parametrize("body", [TEXT, b"", b"x", b"\xef\xbb\xbf" + TEXT, "häufig <a/>".encode(), b"caf\xe9 <a/>"])
def test_what_is_declared_to_be_compressed_and_is_not_stays_as_it_is(body, declared):
    assert decompressed(body, declared, LIMIT) == (body, True)


def test_what_was_printed_before_compressed_output_stays_before_it():
    notice = b"<br />\nNotice: Undefined index\n"
    assert decompressed(notice + PACKED["gzip"], "gzip", LIMIT) == (notice + TEXT, True)


def test_compressed_output_that_was_compressed_once_more_is_decompressed_twice():
    assert decompressed(gzip.compress(PACKED["gzip"]), "gzip, gzip", LIMIT) == (TEXT, True)
    assert decompressed(gzip.compress(PACKED["gzip"]), "gzip", LIMIT) == (TEXT, True)


def test_compressed_output_that_was_cut_off_is_not_all():
    body, whole = decompressed(PACKED["gzip"][:-9], "gzip", LIMIT)
    assert not whole
    assert TEXT.startswith(body[:20])
    assert decompressed(PACKED["zlib"][:-9], "gzip", LIMIT) == (PACKED["zlib"][:-9], True)


def test_compressed_output_that_is_broken_stays_as_it_is():
    broken = PACKED["gzip"][:20] + b"\xff\xff\xff" + PACKED["gzip"][23:]
    assert decompressed(broken, "gzip", LIMIT) == (broken, True)


@pytest.mark.parametrize(
    "packed", [gzip.compress, zlib.compress, raw_deflate, lambda body: gzip.compress(gzip.compress(body))]
)
def test_a_bomb_costs_no_more_than_the_limit(packed):
    bomb = packed(bytes(50_000_000))
    tracemalloc.start()
    try:
        assert decompressed(bomb, "deflate", LIMIT) == (bytes(LIMIT), False)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * LIMIT


def test_exactly_as_much_as_the_limit_is_all():
    assert decompressed(gzip.compress(b"x" * LIMIT), "gzip", LIMIT) == (b"x" * LIMIT, True)
    assert decompressed(gzip.compress(b"x" * (LIMIT + 1)), "gzip", LIMIT) == (b"x" * LIMIT, False)


# --- Text ---


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("zurück".encode(), ""),
        ("zurück".encode(), "text/html; charset=iso-8859-1"),
        ("<?xml version='1.0' encoding='utf-16'?>zurück".encode(), ""),
        ("zurück".encode("utf-8-sig"), ""),
        ("zurück".encode("utf-16"), "text/xml; charset=utf-8"),
        (b"\xff\xfe" + "zurück".encode("utf-16-le"), ""),
        (b"\xfe\xff" + "zurück".encode("utf-16-be"), ""),
        ("zurück".encode("utf-32"), ""),
        ("zurück".encode("latin-1"), ""),
        ("zurück".encode("latin-1"), "text/html; charset=UTF-8"),
        ("zurück".encode("latin-1"), "text/html; charset=no-such"),
        ("zurück".encode("latin-1"), "text/html; charset=hex"),
        ("zurück".encode("iso-8859-15"), 'text/html; charset="ISO-8859-15"'),
        (b"<meta charset=latin1>" + "zurück".encode("latin-1"), ""),
        ("zurück ".encode() * 3 + b"\xc3", ""),
    ],
)
def test_text_is_read_in_the_encoding_that_it_has(body, content_type):
    assert "zurück" in decoded(body, content_type)


def test_text_in_an_encoding_that_is_declared_and_no_other_is_read():
    assert decoded("Опять".encode("koi8-r"), "text/plain; charset=koi8-r") == "Опять"


def test_what_is_no_text_is_read_without_nul():
    assert decoded(b"a\0b") == "a\ufffdb"
    assert "\0" not in decoded(bytes(range(256)))

"""JSON is read exactly, and never without bounds."""

import json
from decimal import Decimal
from math import isnan

import pytest

from actors.protocols.json_text import DEPTH_LIMIT, NoJsonError, read_json
from actors.response import Response


def read(body: bytes, content_type: str = "application/json", **kwargs):
    return read_json(Response(200, {"Content-Type": content_type}, body, 0.1, **kwargs))


@pytest.mark.parametrize("number", ["0.1", "0.1000000000000000055511151231257827", "-0", "1e400", "9" * 4000])
def test_a_number_is_exact(number):
    assert read(f'{{"a": {number}}}'.encode()) == {"a": Decimal(number)}


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e99999999999999999999", "-1e99999999999999999999"]
)
def test_what_is_no_number_is_none(number):
    assert isnan(read(f"[{number}]".encode())[0])


@pytest.mark.parametrize(
    "body",
    ['{"a": "ä"}'.encode(), b"\xef\xbb\xbf" + '{"a": "ä"}'.encode(), '{"a": "ä"}'.encode("utf-16"),
     b'\r\n {"a": "\\u00e4"}\n'],
)  # fmt: skip
def test_text_is_read_however_it_is_encoded(body):
    assert read(body) == {"a": "ä"}


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_what_is_nested_too_deeply_is_not_read(opening):
    closing = {"[": "]", '{"a":': "}"}[opening]
    assert read((opening * DEPTH_LIMIT + "1" + closing * DEPTH_LIMIT).encode())
    for depth in (DEPTH_LIMIT + 1, 12_000):
        with pytest.raises(NoJsonError, match="nested too deeply"):
            read((opening * depth + "1" + closing * depth).encode())
        with pytest.raises(NoJsonError, match="nested too deeply"):
            read((opening * depth).encode())


@pytest.mark.parametrize("text", ["[" * 500, '\\"' * 500 + "[" * 500, "{[" * 99 + "\\"])
def test_brackets_in_a_text_are_no_nesting(text):
    assert read(json.dumps([text]).encode()) == [text]


def test_many_values_beside_each_other_are_no_nesting():
    assert read(json.dumps([[{}]] * 5000).encode()) == [[{}]] * 5000


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{", b"{'a': 1}", b"[1,]", b"\xff", b"nan", b"[1] [2]", b'"\n"', b"\0"]
)
def test_what_is_no_json_says_so(body):
    with pytest.raises(NoJsonError, match="no JSON"):
        read(body)


@pytest.mark.parametrize("end", ["", "\\"])
def test_a_text_that_is_not_closed_is_looked_through_once(end):
    with pytest.raises(NoJsonError, match="no JSON"):
        # A second look at each escaped quotation mark would take an hour.
        read(("[" + "[]," * DEPTH_LIMIT + '"' + '\\"' * 500_000 + end).encode()[: 1024 * 1024])


def test_what_was_cut_off_says_so():
    with pytest.raises(NoJsonError, match="too long"):
        read(b"[]", truncated=True)

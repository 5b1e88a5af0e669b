"""POX XML, written and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from actors.protocols.lti11.basic_outcome import (
    DESCRIPTION_LIMIT,
    NAMESPACE,
    REPLY_LIMIT,
    Reply,
    read_reply,
    replace_result,
)

REPLY = """\
<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeResponse xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0">
<imsx_POXHeader><imsx_POXResponseHeaderInfo><imsx_version>V1.0</imsx_version>
<imsx_statusInfo><imsx_codeMajor>{code}</imsx_codeMajor><imsx_severity>status</imsx_severity>
<imsx_description>{description}</imsx_description></imsx_statusInfo></imsx_POXResponseHeaderInfo></imsx_POXHeader>
<imsx_POXBody><replaceResultResponse/></imsx_POXBody></imsx_POXEnvelopeResponse>"""

NOTHING = Reply(code_major=None, description="", is_pox=False)


def reply(code: str = "success", description: str = "") -> bytes:
    return REPLY.format(code=code, description=description).encode()


@pytest.mark.parametrize("character", ["\0", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff", "\ud800"])
def test_a_character_that_xml_cannot_carry_is_refused(character):
    with pytest.raises(ValueError, match=f"sourcedid has a character .* U\\+{ord(character):04X}"):
        replace_result(f"a{character}b", "1", message_id="m")


@given(st.text())
def test_any_sourcedid_is_either_kept_or_refused(sourced_id):
    try:
        document = replace_result(sourced_id, "1", message_id="m")
    except ValueError:
        return
    assert (etree.fromstring(document).findtext(f".//{{{NAMESPACE}}}sourcedId") or "") == sourced_id


@pytest.mark.parametrize("code", ["success", "failure", "unsupported", "processing"])
def test_a_code_and_its_description_are_read(code):
    assert read_reply(reply(code, "in words")) == Reply(code, "in words", is_pox=True)


CANVAS_CODE = "<ext_canvas_error_code>User_Not_In_Course</ext_canvas_error_code>"


def canvas_reply(extension: str = CANVAS_CODE, description: str = "") -> bytes:
    return reply("failure", description).replace(b"</imsx_statusInfo>", f"{extension}</imsx_statusInfo>".encode())


@pytest.mark.parametrize(
    "body",
    [
        canvas_reply(),
        canvas_reply().replace(NAMESPACE.encode(), b"urn:something-else"),
        canvas_reply(CANVAS_CODE.replace("ext_", "canvas:ext_")),
        canvas_reply(CANVAS_CODE.replace("code>", 'code xmlns="urn:canvas">', 1)),
        canvas_reply(description="an unescaped & sourcedid <1"),
    ],
)
def test_canvass_error_code_is_read_however_it_is_dressed(body):
    assert (read_reply(body).error_code, read_reply(body).is_canvas) == ("user_not_in_course", True)


@pytest.mark.parametrize(
    "body",
    [
        canvas_reply("<ext_canvas_error_code/>"),
        canvas_reply(CANVAS_CODE + CANVAS_CODE),
        canvas_reply("<ext_canvas_error_code><b>user_not_in_course</b></ext_canvas_error_code>"),
        canvas_reply(f"<ext_canvas_error_code>{'x' * 100}</ext_canvas_error_code>"),
        canvas_reply("<ext_canvas_something_else>user_not_in_course</ext_canvas_something_else>"),
        # The parser has to guess, and the name occurs twice.
        canvas_reply(description="& ext_canvas_error_code"),
    ],
)
def test_an_error_code_of_canvas_that_cannot_be_read_exactly_once_is_none(body):
    got = read_reply(body)
    assert (got.code_major, got.error_code, got.is_canvas) == ("failure", None, True)


@pytest.mark.parametrize(
    "body",
    [
        reply("Success"),
        reply(" \n success \n"),
        b"\n \n" + reply(),
        b"\xef\xbb\xbf" + reply(),
        reply().replace(NAMESPACE.encode(), b"urn:something-else"),
        reply().replace(f' xmlns="{NAMESPACE}"'.encode(), b""),
        reply().replace(b"imsx_POXEnvelopeResponse", b"ims:imsx_POXEnvelopeResponse").replace(b"xmlns=", b"xmlns:ims="),
        reply().replace(b"imsx_codeMajor>", b"undeclared:imsx_codeMajor>"),
        reply().decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        reply("<![CDATA[success]]>"),
        reply().replace(b"<imsx_codeMajor>", b"<imsx_codeMajor\n  lang='en' >"),
        reply().replace(b"imsx_", b"lti:imsx_").replace(b"xmlns=", b"xmlns:lti="),
    ],
)
def test_a_success_is_read_however_it_is_dressed(body):
    assert read_reply(body).code_major == "success"


@pytest.mark.parametrize(
    "body",
    [
        reply("failure", "The operation was not a success"),
        reply("failure").replace(b"?>", b"?><!-- <imsx_codeMajor>success</imsx_codeMajor> -->", 1),
        reply("failure", "&lt;imsx_codeMajor&gt;success&lt;/imsx_codeMajor&gt;"),
        reply("failure").replace(b"<imsx_severity>", b"<x:codeMajor>success</x:codeMajor><imsx_severity>"),
    ],
    ids=["in words", "in a comment", "escaped", "in another element"],
)
def test_a_failure_that_speaks_of_success_is_a_failure(body):
    assert read_reply(body).code_major == "failure"


@pytest.mark.parametrize(
    "echo",
    ["course<1&user=2", '{"a":"<b>"}', "a & b", "<never-closed", "1 < 2", "</oddly>", "&unknown;", "\x01"],
)
def test_a_success_that_echoes_an_unescaped_sourcedid_is_still_one(echo):
    body = reply().replace(b"<replaceResultResponse/>", f"<sourcedId>{echo}</sourcedId>".encode())
    assert read_reply(body).code_major == "success"
    assert read_reply(reply("success", echo)).code_major == "success"


@pytest.mark.parametrize(
    "body",
    [
        reply().replace(b"<imsx_POXBody>", b"<imsx_codeMajor>failure</imsx_codeMajor><imsx_POXBody>"),
        reply().replace(b"<imsx_POXBody>", b"<imsx_codeMajor>success</imsx_codeMajor><imsx_POXBody>"),
        reply() + reply("failure"),
        reply()[: reply().index(b"<imsx_severity>")],
        reply()[: reply().index(b"</imsx_POXBody>")],
        reply()[:-1],
        reply("").replace(b"</imsx_description>", b"success</imsx_description>"),
        reply("<!-- success -->"),
        reply("<b>success</b>"),
        reply("suc<b/>cess"),
        reply("x" * 100),
        *map(reply, ["s\tsuccess", "suc cess", "success\u200b", "success!", "\u017fuccess"]),
        reply().replace(b"imsx_codeMajor", b"imsx_codeMinor"),
        b"<!-- " + reply()[39:] + b" --><imsx_POXEnvelopeResponse/>",
        b'<!DOCTYPE imsx_POXEnvelopeResponse [<!ENTITY ok "success">]>' + reply("&ok;")[39:],
        b"<!DOCTYPE imsx_POXEnvelopeResponse>" + reply()[39:],
    ],
)
def test_a_code_that_cannot_be_read_exactly_once_is_none(body):
    got = read_reply(body)
    assert got.is_pox
    assert got.code_major is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"success",
        b"<html><body>success</body></html>",
        b"<!DOCTYPE html><html><p>success<br></html>",
        b"<html><imsx_codeMajor>success</imsx_codeMajor></html>",
        b'{"imsx_codeMajor": "success"}',
        b"\0\xff\xfe",
        b"<?xml version='1.0' encoding='no-such'?><a/>",
        reply() + b" " * REPLY_LIMIT,
    ],
)
def test_what_is_no_envelope_says_nothing(body):
    assert read_reply(body) == NOTHING


def test_an_envelope_that_nests_too_deeply_says_nothing():
    for depth in (100, 5000):
        deep = b"<a>" * depth + b"</a>" * depth
        assert read_reply(reply().replace(b"<replaceResultResponse/>", deep)).code_major is None


def test_entities_are_never_expanded():
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    assert read_reply(bomb + reply("success", "&b;&c;")[39:]) == Reply(None, "&b;&c;", is_pox=True)


def test_a_description_is_bounded_and_loses_canvas_error_numbers():
    assert read_reply(reply("failure", "w" * 900)).description == "w" * DESCRIPTION_LIMIT
    words = "User is no longer in course [EID_1a2b-3c]"
    assert read_reply(reply("failure", words)).description == "User is no longer in course"


def test_a_description_is_read_with_its_inner_markup_on_one_line():
    assert read_reply(reply("failure", "a <b>bold</b>\n  word")).description == "a bold word"


def held(inner: str) -> bytes:
    body = f"<readResultResponse>{inner}</readResultResponse>"
    return reply("success", "read").replace(b"<replaceResultResponse/>", body.encode())


def textual(text: str) -> str:
    return f"<result><resultScore><language>en</language><textString>{text}</textString></resultScore></result>"


@pytest.mark.parametrize(
    ("inner", "score"),
    [
        (textual("0.83"), "0.83"),
        (textual("\n 0.83 "), "0.83"),
        (textual(""), ""),
        (textual("  "), ""),
        ("", ""),
        ("<result/>", ""),
        (textual("0.1") + textual("0.2"), None),
        (textual("<b>0.1</b>"), None),
        (textual("0" * 41), None),
    ],
)
def test_the_score_that_a_campus_holds_is_read_and_an_absent_one_differs_from_an_unreadable_one(inner, score):
    assert read_reply(held(inner)).score == score


def test_a_score_in_a_document_that_is_not_well_formed_is_believed_only_where_it_occurs_once():
    assert read_reply(held("<user>a & b</user>" + textual("0.5"))).score == "0.5"
    assert read_reply(held("<user>a & b</user>" + textual(""))).score is None
    assert read_reply(held("<user>a & b</user>" + textual("0.5") + textual(""))).score is None
    assert read_reply(held(textual("0.5"))[:-10]).score is None, "it was cut off"


def test_a_success_that_is_no_answer_to_a_reading_is_no_empty_grade():
    assert read_reply(reply("success", "replaced")).score is None

"""What never shows in the words of a campus that are kept."""

import pytest

from actors.redact import redact


@pytest.mark.parametrize(
    "echo",
    ["id::a&b<c>\"d'", "id::a&amp;b&lt;c&gt;\"d'", "id::a&amp;b&lt;c&gt;&quot;d&#x27;", "id%3A%3Aa%26b%3Cc%3E%22d%27"],
)
def test_a_sourcedid_is_struck_out_however_it_is_escaped(echo):
    assert redact(f"no such id {echo}!", ["id::a&b<c>\"d'"]) == "no such id […]!"


def test_a_short_sourcedid_is_struck_out_only_as_a_word_of_its_own():
    assert redact("user 1 of 11: HTTP 401", ["1"]) == "user […] of 11: HTTP 401"


def test_a_signature_is_struck_out():
    said = 'bad header oauth_signature_method="HMAC-SHA1", oauth_signature="abc%2Bd%3D", oauth_signature=x+/y= end'
    cleaned = redact(said)
    assert "abc" not in cleaned
    assert "x+/y" not in cleaned
    assert "HMAC-SHA1" in cleaned
    assert cleaned.endswith("end")


def test_control_characters_cannot_reach_a_terminal():
    assert redact("a\x1b[31mred\x00\u202eb\r\nc") == "a [31mred b c"

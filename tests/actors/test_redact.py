"""What never shows in the words of a campus that are kept, and what is not removed with it."""

import base64
import hashlib
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from actors.redact import REASON_LIMIT, redact

MOODLE = '{"data":{"instanceid":"2","userid":"4"},"hash":"6f1d/é\'"}'
SIGNATURE = base64.b64encode(hashlib.sha1(b"request").digest()).decode()


@pytest.mark.parametrize(
    "echo",
    ["id::a&b<c>\"d'", "id::a&amp;b&lt;c&gt;\"d'", "id::a&amp;b&lt;c&gt;&quot;d&#x27;", "id%3A%3Aa%26b%3Cc%3E%22d%27"],
)
def test_a_sourcedid_is_struck_out_however_it_is_escaped(echo):
    assert redact(f"no such id {echo}!", ["id::a&b<c>\"d'"]) == "no such id […]!"


@pytest.mark.parametrize(
    "echo",
    [
        MOODLE,
        html.escape(MOODLE),
        html.escape(MOODLE).replace("&#x27;", "&#039;"),
        json.dumps(MOODLE)[1:-1],
        json.dumps(MOODLE, ensure_ascii=False)[1:-1],
        json.dumps(MOODLE)[1:-1].replace("/", "\\/"),
        MOODLE.replace('"', '\\"').replace("'", "\\'"),
        quote(MOODLE),
        quote(MOODLE, safe=""),
        re.sub("%..", lambda match: match[0].lower(), quote(MOODLE, safe="")),
        quote_plus(MOODLE),
        quote(quote(MOODLE, safe=""), safe=""),
    ],
)
def test_a_sourcedid_that_is_json_is_struck_out_however_it_is_escaped(echo):
    assert redact(f"no such id ({echo}).", [MOODLE]) == "no such id ([…])."


def test_a_sourcedid_with_blanks_is_struck_out_where_they_were_joined():
    assert redact("no a long id", ["a  long\nid"]) == "no […]"


def test_a_short_sourcedid_is_struck_out_only_as_a_word_of_its_own():
    assert redact("user 1 of 11: HTTP 401", ["1"]) == "user […] of 11: HTTP 401"


@pytest.mark.parametrize(
    ("secret", "words", "left"),
    [
        ("1", "Score not between 0.0 and 1.0", "Score not between 0.0 and 1.0"),
        ("2", "closed on 2026-03-02 at 12:02 for user 2.", "closed on 2026-03-02 at 12:02 for user […]."),
        ("17", "user:17, group=17; 17.", "user:[…], group=[…]; […]."),
        ("2026", "ended 2026-03-02", "ended 2026-03-02"),
        ("cour", "no such course for cour", "no such course for […]"),
        ("grade", "grades_grade: regrade", "grades_[…]: regrade"),
        ("assignment", "no assignments in assignment", "no assignments in […]"),
        ("s3cret", "key s3cret_x s3crets", "key […]_x s3crets"),
        ("assignment-17", "No such assignment", "No such assignment"),
        ("", "nothing", "nothing"),
    ],
)
def test_hiding_a_secret_leaves_ordinary_words_and_numbers(secret, words, left):
    assert redact(words, [secret]) == left


def test_a_longer_secret_is_struck_out_although_a_shorter_one_is_part_of_it():
    assert redact("no 4711:course:99", ["4711", "4711:course:99", "course"]) == "no […]"


def test_what_is_left_of_a_secret_where_the_message_was_cut_is_struck_out():
    secret = "0123456789" * 10
    cut = f"{'w' * (REASON_LIMIT - 20)} {secret}"[:REASON_LIMIT]
    assert redact(cut, [secret]) == f"{'w' * (REASON_LIMIT - 20)} […]"


# --- Signatures ---


def test_a_signature_is_struck_out():
    said = 'bad header oauth_signature_method="HMAC-SHA1", oauth_signature="abc%2Bd%3D", oauth_signature=x+/y= end'
    cleaned = redact(said)
    assert "abc" not in cleaned
    assert "x+/y" not in cleaned
    assert "HMAC-SHA1" in cleaned
    assert cleaned.endswith("end")


@pytest.mark.parametrize(
    "template",
    [
        "oauth_signature={}",
        'oauth_signature="{}"',
        "oauth_signature: {}",
        "[oauth_signature] => {}",
        'oauth_signature\\":\\"{}',
        "oauth_signature=&quot;{}&quot;",
        "oauth_signature%3D{}",
        "oauth_signature {}",
        "expected {} got something else",
        "computed signature '{}'",
    ],
)
@pytest.mark.parametrize("written", [str, lambda text: quote(text, safe=""), html.escape])
def test_a_digest_is_struck_out_wherever_it_is(template, written):
    cleaned = redact(template.format(written(SIGNATURE)))
    assert SIGNATURE[:10] not in cleaned
    assert "[…]" in cleaned


@pytest.mark.parametrize(
    "words",
    [
        "oauth_signature verification failed",
        "OAuth verification failed: oauth_signature verification failed",
        "oauth_signature failed",
        "oauth_signature: failed",
        "oauth_signature is invalid",
        "oauth_signature, oauth_nonce and oauth_timestamp are required",
        "oauth_signature missing. See https://lms.example.edu/help",
        "'oauth_signature' was not sent",
        "oauth_signature_method is not HMAC-SHA1",
        "oauth_signature (verification failed)",
        "Your signature is invalid",
    ],
)
def test_words_about_a_signature_stay_whole(words):
    assert redact(words) == words


JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":"RS256"}', b'{"iss":"1"}', b"s")
)


@pytest.mark.parametrize("name", ["access_token", "client_assertion"])
@pytest.mark.parametrize("template", ['{{"{}": "{}", "expires_in": 3600', "{}={}", "{}%3D{}", "{} {} is unknown"])
def test_a_token_or_an_assertion_is_struck_out_by_its_name(template, name):
    cleaned = redact(template.format(name, "Zm9v-YmFy_bm8x0aB3dE5f"))
    assert "Zm9v" not in cleaned
    assert name in cleaned


@pytest.mark.parametrize("template", ["{}", "cannot verify {}!", "client_assertion={}&scope=x", "Bearer {}"])
@pytest.mark.parametrize("length", [None, 40, 30])
def test_a_json_web_token_is_struck_out_also_where_it_was_cut_off(template, length):
    assert not re.search("eyJ|cnMi", redact(template.format(JWT[:length])))


def test_a_token_in_a_header_is_struck_out_and_what_is_around_it_stays():
    assert redact("Authorization: Bearer Zm9v.YmFy~bm8x0/+a== is too old") == "Authorization: Bearer […] is too old"


@pytest.mark.parametrize(
    "words",
    [
        "access_token is missing",
        "access_token: expired. Get another one",
        "client_assertion_type is not urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion verification failed",
        "Bearer authentication is required",
        "a bearer token was expected, and eyJ is none",
    ],
)
def test_words_about_tokens_stay_whole(words):
    assert redact(words) == words


def test_control_characters_cannot_reach_a_terminal():
    assert redact("a\x1b[31mred\x00\u202eb\r\nc") == "a [31mred b c"


def test_half_a_character_is_no_trouble():
    assert redact("no id \ud83d here", ["\ud83d", "an id with \ud83d in it"]) == "no id […] here"

"""What is sent over LTI 1.3, and to whom."""

from dataclasses import replace

import pytest

from actors.errors import GiveUp
from actors.protocols.interface import CLEARED, RequestId, Target, WireScore
from actors.protocols.lti13.protocol import Lti13

LINE_ITEM = "https://campus.example/mod/lti/services.php/2/lineitems/3/lineitem?type_id=1"
TARGET = Target(LINE_ITEM, "the-client", "the-token", "urn:user/7")
REQUEST = RequestId(1_795_342_530, "the-nonce", "the-message-id")
SCORE = WireScore("0.5", stamp=1_795_342_530, submitted_at=1_795_342_530_000, new_submission=True)
LTI13 = Lti13()


@pytest.mark.parametrize("text", ["0.5", CLEARED])
def test_a_score_goes_to_the_scores_of_its_line_item(text):
    wire = LTI13.write_score(TARGET, replace(SCORE, text=text), REQUEST)
    assert wire.method == "POST"
    assert wire.url == "https://campus.example/mod/lti/services.php/2/lineitems/3/lineitem/scores?type_id=1"
    assert wire.headers == {
        "Authorization": "Bearer the-token",
        "Content-Type": "application/vnd.ims.lis.v1.score+json",
    }
    assert wire.fallback == {}, "a score is never sent twice"


@pytest.mark.parametrize(
    "product", [None, "default", "moodle", "openedx", "aplus", "sakai", "d2l", "blackboard", "canvas", "unheard of"]
)
def test_only_canvas_gets_submissions(product):
    body = LTI13.write_score(replace(TARGET, product=product), SCORE, REQUEST).body
    assert (b"submission" in body) == (product == "canvas")


def test_a_repeat_is_the_same_byte_for_byte():
    later = RequestId(1_795_349_999, "another-nonce", "another-id")
    assert LTI13.write_score(TARGET, SCORE, REQUEST) == LTI13.write_score(TARGET, SCORE, later)


def test_a_learners_result_is_read_with_the_type_that_moodle_wants():
    wire = LTI13.write_read(TARGET, REQUEST)
    assert (wire.method, wire.body) == ("GET", b"")
    assert wire.url == (
        "https://campus.example/mod/lti/services.php/2/lineitems/3/lineitem/results?type_id=1&user_id=urn%3Auser%2F7"
    )
    assert wire.headers == {
        "Authorization": "Bearer the-token",
        "Accept": "application/vnd.ims.lis.v2.resultcontainer+json",
    }
    assert wire.fallback == {"Accept": "*/*"}


def test_a_further_page_is_read_as_it_was_named():
    more = "https://campus.example/next?page=2"
    assert LTI13.write_read(TARGET, REQUEST, more=more).url == more


@pytest.mark.parametrize("more", ["https://other.example/next", "http://campus.example/", "/next", ""])
def test_no_token_goes_to_another_server(more):
    with pytest.raises(GiveUp) as caught:
        LTI13.write_read(TARGET, REQUEST, more=more)
    assert (caught.value.scope, caught.value.bytes_left) == ("campus", False)


def test_where_there_are_no_results_none_are_asked_for():
    with pytest.raises(GiveUp) as caught:
        LTI13.write_read(replace(TARGET, product="aplus"), REQUEST)
    assert (caught.value.scope, caught.value.bytes_left) == ("campus", False)


@pytest.mark.parametrize("url", ["", "/lineitem", "https://c.example/a b", "https://user@c.example/1"])
def test_an_address_that_cannot_be_used_is_the_campuss_fault(url):
    target = replace(TARGET, url=url)
    for write in (lambda: LTI13.write_score(target, SCORE, REQUEST), lambda: LTI13.write_read(target, REQUEST)):
        with pytest.raises(GiveUp) as caught:
            write()
        assert (caught.value.scope, caught.value.bytes_left) == ("campus", False)


@pytest.mark.parametrize("score", [replace(SCORE, text="NaN"), replace(SCORE, stamp=10**15)])
def test_a_score_that_cannot_be_written_is_one_learners(score):
    with pytest.raises(GiveUp) as caught:
        LTI13.write_score(TARGET, score, REQUEST)
    assert (caught.value.scope, caught.value.bytes_left) == ("learner", False)

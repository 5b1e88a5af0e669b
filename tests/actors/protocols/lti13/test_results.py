"""What a platform holds for one learner is read from pages of results."""

import json

import pytest

from actors.protocols.interface import Held
from actors.protocols.lti13.results import latest_time, read_results
from actors.response import Response

ASKED = "https://campus.example/items/3"
SINCE = 1_795_342_531_000


def held(value, user_id="7", headers=None, status=200) -> Held:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return read_results(Response(status, headers or {}, body, 0.1), user_id=user_id, asked=ASKED)


def row(user_id="7", **members):
    return {"id": f"{ASKED}/results/1", "userId": user_id, "scoreOf": ASKED, **members}


@pytest.mark.parametrize(
    ("members", "score"),
    [
        ({"resultScore": 0.83, "resultMaximum": 1}, "0.83"),
        ({"resultScore": 0.83}, "0.83"),
        ({"resultScore": 0.83, "resultMaximum": None}, "0.83"),
        ({"resultScore": 85.5, "resultMaximum": 100}, "0.855"),
        ({"resultScore": 85.5, "resultMaximum": 100.0}, "0.855"),
        ({"resultScore": 1, "resultMaximum": 3}, "0.333333333333333333333333333333"),
        ({"resultScore": 0, "resultMaximum": 10}, "0"),
        ({"resultScore": 0.0}, "0"),
        ({"resultScore": 10, "resultMaximum": 10}, "1"),
        ({"resultScore": 12, "resultMaximum": 10}, "1.2"),
        ({"resultScore": 100, "resultMaximum": 1}, "100"),
        ({"resultScore": -1, "resultMaximum": 4}, "-0.25"),
        ({"resultScore": None, "resultMaximum": 10}, ""),
        ({}, ""),
    ],
)
def test_a_score_is_what_of_its_maximum_was_reached(members, score):
    assert held([row(**members)]).score == score


@pytest.mark.parametrize("number", ["0.1000000000000000055", "1e-3", "1E0"])
def test_a_score_is_read_exactly(number):
    assert float(held(f'[{{"userId": "7", "resultScore": {number}}}]'.encode()).score) == float(number)


@pytest.mark.parametrize(
    "members",
    [
        '"resultScore": 1e999999999999999999999',
        '"resultScore": 1e999',
        '"resultScore": NaN, "resultMaximum": NaN',
        '"resultScore": 1, "resultMaximum": Infinity',
        f'"resultScore": {"9" * 5000}',
        f'"resultScore": 0.{"0" * 5000}1',
        '"resultScore": "0.5"',
        '"resultScore": true',
        '"resultScore": [1]',
        '"resultScore": {}',
        '"resultScore": 1, "resultMaximum": 0',
        '"resultScore": 1, "resultMaximum": -1',
        '"resultScore": 1, "resultMaximum": "10"',
        '"resultScore": 1, "resultMaximum": true',
        '"resultScore": 1, "resultMaximum": 1e-99',
    ],
)
def test_hostile_numbers_are_no_score(members):
    body = f'[{{"userId": "7", {members}}}]'.encode()
    with pytest.raises(ValueError, match="its answer holds no readable score"):
        held(body)


def test_of_all_learners_the_one_that_was_asked_for_is_read():
    rows = [row("8", resultScore=0.1), row("77", resultScore=0.2), row("7", resultScore=0.3), row("", resultScore=0.4)]
    assert held(rows).score == "0.3"
    assert held(rows[:2]) == Held("")
    assert held([]) == Held("")


@pytest.mark.parametrize(
    ("written", "user_id"),
    [(7, "7"), (7.0, "7.0"), ("ä/7", "ä/7"), (10**19 + 1, str(10**19 + 1))],
)
def test_a_user_id_is_ours_as_text_or_number(written, user_id):
    assert held([row(written, resultScore=1)], user_id).score == "1"


@pytest.mark.parametrize("user_id", [None, True, ["7"], {"7": 7}, "07", "7 "])
def test_a_user_id_of_another_shape_is_nobodys(user_id):
    assert held([row(user_id, resultScore=1)]) == Held("")


def test_one_result_alone_is_a_page_of_one():
    assert held(row(resultScore=0.5)).score == "0.5"


def test_no_content_is_no_result():
    assert held(b"", status=204) == Held("")


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'"7"', b"7", b"null", b"true", b"{}", b'{"results": []}', b"[" * 60_000, b'{"a":' * 20_000,
     b"[1, 2", b"[[" * 20 + b"]]" * 20, b"\xff\xfe\x00", b"nan"],
)  # fmt: skip
def test_what_is_no_page_of_results_says_so(body):
    with pytest.raises(ValueError, match=r"^its answer (is|holds) n"):
        held(body)


@pytest.mark.parametrize("value", [[1, None, "7", [], [row()], True, {}], [{"userId": {"userId": "7"}}]])
def test_rows_of_other_shapes_are_passed_over(value):
    assert held(value) == Held("")


def test_an_answer_that_was_cut_off_says_so():
    with pytest.raises(ValueError, match="its answer is too long"):
        read_results(Response(200, {}, b"[]", 0.1, truncated=True), user_id="7", asked=ASKED)


LINK = {"Link": f"<{ASKED}/results?page=2&amp;a=1>; rel=\u201cnext\u201d"}


def test_the_next_page_is_named_where_the_learner_is_not_on_this_one():
    assert held([row("8")], headers=LINK) == Held("", None, f"{ASKED}/results?page=2&a=1")
    assert held([row("7", resultScore=1)], headers=LINK).more is None


def test_a_next_page_on_another_server_leaves_it_open():
    with pytest.raises(ValueError, match="on another server"):
        held([row("8")], headers={"Link": "<https://other.example/2>; rel=next"})


@pytest.mark.parametrize(
    ("members", "since"),
    [
        ({"timestamp": "2026-11-22T10:15:31+0000"}, SINCE),
        ({"timestamp": "2026-11-22T10:15:31Z"}, SINCE),
        ({"timestamp": "2026-11-22T10:15:31.000001Z"}, SINCE + 1),
        ({"updated_at": "2026-11-22T11:15:31+01:00"}, SINCE),
        ({"updatedAt": "2026-11-22 10:15:31 UTC"}, SINCE),
        ({"timestamp": "2026-11-22T10:15:30Z", "updated_at": "2026-11-22T10:15:31Z"}, SINCE),
        ({"timestamp": "yesterday"}, None),
        ({"timestamp": "9999-12-31T23:59:59-23:59"}, 253_402_387_139_000),
        ({"timestamp": "0000-00-00T00:00:00Z"}, None),
        ({"timestamp": 1_795_342_531}, None),
        ({"timestamp": ["2026-11-22T10:15:31Z"]}, None),
        ({}, None),
    ],
)
def test_a_result_says_since_when_it_holds(members, since):
    assert held([row(resultScore=1, **members)]).since == since


def test_the_latest_of_many_times_is_found():
    assert latest_time("2026-11-22T10:15:30Z, 2026-11-22T10:15:31Z and 2026-11-22T10:15:29Z") == SINCE
    assert latest_time("no time 2026-11-22") is None
    assert latest_time("1969-12-31T23:59:59Z") == -1000

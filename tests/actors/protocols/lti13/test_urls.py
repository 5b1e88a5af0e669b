"""Addresses are made from a line item's byte for byte, and lead nowhere else."""

import pytest
from multidict import CIMultiDict

from actors.protocols.lti13.urls import beneath, checked, next_page, same_origin, with_query
from actors.response import Response

ASKED = "https://campus.example/items/3/results?type_id=1"


@pytest.mark.parametrize(
    ("line_item", "scores"),
    [
        ("https://c.example/api/lti/courses/1/line_items/2", "https://c.example/api/lti/courses/1/line_items/2/scores"),
        (
            "https://m.example/mod/lti/services.php/2/lineitems/3/lineitem?type_id=1",
            "https://m.example/mod/lti/services.php/2/lineitems/3/lineitem/scores?type_id=1",
        ),
        ("https://c.example", "https://c.example/scores"),
        ("https://c.example/", "https://c.example/scores"),
        ("https://c.example/a/", "https://c.example/a/scores"),
        ("https://c.example?a=1", "https://c.example/scores?a=1"),
        ("https://c.example/a?", "https://c.example/a/scores?"),
        ("https://c.example/a?b=/c?d&&e=%2f+%20", "https://c.example/a/scores?b=/c?d&&e=%2f+%20"),
        ("https://c.example/a%2Fb/../c%3f;d=1", "https://c.example/a%2Fb/../c%3f;d=1/scores"),
        ("https://c.example/a#part", "https://c.example/a/scores"),
        ("https://c.example/a?b=1#part?c", "https://c.example/a/scores?b=1"),
        ("HTTPS://C.Example:443/ä", "HTTPS://C.Example:443/ä/scores"),
    ],
)
def test_the_name_goes_to_the_end_of_the_path_before_the_query(line_item, scores):
    assert beneath(line_item, "scores") == scores


@pytest.mark.parametrize(
    "url",
    ["", "items/1", "/items/1", "ftp://c.example/1", "https:///1", "https://c.example/a b",
     "https://c.example/\r\nX: y", "https://u:p@c.example/1", "https://ä.example/1", "https://c.example:x/1", "https://[::1/1"],
)  # fmt: skip
def test_an_address_that_would_lead_elsewhere_is_refused(url):
    with pytest.raises(ValueError, match=r"^the line item's address cannot be used: ") as caught:
        beneath(url, "scores")
    assert not url or url not in str(caught.value)
    with pytest.raises(ValueError, match="cannot be used"):
        checked(url)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://c.example/r", "https://c.example/r?user_id=a%2Fb%26c%20%C3%A4"),
        ("https://c.example/r?t=1", "https://c.example/r?t=1&user_id=a%2Fb%26c%20%C3%A4"),
        ("https://c.example/r?", "https://c.example/r?user_id=a%2Fb%26c%20%C3%A4"),
        ("https://c.example/r?t=1&", "https://c.example/r?t=1&user_id=a%2Fb%26c%20%C3%A4"),
        ("https://c.example/r?t=1#x", "https://c.example/r?t=1&user_id=a%2Fb%26c%20%C3%A4"),
    ],
)
def test_parameters_go_to_the_end_of_the_query(url, asked):
    assert with_query(url, user_id="a/b&c ä") == asked


@pytest.mark.parametrize("url", ["https://campus.example", "https://campus.example:443/x?y", "HTTPS://CAMPUS.example/"])
def test_one_scheme_host_and_port_are_one_origin(url):
    assert same_origin(url, ASKED)


@pytest.mark.parametrize(
    "url",
    ["http://campus.example/", "https://campus.example:8443/", "https://other.example/", "https://campus.example@e.vil/",
     "https://campus.example.e.vil/", "//campus.example/", "https://campus.example:99999/", "", "https://[/"],
)  # fmt: skip
def test_anything_else_is_another_origin(url):
    assert not same_origin(url, ASKED)
    assert not same_origin(ASKED, url)


def linked(*links: str) -> Response:
    return Response(200, CIMultiDict([("Link", link) for link in links]), b"[]", 0.1)


NEXT = "https://campus.example/items/3/results?type_id=1&from=2"


@pytest.mark.parametrize(
    "links",
    [
        [f'<{NEXT}>; rel="next"'],
        [f"<{NEXT}>; rel=next"],
        [f"<{NEXT}>;rel='next'"],
        [f'<{NEXT}>; REL="NEXT"'],
        [f'<{NEXT}>; title="x"; rel="next"; type="a/b"'],
        [f'<{NEXT}>; rel="next last"'],
        [f'<https://campus.example/first>; rel="first", <{NEXT}>; rel="next"'],
        [f'<{NEXT}>; rel="next", <https://campus.example/first>; rel="first"'],
        ['<https://campus.example/first>; rel="first"', f'<{NEXT}>; rel="next"'],
        [f'<{NEXT.replace("&", "&amp;")}>; rel="next"'],
        [f"<{NEXT.replace('&', '&#38;')}>; rel=&quot;next&quot;"],
        [f"<{NEXT.replace('&', '&amp;')}>; rel=\u201cnext\u201d"],
        [f"<{NEXT}>; rel=\u00e2\u0080\u009cnext\u00e2\u0080\u009d"],
        [f"< {NEXT} >; rel=next"],
        ["</items/3/results?type_id=1&from=2>; rel=next"],
        ["<?type_id=1&from=2>; rel=next"],
    ],
)
def test_the_next_page_is_found_however_it_is_written(links):
    assert next_page(linked(*links), ASKED) == NEXT


def test_a_part_of_a_query_that_looks_like_an_entity_is_none():
    assert next_page(linked("<https://campus.example/a?b=1&sect=2&lt=3>; rel=next"), ASKED) == (
        "https://campus.example/a?b=1&sect=2&lt=3"
    )


@pytest.mark.parametrize(
    "links",
    [[], [""], [f'<{NEXT}>; rel="prev"'], [f"<{NEXT}>"], ["rel=next"], [f"{NEXT}; rel=next"], ["<<<<<>>>>;;;rel"],
     [f'<{NEXT}>; rel="nextish"'], [f'<{NEXT}>; title="next"'], ["<" * 9000], [";rel=" * 3000],
     # Each takes hours where a pattern tries blanks again and again.
     ["<" + " " * 32_000 + "x"], ["< " * 16_000], ["<a>;" + " " * 32_000], ["<a>" + "; rel " * 5000]],
)  # fmt: skip
def test_the_last_page_has_no_next_one(links):
    assert next_page(linked(*links), ASKED) is None


@pytest.mark.parametrize(
    "url",
    ["https://other.example/2", "http://campus.example/2", "https://campus.example:8443/2", "//other.example/2",
     "https://campus.example@other.example/2", "ftp://campus.example/2", "javascript:1", "https://[/"],
)  # fmt: skip
def test_a_next_page_on_another_server_is_not_asked(url):
    with pytest.raises(ValueError, match="its next page"):
        next_page(linked(f"<{url}>; rel=next"), ASKED)

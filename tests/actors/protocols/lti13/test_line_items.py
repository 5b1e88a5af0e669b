"""A link's line item is found, or one is made."""

import json
from decimal import Decimal

import pytest

from actors.protocols.address import MAX_URL
from actors.protocols.lti13.line_items import (
    LineItem,
    LineItemPage,
    chosen,
    read_created,
    read_line_items,
    write_create,
    write_find,
)
from actors.response import Response

CONTAINER = "https://campus.example/mod/lti/services.php/2/lineitems?type_id=1"
ITEM = "https://campus.example/mod/lti/services.php/2/lineitems/3/lineitem?type_id=1"


def item(**members):
    return {"id": ITEM, "label": "Week 1", "scoreMaximum": 100, **members}


def answer(value, status=200, headers=None) -> Response:
    return Response(status, headers or {}, value if isinstance(value, bytes) else json.dumps(value).encode(), 0.1)


def page(value, **kwargs) -> LineItemPage:
    return read_line_items(answer(value, **kwargs), container=CONTAINER)


@pytest.mark.parametrize(
    ("wanted", "query"),
    [
        ({}, ""),
        ({"resource_link_id": "a b/c"}, "&resource_link_id=a%20b%2Fc"),
        ({"resource_id": "block-v1:x"}, "&resource_id=block-v1%3Ax"),
    ],
)
def test_line_items_are_asked_for_with_the_type_that_moodle_wants(wanted, query):
    wire = write_find(CONTAINER, "the-token", **wanted)
    assert (wire.method, wire.url, wire.body) == ("GET", CONTAINER + query, b"")
    assert wire.headers == {
        "Authorization": "Bearer the-token",
        "Accept": "application/vnd.ims.lis.v2.lineitemcontainer+json",
    }
    assert wire.fallback == {"Accept": "*/*"}
    assert wire.redacted == ("the-token",)


def test_a_further_page_is_asked_for_as_it_was_named():
    more = "https://campus.example/next?from=2"
    assert write_find(CONTAINER, "t", resource_link_id="1", more=more).url == more


@pytest.mark.parametrize("more", ["https://other.example/next", "http://campus.example/next", "next", ""])
def test_no_token_goes_to_another_server(more):
    with pytest.raises(ValueError, match="on another server"):
        write_find(CONTAINER, "t", more=more)


def test_a_line_item_is_made_with_a_whole_maximum():
    wire = write_create(CONTAINER, "the-token", label="Week “1”", resource_id="block-v1:x", resource_link_id="5")
    assert (wire.method, wire.url, wire.fallback) == ("POST", CONTAINER, {"Accept": "*/*"})
    assert wire.headers["Content-Type"] == "application/vnd.ims.lis.v2.lineitem+json"
    assert wire.headers["Accept"] == "application/vnd.ims.lis.v2.lineitem+json"
    assert wire.headers["Authorization"] == "Bearer the-token"
    assert b'"scoreMaximum": 1,' in wire.body
    assert json.loads(wire.body) == {
        "scoreMaximum": 1, "label": "Week “1”", "resourceId": "block-v1:x", "resourceLinkId": "5"
    }  # fmt: skip


def test_what_is_not_known_of_a_line_item_is_not_said():
    wire = write_create(CONTAINER, "t", label="x", resource_id=None, resource_link_id=None, maximum=10)
    assert json.loads(wire.body) == {"scoreMaximum": 10, "label": "x"}


@pytest.mark.parametrize("url", ["", "/lineitems", "https://c.example/a b", "https://u@c.example/"])
def test_nothing_is_written_to_an_address_that_leads_elsewhere(url):
    with pytest.raises(ValueError, match="cannot be used"):
        write_find(url, "t")
    with pytest.raises(ValueError, match="cannot be used"):
        write_create(url, "t", label="x", resource_id=None, resource_link_id=None)


def test_a_page_holds_line_items_as_platforms_write_them():
    found = page([item(resourceId="r", resourceLinkId="5"), item(resourceId=7, ltiLinkId=8, scoreMaximum=0.5)])
    assert found == LineItemPage(
        (LineItem(ITEM, "Week 1", Decimal(100), "r", "5"), LineItem(ITEM, "Week 1", Decimal("0.5"), "7", "8"))
    )


@pytest.mark.parametrize(
    "row",
    [None, 1, "x", [], {}, {"id": 7}, {"id": ""}, {"id": "/lineitems/3"}, {"id": "https://other.example/3"},
     {"id": "http://campus.example/3"}, {"id": "https://campus.example@e.vil/3"}, {"id": ["https://campus.example/3"]}],
)  # fmt: skip
def test_what_has_no_address_of_the_platforms_is_no_line_item(row):
    assert page([row, item()]).items == (LineItem(ITEM, "Week 1", Decimal(100), None, None),)
    with pytest.raises(ValueError, match="its answer holds no line item"):
        read_created(answer(row), container=CONTAINER)


def test_members_of_other_shapes_are_not_known():
    odd = item(label=7, scoreMaximum="100", resourceId=["r"], resourceLinkId={"a": 1})
    assert page([odd]).items == (LineItem(ITEM, "", None, None, None),)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"7", b"null", b"[" * 9000, b'{"lineItems": []}'])
def test_what_is_no_page_of_line_items_says_so(body):
    with pytest.raises(ValueError, match=r"^its answer (is|holds) n"):
        page(body)


def test_no_content_is_an_empty_page():
    assert page(b"", status=204) == LineItemPage(())


def test_a_page_names_the_next_one():
    link = {"Link": "<https://campus.example/next?a=1&amp;b=2>; rel=\u201cnext\u201d"}
    assert page([item()], headers=link).more == "https://campus.example/next?a=1&b=2"
    with pytest.raises(ValueError, match="on another server"):
        page([], headers={"Link": "<https://other.example/>; rel=next"})


@pytest.mark.parametrize("status", [200, 201])
def test_the_answer_to_a_new_line_item_says_which_it_is(status):
    made = read_created(answer(item(resourceLinkId="5"), status), container=CONTAINER)
    assert made == LineItem(ITEM, "Week 1", Decimal(100), None, "5")


def some(url, resource_id=None, link=None) -> LineItem:
    return LineItem(url, "", None, resource_id, link)


ITEMS = [some("1", "r"), some("2", "x", "5"), some("3", "r", "6"), some("4", None, "5"), some("5")]


@pytest.mark.parametrize(
    ("wanted", "url"),
    [
        ({"resource_link_id": "5"}, "2"),
        ({"resource_link_id": "5", "resource_id": "r"}, "2"),
        ({"resource_link_id": "9", "resource_id": "r"}, "1"),
        ({"resource_id": "r"}, "1"),
        ({"resource_link_id": "9", "resource_id": "9"}, None),
        ({"resource_link_id": "", "resource_id": ""}, None),
        ({}, None),
    ],
)
def test_of_many_line_items_that_of_the_link_is_chosen_then_that_of_the_tool(wanted, url):
    found = chosen(iter(ITEMS), **wanted)
    assert (found and found.url) == url


def test_an_address_that_is_longer_than_a_launch_may_name_is_none():
    fits, longer = (CONTAINER + "x" * (MAX_URL + more - len(CONTAINER)) for more in (0, 1))
    assert [one.url for one in page([item(id=longer), item(id=fits)]).items] == [fits]
    with pytest.raises(ValueError, match="no line item"):
        read_created(answer(item(id=longer), status=201), container=CONTAINER)

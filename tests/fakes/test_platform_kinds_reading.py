"""Each kind of platform, over a socket: to whom it gives tokens, and how it writes results and line items."""

import json
import re
from dataclasses import replace

import pytest

from daemon.demo.platform.kind import AgsMediaType
from daemon.demo.platform.tokens import AgsScope
from tests.fakes.ags_tool import CLIENT, AgsTool, with_suffix
from tests.fakes.platform import RecordingPlatform
from tests.fakes.platform_kinds import KINDS, kinds, moodle, openedx

USER = "user-7"
FIRST = "2026-11-22T10:15:30.400Z"
#: When the platforms' clocks are, in the tests that need it: minutes after that.
NOW = 1_795_430_000.0


@pytest.mark.parametrize(
    ("campus", "claims", "status", "error"),
    kinds(
        ("default", {"aud": "elsewhere"}, 400, "invalid_client"),
        ("canvas", {"aud": "elsewhere"}, 400, "invalid_client"),
        ("aplus", {"aud": "elsewhere"}, 400, "invalid_client"),
        ("moodle", {"aud": "elsewhere"}, 200, None),
        ("openedx", {"aud": "elsewhere"}, 200, None),
        ("openedx", {"exp": 1}, 400, "unidentified_error"),
        ("moodle", {"exp": 1}, 400, "the assertion has expired"),
    ),
    indirect=["campus"],
)
async def test_assertions_are_looked_at_as_the_product_does(campus, claims, status, error):
    _, _, tool = campus
    answered, body = await tool.ask(tool.form(assertion=tool.assertion(**claims)))
    assert (answered, json.loads(body).get("error")) == (status, error)


@pytest.mark.parametrize(("name", "early", "status"), [("moodle", 1, 400), ("canvas", 20, 200), ("canvas", 40, 400)])
async def test_how_far_ahead_of_its_own_clock_an_assertion_may_be(key, pem, name, early, status):
    async with RecordingPlatform(KINDS[name](), clock=lambda: NOW) as platform:
        platform.register(CLIENT, pem=pem)
        tool = AgsTool(key, platform.token_url)
        written = tool.assertion(iat=int(NOW) + early, exp=int(NOW) + early + 300)
        assert (await tool.ask(tool.form(assertion=written)))[0] == status


async def test_a_canvas_takes_no_assertion_that_is_over_five_minutes_old(key, pem):
    async with RecordingPlatform(KINDS["canvas"](), clock=lambda: NOW) as platform:
        platform.register(CLIENT, pem=pem)
        tool = AgsTool(key, platform.token_url)
        old = tool.assertion(iat=int(NOW) - 301, exp=int(NOW) + 3600)
        assert (await tool.ask(tool.form(assertion=old)))[0] == 400


async def test_scopes_that_a_tool_may_not_have(key, pem):
    answers = {}
    for name, kind in KINDS.items():
        async with RecordingPlatform(kind()) as platform:
            platform.register(CLIENT, pem=pem, scopes=(AgsScope.SCORE,))
            tool = AgsTool(key, platform.token_url)
            both = await tool.ask(tool.form(f"{AgsScope.SCORE} {AgsScope.RESULTS}"))
            other = await tool.ask(tool.form(AgsScope.RESULTS))
            answers[name] = [json.loads(body).get("scope") for _, body in (both, other)]
    assert answers["aplus"] == answers["sakai"] == [None, None], "the whole request is refused"
    assert answers["moodle"] == [AgsScope.SCORE, None]
    assert answers["openedx"] == [AgsScope.SCORE, ""], "a token that is good for nothing"


@pytest.mark.parametrize(("written", "expected"), [("number", 10), ("digits", "10"), ("absent", None)])
async def test_the_life_of_a_token_is_written_in_different_ways(key, pem, written, expected):
    kind = replace(moodle(), expires_in=written, says_scopes=lambda _given: "another")
    async with RecordingPlatform(kind) as platform:
        platform.register(CLIENT, pem=pem)
        platform.office.life = 10
        _, body = await AgsTool(key, platform.token_url).ask()
    assert (json.loads(body).get("expires_in"), json.loads(body)["scope"]) == (expected, "another")


@pytest.mark.parametrize(
    ("campus", "accept", "status"),
    kinds(
        ("moodle", AgsMediaType.LINE_ITEMS, 200),
        ("moodle", "*/*", 400),
        ("openedx", "application/json", 406),
        ("openedx", "*/*", 200),
        ("aplus", AgsMediaType.LINE_ITEMS, 406),
        ("aplus", "*/*", 200),
    ),
    indirect=["campus"],
)
async def test_line_items_are_given_to_those_who_accept_them(campus, accept, status):
    platform, _, tool = campus
    assert (await tool.request("GET", platform.line_items_url(), Accept=accept))[0] == status


@pytest.mark.parametrize("campus", ["moodle"], indirect=True)
async def test_moodle_names_the_next_page_html_escaped_and_in_typographic_quotes(campus):
    platform, line_item, tool = campus
    platform.service.page_size = 1
    for user in ("a", "b"):
        await tool.send(line_item, userId=user)
    _, text, reply = await tool.request("GET", with_suffix(line_item, "/results"), Accept=AgsMediaType.RESULTS)
    assert re.fullmatch(r"<http://\S+/results\?type_id=1&amp;page=2>; rel=“next”", reply.headers["Link"])
    (row,) = json.loads(text)
    assert (row["userId"], row["timestamp"]) == ("a", "2026-11-22T10:15:30+00:00")


@pytest.mark.parametrize("campus", ["moodle"], indirect=True)
async def test_moodle_needs_the_scope_for_reading_line_items_by_name(campus):
    platform, _, tool = campus
    await tool.authorize(AgsScope.LINE_ITEMS)
    assert (await tool.request("GET", platform.line_items_url(), Accept=AgsMediaType.LINE_ITEMS))[0] == 401


async def test_line_items_are_not_filtered_by_every_platform(key, pem):
    async with RecordingPlatform(replace(openedx(), filters_results=False)) as platform:
        platform.register(CLIENT, pem=pem)
        tool = AgsTool(key, platform.token_url)
        await tool.authorize(" ".join(AgsScope))
        first = platform.add_line_item(resource_link_id="a")
        platform.add_line_item(resource_link_id="b")
        _, text, _ = await tool.request("GET", platform.line_items_url() + "?resource_link_id=a")
        assert len(json.loads(text)) == 2
        for user in ("a", "b"):
            await tool.send(first, userId=user)
        _, text, _ = await tool.request("GET", with_suffix(first, "/results") + "?user_id=a")
        assert len(json.loads(text)) == 2

"""Whatever people, tools and campuses can write is text on every page, and never a part of it."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from models.action import Action
from models.assignment import GradedAssignment
from models.campus import Campus
from models.consumer import LtiConsumer
from models.delivery import Delivery
from models.heartbeat import Heartbeat
from models.quarantine import QuarantinedEvent, content_of
from models.stale_event import StaleEvent
from tests.daemon.pages.conftest import one_line
from tests.daemon.pages.proxied import passed_on, trust_proxy
from tests.daemon.why.story import NOW, Story

#: What would run, load, leave its place or mislead, if it were not escaped.
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></main></body><script src=//evil.example/x.js></script>",
    "<!--",
    "javascript:alert(1)",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "&lt;script&gt;&#x3c;",
    "\u202eevil\x1b[31m\x00"[:-1],
    "<svg/onload=alert(1)><a href=javascript:alert(1)>x</a>",
)
EVENT_HANDLERS = "contains(translate(name(), 'ON', 'on'), 'on') and starts-with(translate(name(), 'ON', 'on'), 'on')"


async def everything_hostile(payload):
    """A grade, a campus, an event and an action, with the payload in each text of theirs; the grade's id."""
    story = Story()
    await story.begin(accepted=True)
    await story.score(30, 2)
    await GradedAssignment.all().update(
        user_id=payload,
        course_id=payload,
        usage_id=payload,
        lti_user_id=payload,
        context_title=payload,
        resource_link_title=payload,
        note=payload,
        parked_reason=payload,
        parked_scope="course",
        parked_at=NOW,
        entry_id=payload[:40],
    )
    await Campus.all().update(last_error=payload, last_error_at=NOW, last_failed_assignment=1, tripped_at=NOW - 1)
    await LtiConsumer.all().update(consumer_name=payload, consumer_key=payload, instance_guid=payload)
    await Delivery.all().update(description=payload, code_major=payload[:60], score=payload[:30], entry_id=payload[:40])
    about = {"type": payload[:60], "reason": payload, "user_id": payload, "course_id": payload}
    content, _ = content_of({payload.encode(): payload.encode(), b"usage_id": payload.encode()})
    await QuarantinedEvent.create(
        epoch=1, entry_id=payload[:40], at=NOW, content=content, consumer_key=payload, lti_user_id=payload, **about
    )
    await StaleEvent.create(
        user_id=payload, course_id=payload, usage_id=payload, type=payload[:60], entry_id=payload[:40], at=NOW, **LATE
    )
    texts = {"account": payload, "host": payload, "command": payload, "user_id": payload}
    await Action.create(at=NOW, selection=json.dumps({payload: payload}), counts=json.dumps({payload: 1}), **texts)
    await Heartbeat.all().update(troubles=payload)
    return (await GradedAssignment.first()).id


LATE = {"modified_us": NOW * 1000, "number": 1}


def check(page, payload, path):
    """Nothing of a document is the payload's but text."""
    assert [one.get("src", "").partition("?")[0] for one in page.xpath("//script")] == ["/static/refresh.js"], path
    assert not page.xpath(
        "//img | //iframe | //object | //embed | //style | //base | //meta[@http-equiv] | //comment()"
    )
    assert not page.xpath(f"//@*[{EVENT_HANDLERS}]"), path
    for address in page.xpath("//@href | //@src | //@action | //@formaction"):
        assert address == "#main" or address.startswith("/"), (path, address)
        assert not address.startswith("//"), (path, address)
    assert len(page.xpath("//main")) == len(page.xpath("//body")) == len(page.xpath("//title")) == 1


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_no_page_takes_a_text_for_more_than_that(anna, payload):
    assignment_id = await everything_hostile(payload)
    campus_id, event_id = (await Campus.first()).id, (await QuarantinedEvent.first()).id
    shows = {
        "/": True,
        "/learners": False,
        f"/assignments/{assignment_id}": True,
        f"/campuses/{campus_id}": True,
        "/parked": True,
        "/quarantine": True,
        f"/quarantine/{event_id}": True,
        "/actions": True,
    }
    for path, shown in shows.items():
        status, _ = await anna.get(path)
        assert status == 200, path
        check(anna.page, payload, path)
        assert not shown or one_line(payload) in anna.words, path
    for more in ({}, {"usage": payload}, {"state": "parked", "consumer": payload}, {"consumer": f"not {payload}"}):
        about = {"course": payload, **more}
        status, _ = await anna.get("/activities", params=about)
        assert status == (404 if more.get("consumer", "").startswith("not ") else 200), about
        check(anna.page, payload, about)
        assert one_line(payload) in anna.words, about
    await anna.get("/learners", params={"q": payload, "as": "course"})
    assert dict(parse_qsl(urlsplit(anna.answer.headers["Location"]).query)) == {"course": payload}
    for kind in ("learner", "lti_user", "sourcedid"):
        await anna.get("/learners", params={"q": payload, "as": kind})
        check(anna.page, payload, kind)
        assert anna.page.xpath("//input[@name='q']/@value") == [payload], kind


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_no_refusal_takes_what_was_sent_for_more_than_a_text(stranger, users, payload):
    await stranger.ask("POST", "/login", data={"name": payload, "password": payload, "to": payload})
    check(stranger.page, payload, "/login")
    await stranger.get("/login", params={"to": payload})
    check(stranger.page, payload, "/login?to=")


@pytest.mark.parametrize("payload", [one for one in PAYLOADS if one.isprintable()])
async def test_no_refusal_takes_the_name_of_a_web_server_for_more_than_a_text(stranger, users, site, payload):
    trust_proxy(site)
    status, _ = await stranger.get("/", headers=passed_on(X_User=payload))
    assert (status, payload[:20] in stranger.words) == (403, True)
    check(stranger.page, payload, "a name")

"""Who may ask for a page, and what a session and a form of one's own open. What opens nothing is in attacks/."""

import re

import pytest

from daemon.pages.access import COOKIE, SECURE_COOKIE
from daemon.pages.routes import ROUTES
from daemon.pages.sessions import SESSION_SECONDS
from models.action import actions
from models.assignment import GradedAssignment
from tests.daemon.pages.conftest import PASSWORD
from tests.daemon.why.story import NOW, Story


def path_of(route, assignment_id=1):
    return re.sub(r"\{id[^}]*\}+?(?=/|$)", str(assignment_id), route.path)


PATHS = [(route.method, path_of(route)) for route in ROUTES]


def test_every_route_has_a_path_that_can_be_asked_for():
    assert not [path for _, path in PATHS if "{" in path or "[" in path]
    assert len(set(PATHS)) == len(PATHS)


@pytest.mark.parametrize(
    ("method", "path"), [*PATHS, ("GET", "/login"), ("POST", "/login"), ("GET", "/static/style.css")]
)
async def test_without_users_there_is_no_page(stranger, method, path):
    status, text = await stranger.ask(method, path)
    assert (status, "passbackd" in text) == (404, False)


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_a_stranger_is_led_to_the_log_in(stranger, users, method, path):
    status, text = await stranger.ask(method, path, data={"token": ""} if method == "POST" else None)
    assert (status, text) == (303, "")
    assert stranger.answer.headers["Location"].startswith("/login?to=")


async def test_after_the_log_in_comes_the_page_that_was_wanted(stranger, users):
    await stranger.get("/learners?q=42&as=learner")
    status, _ = await stranger.get(stranger.answer.headers["Location"])
    assert status == 200
    (wanted,) = stranger.page.xpath("//input[@name='to']/@value")
    await stranger.log_in(to=wanted)
    assert stranger.answer.headers["Location"] == "/learners?q=42&as=learner"


# --- Sessions ---


async def test_logging_out_ends_the_session_wherever_it_is_known(anna, stranger):
    cookie = {"Cookie": "; ".join(f"{one.key}={one.value}" for one in anna.session.cookie_jar)}
    assert (await stranger.get("/", headers=cookie))[0] == 200
    await anna.get("/")
    assert (await anna.post("/logout"))[0] == 303
    assert (await stranger.get("/", headers=cookie))[0] == 303
    assert (await anna.get("/"))[0] == 303


async def test_a_session_ends_after_twelve_hours(anna, clock):
    clock.ms = NOW + SESSION_SECONDS * 1000 - 1
    assert (await anna.get("/"))[0] == 200
    clock.ms += 1
    assert (await anna.get("/"))[0] == 303


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger, users):
    await stranger.ask("POST", "/login", data={"name": "anna", "password": PASSWORD})
    cookie = stranger.answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Secure" not in cookie
    headers = {"X-Forwarded-Proto": "https"}
    await stranger.ask("POST", "/login", data={"name": "anna", "password": PASSWORD}, headers=headers)
    cookie = stranger.answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{SECURE_COOKIE}=")
    assert "Secure" in cookie


# --- Forms ---


async def a_grade():
    story = Story()
    await story.begin(accepted=True)
    (known,) = await story_rows()
    return known


async def story_rows():
    return await GradedAssignment.all()


@pytest.mark.parametrize("origin", [None, "ours"])
async def test_a_users_own_form_is_taken(anna, origin):
    grade = await a_grade()
    await anna.get(f"/assignments/{grade.id}")
    token = anna.page.xpath("//input[@name='token']/@value")[0]
    url = anna.session._base_url
    headers = {} if origin is None else {"Origin": str(url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    status, _ = await anna.ask(
        "POST", f"/assignments/{grade.id}/resend", data={"token": token, "force": "yes"}, headers=headers
    )
    assert status == 303
    (row,) = await story_rows()
    assert row.forced_version == row.version_number > row.sent_version
    (action,) = await actions()
    assert (action["account"], action["host"], action["command"]) == ("anna (web)", "127.0.0.1", "resend")
    assert action["selection"] == {"assignment": grade.id, "force": True}
    assert action["counts"] == {"matched": 1, "marked": 1}


async def test_support_may_send_again_but_not_what_the_campus_has(ben):
    grade = await a_grade()
    await ben.get(f"/assignments/{grade.id}")
    assert not ben.page.xpath("//input[@name='force']")
    status, _ = await ben.post(f"/assignments/{grade.id}/resend", force="yes")
    assert status == 403
    assert await actions() == []
    await ben.get(f"/assignments/{grade.id}")
    assert (await ben.post(f"/assignments/{grade.id}/resend"))[0] == 303
    assert [one["account"] for one in await actions()] == ["ben (web)"]

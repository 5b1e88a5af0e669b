"""Who may ask for a page: nothing of a stranger, a forger, another site or the wrong role gets through."""

import re

import pytest

from daemon.pages.access import COOKIE, SECURE_COOKIE
from daemon.pages.routes import ROUTES
from daemon.pages.sessions import SESSION_SECONDS, Session, sign_session
from models.action import actions
from models.assignment import GradedAssignment
from models.web_user import WebUser, remove_web_user, set_web_user
from tests.daemon.pages.conftest import PASSWORD
from tests.daemon.why.story import NOW, Story

SECONDS = NOW // 1000


def path_of(route, assignment_id=1):
    return re.sub(r"\{id[^}]*\}+?(?=/|$)", str(assignment_id), route.path)


PATHS = [(route.method, path_of(route)) for route in ROUTES]

OPEN = [("GET", "/login"), ("POST", "/login"), ("GET", "/static/style.css")]


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


ELSEWHERE = [
    "//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "evil", "", "/\r\nX: y",
    "/\x00", "\\\\evil.example", "/" + "a" * 5000, "http:/evil.example", " //evil.example",
]  # fmt: skip


@pytest.mark.parametrize("wanted", ELSEWHERE)
async def test_a_log_in_leads_nowhere_else(stranger, users, wanted):
    await stranger.log_in(to=wanted)
    assert stranger.answer.headers["Location"] == "/"


# --- Sessions ---


async def cookie_of(name="anna", *, began=SECONDS, **changed):
    user = await WebUser.get(name=name)
    return sign_session(Session(changed.get("user_id", user.id), began, "nonce"), changed.get("key", user.session_key))


async def forged():
    ben, anna = await WebUser.get(name="ben"), await WebUser.get(name="anna")
    right = await cookie_of()
    head, _, signature = right.rpartition(".")
    return {
        "nothing": "",
        "a name": "anna",
        "an id": str(anna.id),
        "an id and a dot": f"{anna.id}.",
        "no signature": head,
        "an empty signature": f"{head}.",
        "half of it": right[: len(right) // 2],
        "another signature": f"{head}.{signature[::-1]}",
        "another's key": await cookie_of(key=ben.session_key),
        "another's cookie with this id": f"{anna.id}.{(await cookie_of('ben')).partition('.')[2]}",
        "an id that is none": await cookie_of(user_id=10**17),
        "an id that is too large": await cookie_of(user_id=10**30),
        "an id below zero": await cookie_of(user_id=-1),
        "an id in other digits": right.replace(str(anna.id), "\u0661", 1).encode().decode("latin-1"),
        "an empty key": await cookie_of(key=""),
        "one that is over": await cookie_of(began=SECONDS - SESSION_SECONDS),
        "one of tomorrow": await cookie_of(began=SECONDS + 86_400),
        "very long": right + "a" * 3000,
        "a form's token": f"{anna.id}.{signature}",
        "JSON": '{"user_id":1}',
        "quotes": f'"{right}"x',
    }


KINDS = (
    "nothing", "a name", "an id", "an id and a dot", "no signature", "an empty signature", "half of it",
    "another signature", "another's key", "another's cookie with this id", "an id that is none",
    "an id that is too large", "an id below zero", "an id in other digits", "an empty key", "one that is over",
    "one of tomorrow", "very long", "a form's token", "JSON", "quotes",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
async def test_a_forged_session_opens_nothing(stranger, users, kind):
    cookie = (await forged())[kind]
    for name in (COOKIE, SECURE_COOKIE):
        status, text = await stranger.get("/", headers={"Cookie": f"{name}={cookie}"})
        assert (status, text) == (303, ""), kind


async def test_the_forged_ones_are_known_and_a_right_one_is_not_refused(stranger, users):
    assert set(await forged()) == set(KINDS)
    status, _ = await stranger.get("/", headers={"Cookie": f"{COOKIE}={await cookie_of()}"})
    assert status == 200


async def test_a_session_that_was_ended_cannot_be_replayed(anna, stranger):
    cookie = {"Cookie": "; ".join(f"{one.key}={one.value}" for one in anna.session.cookie_jar)}
    assert (await stranger.get("/", headers=cookie))[0] == 200
    await anna.get("/")
    assert (await anna.post("/logout"))[0] == 303
    assert (await stranger.get("/", headers=cookie))[0] == 303
    assert (await anna.get("/"))[0] == 303


@pytest.mark.parametrize("change", ["removed", "new password", "added anew"])
async def test_a_user_who_was_changed_has_to_log_in_again(anna, change):
    assert (await anna.get("/"))[0] == 200
    user = await WebUser.get(name="anna")
    if change != "new password":
        await remove_web_user("anna")
    if change != "removed":
        await set_web_user("anna", "operator", user.password_hash, now=NOW)
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


FORM = "application/x-www-form-urlencoded"
FORGERIES = {
    "no token": {"data": {}},
    "an empty token": {"data": {"token": ""}},
    "a token of someone else": {"data": {"token": "theirs"}},
    "a session as token": {"data": {"token": "cookie"}},
    "another site": {"headers": {"Origin": "https://evil.example"}},
    "a site of the same name elsewhere": {"headers": {"Origin": "http://127.0.0.1.evil.example"}},
    "another port": {"headers": {"Origin": "http://127.0.0.1:1"}},
    "no origin to be named": {"headers": {"Origin": "null"}},
    "no origin at all": {"headers": {"Origin": "http://["}},
    "https from http": {"headers": {"Origin": "https://127.0.0.1"}},
    "letters that are none": {"data": b"token=%ff&force=yes", "headers": {"Content-Type": FORM}},
    "bytes that are none": {"data": b"token=\xff", "headers": {"Content-Type": FORM}},
    "other letters": {"data": b"token=x", "headers": {"Content-Type": f"{FORM}; charset=utf-7"}},
    "letters that no one knows": {"data": b"token=x", "headers": {"Content-Type": f"{FORM}; charset=nonsense"}},
    "across sites": {"headers": {"Sec-Fetch-Site": "cross-site"}},
    "from a sibling": {"headers": {"Sec-Fetch-Site": "same-site"}},
    "as JSON": {"json": {"force": "yes"}},
    "as text": {"data": "token=x", "headers": {"Content-Type": "text/plain"}},
    "in parts": {"headers": {"Content-Type": "multipart/form-data; boundary=x"}, "data": b"--x--"},
}


@pytest.mark.parametrize("kind", FORGERIES)
async def test_a_form_that_is_not_the_users_own_changes_nothing(anna, ben, kind):
    grade = await a_grade()
    await ben.get(f"/assignments/{grade.id}")
    theirs = ben.page.xpath("//input[@name='token']/@value")[0]
    await anna.get(f"/assignments/{grade.id}")
    own = anna.page.xpath("//input[@name='token']/@value")[0]
    more = dict(FORGERIES[kind])
    if "data" not in more and "json" not in more:
        more["data"] = {"token": own}
    if kind == "a token of someone else":
        more["data"] = {"token": theirs}
    if kind == "a session as token":
        more["data"] = {"token": next(iter(anna.session.cookie_jar)).value.partition(".")[2]}
    status, _ = await anna.ask("POST", f"/assignments/{grade.id}/resend", **more)
    assert status in (400, 403, 415), kind
    assert (await story_rows())[0].forced_version == 0
    assert await actions() == []


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


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_each_role_may_do_what_its_routes_say_and_no_more(anna, ben, method, path):
    (route,) = [route for route in ROUTES if (route.method, path_of(route)) == (method, path)]
    for browser, role in ((anna, "operator"), (ben, "support")):
        await browser.get("/")
        if method == "POST":
            status, _ = await browser.post(path)
        else:
            status, _ = await browser.get(path)
        assert (status == 403) is (role == "support" and route.role == "operator")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD", "POST", "GET"])
async def test_other_methods_do_nothing(anna, method):
    grade = await a_grade()
    status, _ = await anna.ask(method, f"/assignments/{grade.id}/resend")
    assert status in (403, 405, 415)
    assert await actions() == []

"""By which names, with which passwords and by which paths pages are asked for."""

import pytest
from yarl import URL

from daemon.pages.login_limit import FAILURES, SECONDS_EACH
from tests.daemon.pages.conftest import PASSWORD

# --- Hosts ---


@pytest.mark.parametrize(
    "host", ["evil.example", "pages.example.evil.example", "127.0.0.1.evil.example", "a b", "[::1"]
)
async def test_by_another_name_there_is_no_page(anna, host):
    status, text = await anna.get("/", headers={"Host": host})
    assert status in (400, 421)
    assert "Overview" not in text


@pytest.mark.parametrize("host", ["pages.example", "PAGES.example:443", "localhost:1"])
async def test_by_a_name_that_is_ours_there_is(anna, host):
    assert (await anna.get("/", headers={"Host": host}))[0] == 200


# --- Log-ins ---


WRONG = [
    ("anna", "wrong password"), ("anna", ""), ("", ""), ("ANNA", PASSWORD), ("anna\x00", PASSWORD), ("a" * 9000, "x"),
    ("anna", PASSWORD + " "), ("anna", PASSWORD.upper()), ("anna' OR '1'='1", PASSWORD), ("nobody", PASSWORD),
    ("anna", PASSWORD * 400), ("<script>alert(1)</script>", "x"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "password"), WRONG)
async def test_a_wrong_name_or_password_says_no_more_than_that(stranger, users, name, password):
    status, _ = await stranger.ask("POST", "/login", data={"name": name, "password": password, "to": "/learners"})
    assert status == 403
    assert "Name or password is not right." in stranger.words
    assert "Set-Cookie" not in stranger.answer.headers
    assert stranger.page.xpath("//input[@name='to']/@value") == ["/learners"]
    assert not stranger.page.xpath("//main//script")


async def test_passwords_are_tried_no_faster_than_allowed_and_no_one_is_kept_out_for_good(stranger, users, clock):
    wrong = {"name": "anna", "password": "wrong"}
    for _ in range(FAILURES):
        assert (await stranger.ask("POST", "/login", data=wrong))[0] == 403
    for _ in range(50):
        assert (await stranger.ask("POST", "/login", data=wrong))[0] == 429
    assert (await stranger.ask("POST", "/login", data={"name": "anna", "password": PASSWORD}))[0] == 429
    assert "try again in" in stranger.words
    clock.seconds += SECONDS_EACH
    await stranger.log_in()


async def test_another_sites_form_logs_no_one_in(stranger, users):
    given = {"name": "anna", "password": PASSWORD}
    status, _ = await stranger.ask("POST", "/login", data=given, headers={"Origin": "https://evil.example"})
    assert (status, "Set-Cookie" in stranger.answer.headers) == (403, False)


# --- Whatever a path or a query may hold ---

JUNK = [
    "/assignments/0", "/assignments/999999999999999999", "/assignments/-1", "/assignments/1e3", "/assignments/%00",
    "/assignments/1%2F..%2F..", "/assignments/٣", "/learners?q=%00", "/learners?q=" + "a" * 3000, "/learners?q=%FF%FE",
    "/learners?q=%27%20OR%201%3D1--", "/learners?q=1-1", "/learners?q=99999999999999999999-1", "/learners?as=entry&q=x",
    "/learners?as=assignment&q=x", "/learners?as=assignment&q=..%2F", "/learners?q=x&q=y", "/learners?as=course&q=x",
    "/learners?q=%ED%A0%80", "/learners?q=00" + "9" * 30, "/learners?q=" + "9" * 2500, "/learners?as=assignment&q=99",
    "/login?to=//[", "/login?to=//%5B",
    "/static/..%2Froutes.py", "/static/%2e%2e/routes.py", "/static/", "/static/style.css%00",
    "/learners?" + "&".join(f"a{number}=1" for number in range(400)), "/login?to=%0d%0aSet-Cookie:x", "/./", "//", "/%",
]  # fmt: skip


@pytest.mark.parametrize("path", JUNK)
async def test_junk_in_a_path_or_a_query_is_answered_with_words(anna, path):
    status, text = await anna.get(URL(str(anna.session._base_url).rstrip("/") + path, encoded=True))
    assert status in (200, 303, 400, 404), path
    assert "Traceback" not in text
    assert "failed (" not in text
    assert "def " not in text

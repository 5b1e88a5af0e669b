"""By which names pages are asked for, and how passwords are tried. What is no password is in attacks/."""

import pytest

from daemon.pages.login_limit import FAILURES, SECONDS_EACH
from tests.daemon.pages.conftest import PASSWORD

# --- Hosts ---


@pytest.mark.parametrize("host", ["pages.example", "PAGES.example:443", "localhost:1"])
async def test_by_a_name_that_is_ours_there_is(anna, host):
    assert (await anna.get("/", headers={"Host": host}))[0] == 200


# --- Log-ins ---


async def test_a_wrong_password_says_no_more_than_that_and_keeps_where_to(stranger, users):
    for name, password in (("anna", "wrong password"), ("no-user", PASSWORD)):
        status, _ = await stranger.ask("POST", "/login", data={"name": name, "password": password, "to": "/learners"})
        assert status == 403
        assert "Name or password is not right." in stranger.words
        assert stranger.page.xpath("//input[@name='to']/@value") == ["/learners"]


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


async def test_who_logs_in_now_and_then_may_not_guess_the_more_at_another_ones_password(stranger, users):
    wrong, tried = {"name": "anna", "password": "wrong"}, []
    for _ in range(3):
        for _ in range(FAILURES - 1):
            tried.append((await stranger.ask("POST", "/login", data=wrong))[0])
        await stranger.ask("POST", "/login", data={"name": "ben", "password": PASSWORD})
    assert tried.count(403) == FAILURES
    assert tried.count(429) == len(tried) - FAILURES

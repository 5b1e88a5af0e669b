"""Pages behind a trusted web server: whose address counts, and who is logged in. What may not get through: attacks/."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from daemon.config.sections import WebSection
from daemon.pages.login_limit import FAILURES
from daemon.pages.proxy import PROXY_HEADER, ProxyError, is_from_proxy, visitor_address
from models.action import actions
from models.assignment import GradedAssignment
from models.web_user import WebUser, set_web_user
from tests.daemon.pages.conftest import PASSWORD
from tests.daemon.pages.proxied import SECRET, VISITOR, passed_on, trust_proxy
from tests.daemon.why.story import NOW, Story

WEB = WebSection(proxies=["192.0.2.0/24", "fd12::/32"], proxy_secret=SECRET)


def headers(*pairs):
    return CIMultiDictProxy(CIMultiDict(pairs))


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("192.0.2.9", True),
        ("fd12::1", True),
        ("192.0.3.9", False),
        ("fd13::1", False),
        (None, False),
        ("/run/x", False),
    ],
)
def test_a_web_server_is_known_by_its_address_and_the_secret(peer, expected):
    assert is_from_proxy(peer, headers((PROXY_HEADER, SECRET)), WEB) is expected
    for wrong in ([], [(PROXY_HEADER, "")], [(PROXY_HEADER, SECRET[:-1])], [(PROXY_HEADER, SECRET)] * 2):
        assert not is_from_proxy(peer, headers(*wrong), WEB)
    assert not is_from_proxy(peer, headers((PROXY_HEADER, SECRET)), WebSection())


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        (["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        (["198.51.100.1", "203.0.113.7 "], "203.0.113.7"),
        (["junk,,2001:DB8::1"], "2001:db8::1"),
    ],
)
def test_a_visitor_comes_from_what_the_web_server_wrote_last(lines, address):
    assert visitor_address(headers(*(("X-Forwarded-For", line) for line in lines))) == address


@pytest.mark.parametrize("line", [None, "", "203.0.113.7,", "unknown", "203.0.113.7:80", "[::1]", "::1%eth0", "1.2.3"])
def test_what_is_no_address_is_refused_rather_than_replaced(line):
    with pytest.raises(ProxyError, match="X-Forwarded-For"):
        visitor_address(headers(*([] if line is None else [("X-Forwarded-For", line)])))


async def test_each_visitor_behind_a_web_server_has_a_limit_of_wrong_passwords_and_is_named(
    stranger, users, site, caplog
):
    trust_proxy(site, user_header="")
    wrong, right = {"name": "anna", "password": "wrong"}, {"name": "anna", "password": PASSWORD}
    for expected in (*[403] * FAILURES, 429):
        assert (await stranger.ask("POST", "/login", data=wrong, headers=passed_on()))[0] == expected
    assert (await stranger.ask("POST", "/login", data=right, headers=passed_on()))[0] == 429
    elsewhere = passed_on(X_Forwarded_For=f"{VISITOR}, 203.0.113.8")
    assert (await stranger.ask("POST", "/login", data=right, headers=elsewhere))[0] == 303
    assert (await stranger.get("/", headers=elsewhere))[0] == 200, "its cookie is the visitor's"
    assert stranger.page.xpath("//form[@action='/logout']")


async def test_whom_the_web_server_names_is_logged_in_without_a_cookie(stranger, users, site):
    trust_proxy(site)
    status, _ = await stranger.get("/", headers=passed_on(X_User="ben"))
    assert (status, list(stranger.session.cookie_jar)) == (200, [])
    header = stranger.page.xpath("//header")[0]
    assert "ben" in header.text_content()
    assert not header.xpath(".//form"), "the log-in is the web server's"
    assert (await stranger.get("/login?to=/actions", headers=passed_on(X_User="ben")))[0] == 303
    assert stranger.answer.headers["Location"] == "/actions"


async def test_what_such_a_user_does_is_recorded_with_the_visitors_address(stranger, users, site):
    trust_proxy(site)
    await Story().begin(accepted=True)
    path, anna = f"/assignments/{(await GradedAssignment.get()).id}", passed_on(X_User="anna")
    await stranger.get(path, headers=anna)
    token = stranger.page.xpath("//main//input[@name='token']/@value")[0]
    status, _ = await stranger.ask("POST", f"{path}/resend", data={"token": token, "force": "yes"}, headers=anna)
    assert status == 303
    assert [(one["account"], one["host"]) for one in await actions()] == [("anna (web)", VISITOR)]


async def test_such_a_user_logs_out_at_the_web_server(stranger, users, site):
    trust_proxy(site)
    ben, before = passed_on(X_User="ben"), await WebUser.get(name="ben")
    await Story().begin(accepted=True)
    await stranger.get(f"/assignments/{(await GradedAssignment.get()).id}", headers=ben)
    token = stranger.page.xpath("//input[@name='token']/@value")[0]
    status, _ = await stranger.ask("POST", "/logout", data={"token": token}, headers=ben)
    assert (status, "at the web server" in stranger.words) == (403, True)
    assert (await WebUser.get(name="ben")).session_key == before.session_key


async def test_a_name_that_no_user_has_is_said_with_what_to_do(stranger, users, site):
    trust_proxy(site)
    status, _ = await stranger.get("/", headers=passed_on(X_User="<b>eve</b>\u202e"))
    assert status == 403
    assert "logged in as '<b>eve</b>" in stranger.words
    assert "Ask an operator" in stranger.words
    assert (stranger.page.xpath("//b"), "\u202e" in stranger.words) == ([], False)


async def test_without_users_there_is_no_page_behind_a_web_server_either(stranger, site):
    trust_proxy(site)
    for sent in (passed_on(X_User="anna"), passed_on(X_Forwarded_For="junk"), passed_on()):
        assert (await stranger.get("/", headers=sent))[0] == 404


async def test_a_user_without_a_password_is_let_in_by_the_web_server_alone(stranger, users, site):
    await set_web_user("cleo", "support", "", now=NOW)
    for password in ("", "a password that no user has", PASSWORD):
        status, _ = await stranger.ask("POST", "/login", data={"name": "cleo", "password": password})
        assert status == 403
    trust_proxy(site)
    assert (await stranger.get("/", headers=passed_on(X_User="cleo")))[0] == 200

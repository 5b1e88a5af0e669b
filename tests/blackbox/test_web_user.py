"""Who may open the pages is said by a command, and holds at once."""

import json
import re
import urllib.parse
import urllib.request

PASSWORD = "a password that is long"
SECRET = "0123456789abcdef" * 2
#: A web server of this machine logs users in.
BEHIND = {
    "PASSBACKD_WEB__PROXIES": "127.0.0.1",
    "PASSBACKD_WEB__PROXY_SECRET": SECRET,
    "PASSBACKD_WEB__USER_HEADER": "X-User",
}


def add(world, name, role, password=PASSWORD):
    return world.call("web", "user", "add", name, "--role", role, "--password-stdin", stdin=f"{password}\n")


def logs_in(daemon, name, password=PASSWORD):
    """Whether the log-in leads to the first page."""
    data = urllib.parse.urlencode({"name": name, "password": password, "to": "/"}).encode()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    try:
        with opener.open(f"http://127.0.0.1:{daemon.port}/login", data=data, timeout=60) as answer:
            return "Overview" in answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return False


def test_pages_open_with_the_first_user_and_close_with_the_last(pair):
    daemon = pair.begin()
    assert daemon.page("/")[0] == 404
    assert daemon.page("/login")[0] == 404
    said = add(pair, "anna", "operator")
    assert (said.code, said.out) == (0, "anna may open the pages as operator\n")
    assert daemon.page("/login")[0] == 200
    assert logs_in(daemon, "anna")
    assert not logs_in(daemon, "anna", "another password")
    said = add(pair, "anna", "support", "another password")
    assert said.out == "anna has a new password, and is support\n"
    assert (logs_in(daemon, "anna"), logs_in(daemon, "anna", "another password")) == (False, True)
    (listed,) = json.loads(pair.call("web", "user", "list", "--json").out)
    assert (listed["name"], listed["role"]) == ("anna", "support")
    assert pair.call("web", "user", "remove", "anna").code == 0
    assert daemon.page("/")[0] == 404
    said = pair.call("web", "user", "remove", "anna")
    assert (said.code, "there is no user 'anna'" in said.err) == (1, True)
    done = [one["command"] for one in json.loads(pair.call("actions", "--json").out)]
    assert done[:3] == ["web user remove", "web user add", "web user add"]
    log = daemon.log()
    assert PASSWORD not in log
    assert "another password" not in log


def test_what_can_be_no_user_is_refused_with_words(pair):
    assert pair.call("migrate").code == 0
    for name, role, password, words in (
        ("a b", "support", PASSWORD, "letters, digits"),
        ("", "support", PASSWORD, "letters, digits"),
        ("-anna", "support", PASSWORD, ""),
        ("a" * 65, "support", PASSWORD, "letters, digits"),
        ("anna", "admin", PASSWORD, "support"),
        ("anna", "support", "short", "12 to 200 characters"),
        ("anna", "support", "a" * 201, "12 to 200 characters"),
        ("anna", "support", "", "12 to 200 characters"),
    ):
        said = add(pair, name, role, password)
        assert (said.code, words in said.err) == (2, True), said.err
    said = pair.call("web", "user", "add", "anna", "--role", "support")
    assert (said.code, "--password-stdin" in said.err) == (2, True)
    assert pair.call("web", "user", "list").out.startswith("no user yet")


def test_a_user_whom_a_web_server_logs_in_needs_no_password(pair):
    assert pair.call("migrate").code == 0
    without = ("web", "user", "add", "cleo", "--role", "support", "--without-password")
    said = pair.call(*without)
    assert (said.code, "set web.user_header first" in said.err) == (2, True), said.err
    said = pair.call(*without, "--password-stdin", stdin=f"{PASSWORD}\n", **BEHIND)
    assert (said.code, "leave --password-stdin out" in said.err) == (2, True), said.err
    said = pair.call(*without, **BEHIND)
    assert said.out == "cleo may open the pages as support, when the web server before the daemon says so\n"
    assert add(pair, "anna", "operator").code == 0
    listed = json.loads(pair.call("web", "user", "list", "--json").out)
    assert [(one["name"], one["has_password"]) for one in listed] == [("anna", True), ("cleo", False)]
    shown = pair.call("web", "user", "list").out
    assert re.search(r"anna +operator +with a password", shown)
    assert re.search(r"cleo +support +at the web server", shown)
    said = pair.call("web", "user", "add", "anna", "--role", "support", "--without-password", **BEHIND)
    assert said.out == "anna has no password any more, and is support\n"
    selections = [one["selection"] for one in json.loads(pair.call("actions", "--json").out)]
    assert {"name": "anna", "role": "support", "without_password": True} in selections
    daemon = pair.begin()
    assert not logs_in(daemon, "cleo", "")
    assert not logs_in(daemon, "anna")


def overview(daemon, **headers):
    """What a daemon answers to one who asks for the first page with these headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"http://127.0.0.1:{daemon.port}/", headers=named)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return re.search("<title>(.*?)</title>", answer.read().decode())[1]


def test_a_daemon_believes_its_web_server_who_a_visitor_is(pair):
    assert pair.call("migrate").code == 0
    assert pair.call("web", "user", "add", "cleo", "--role", "support", "--without-password", **BEHIND).code == 0
    daemon = pair.run(**BEHIND).wait_ready()
    named = {"X_User": "cleo", "X_Forwarded_For": "203.0.113.7"}
    assert overview(daemon, X_Passbackd_Proxy=SECRET, **named) == "Overview · passbackd"
    assert overview(daemon, **named) == "Log in · passbackd"
    assert SECRET not in daemon.log()
    assert SECRET not in pair.call("config", **BEHIND).out

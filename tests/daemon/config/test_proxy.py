"""The settings of a web server before the daemon: what fits together, and what is refused with which words."""

import re

import pytest

from daemon.config import ConfigError, effective, load
from tests.daemon.config.files import written

SECRET = "0123456789abcdef" * 2
HERE = 'proxies = ["127.0.0.1/32"]\n'
BOTH = f'{HERE}proxy_secret = "{SECRET}"\n'


def refused(tmp_path, text):
    with pytest.raises(ConfigError) as error:
        load(written(tmp_path, f"[web]\n{text}"), {})
    return list(map(str, error.value.faults))


def test_without_any_no_one_is_believed():
    web = load(None, {}).web
    assert (web.proxies, web.proxy_secret, web.user_header) == ((), None, "")


def test_addresses_secret_and_header_may_come_from_anywhere_and_the_secret_is_not_shown(tmp_path):
    (tmp_path / "web.proxy_secret").write_text(f"{SECRET}\n")
    environ = {
        "PASSBACKD_WEB__PROXIES": "127.0.0.1, fd12::/32",
        "PASSBACKD_WEB__USER_HEADER": "X-User",
        "CREDENTIALS_DIRECTORY": str(tmp_path),
    }
    web = load(None, environ, cwd=tmp_path).web
    assert list(map(str, web.proxies)) == ["127.0.0.1/32", "fd12::/32"]
    assert (web.proxy_secret.get_secret_value(), web.user_header) == (SECRET, "X-User")
    shown, faults = effective(None, environ, cwd=tmp_path)
    assert (SECRET in shown, SECRET in repr(web), faults) == (False, False, [])
    assert 'proxy_secret = "***"' in shown
    assert 'proxy_secret = ""' in effective(None, {}, cwd=tmp_path)[0]


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        (HERE, "proxy_secret", "is empty, and an address alone is no identity"),
        (f'{HERE}proxy_secret = ""', "proxy_secret", "is empty"),
        (f'{HERE}proxy_secret = "{SECRET[:31]}"', "proxy_secret", "has 31 characters; 32 are the fewest"),
        (f'{HERE}proxy_secret = "{SECRET} x"', "proxy_secret", "holds a blank"),
        (f'{HERE}proxy_secret = "{SECRET}ü"', "proxy_secret", "other characters than ASCII's"),
        (f"{HERE}proxy_secret = 1", "proxy_secret", "should be a text"),
        ('proxies = ["here"]', "proxies", "which is no network"),
        ('proxies = ["127.0.0.1/8"]', "proxies", "write 127.0.0.0/8"),
        ('user_header = "X-User"', "user_header", "set web.proxies and web.proxy_secret"),
        (f'user_header = "X-User"\nproxy_secret = "{SECRET}"', "user_header", "set web.proxies"),
        (f"{BOTH}user_header = 1", "user_header", "should be the name of a header"),
    ],
)
def test_settings_that_do_not_fit_are_refused_without_the_secret(tmp_path, text, key, words):
    (fault,) = refused(tmp_path, text)
    assert fault.startswith(f"web.{key} ")
    assert words in fault
    for part in re.findall(r"[0-9a-f]{31,}", text):
        assert part not in fault
        assert part not in effective(tmp_path / "config.toml", {})[0]


@pytest.mark.parametrize("name", ["X User", "X-User:", "X-Üser", "(user)", "X-User\\n", "a" * 101, "X/User"])
def test_what_is_no_headers_name_is_refused(tmp_path, name):
    (fault,) = refused(tmp_path, f'{BOTH}user_header = "{name}"')
    assert "no name of a header" in fault


@pytest.mark.parametrize(
    "name",
    ["Cookie", "host", "AUTHORIZATION", "X-Forwarded-For", "x-forwarded-proto", "Origin", "Sec-Fetch-Site", "Referer",
     "Content-Length", "Transfer-Encoding", "Connection", "X-Passbackd-Proxy", "User-Agent", "Forwarded", "Upgrade"],
)  # fmt: skip
def test_a_header_that_means_something_already_is_refused(tmp_path, name):
    (fault,) = refused(tmp_path, f'{BOTH}user_header = "{name}"')
    assert "has a meaning of its own" in fault


@pytest.mark.parametrize(
    "name", ["X-User", "Remote-User", "X-Forwarded-User", "X-Auth-Request-User", "OIDC_CLAIM_preferred_username"]
)
def test_names_that_web_servers_use_for_users_are_taken(tmp_path, name):
    assert load(written(tmp_path, f'[web]\n{BOTH}user_header = "{name}"'), {}).web.user_header == name


def test_a_wrong_secret_is_said_once(tmp_path):
    assert len(refused(tmp_path, f'{HERE}proxy_secret = "short"\nuser_header = "X-User"')) == 1

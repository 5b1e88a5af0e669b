"""The effective configuration: it can be read again, and shows no secret."""

import pytest
from cryptography.fernet import Fernet

from daemon.config import effective, load
from tests.daemon.config.files import written


def test_the_effective_configuration_can_be_read_again(tmp_path):
    environ = {
        "PASSBACKD_EGRESS__ALLOW_NETWORKS": "10.0.0.0/8",
        "PASSBACKD_OUTCOMES__TIMEOUT_SECONDS": "2.5",
        "PASSBACKD_OUTCOMES__PROFILES": '{"a \\"b\\"": "moodle", "c.d": "canvas"}',
    }
    text, wrong = effective(written(tmp_path, "[web]\nport = 1"), environ)
    assert wrong == []
    assert "port = 1  # " in text
    assert r'profiles = { "a \"b\"" = "moodle", "c.d" = "canvas" }  # environment' in text
    assert "timeout_seconds = 2.5  # environment PASSBACKD_OUTCOMES__TIMEOUT_SECONDS\n" in text
    assert load(written(tmp_path, text), {}) == load(written(tmp_path, "[web]\nport = 1"), environ)


@pytest.mark.parametrize("wrong", [{}, {"PASSBACKD_WEB__PORT": "x"}])
@pytest.mark.parametrize(
    ("variable", "url", "shown"),
    [
        ("DATABASE", "postgresql://me:SECRET@host/db", "postgresql://me:***@host/db"),
        ("REDIS", "redis://:SECRET@host:6379/0", "redis://:***@host:6379/0"),
        ("REDIS", "rediss://host/0?password=SECRET", "rediss://host/0?password=***"),
    ],
)
def test_the_effective_configuration_shows_no_password(variable, url, shown, wrong):
    text, found = effective(None, {f"PASSBACKD_{variable}__URL": url, **wrong})
    assert f'url = "{shown}"' in text
    assert "SECRET" not in text
    assert len(found) == len(wrong)


@pytest.mark.parametrize("wrong", [{}, {"PASSBACKD_WEB__PORT": "x"}])
def test_the_effective_configuration_shows_no_key_that_encrypts(wrong):
    key = Fernet.generate_key().decode()
    text, found = effective(None, {"PASSBACKD_SECRETS__KEYS": key, **wrong})
    assert "***" in text
    assert key not in text + str(found)
    assert len(found) == len(wrong)


def test_the_effective_configuration_is_shown_although_it_is_wrong(tmp_path):
    text, found = effective(
        written(tmp_path, '[web]\nport = "x"\nhost = "::"\nmystery = 1'),
        {"PASSBACKD_DATABASE__URL": "postgresql://user:SECRET"},
    )
    assert {fault.key for fault in found} == {"web.mystery", "web.port", "database.url"}
    assert 'host = "::"' in text
    assert "profiles = {}  # default" in text
    assert 'port = "x"  # WRONG, ' in text
    assert 'url = "***"  # WRONG, environment PASSBACKD_DATABASE__URL' in text
    assert "SECRET" not in text + str(found)


def test_a_url_that_strayed_to_where_a_path_belongs_shows_no_password(tmp_path):
    file = written(tmp_path, '[egress]\nca_file = "postgresql://u:pa55word@h/d"\n')
    shown, wrong = effective(file, {})
    assert len(wrong) == 1
    assert "pa55word" not in shown + str(wrong[0])

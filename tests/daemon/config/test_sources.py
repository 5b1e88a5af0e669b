"""The sources: their precedence, what text can say, and what they refuse."""

import re
from ipaddress import ip_network

import pytest

from daemon.config import ConfigError, load
from tests.daemon.config.files import faults, written

NETWORKS = (ip_network("10.0.0.0/8"), ip_network("fd12::/32"))
PROFILES = {"a": "canvas", "b = c": "moodle"}


def test_environment_comes_before_credential_before_file_before_default(tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for name in ("redis.stream", "redis.dramatiq_namespace"):
        (credentials / name).write_text("credential\n")
    text = '[redis]\nstream = "file"\ndramatiq_namespace = "file"\nembedded_port = 1\n'
    environ = {"CREDENTIALS_DIRECTORY": str(credentials), "PASSBACKD_REDIS__STREAM": "environment"}
    redis = load(written(tmp_path, text), environ).redis
    assert (redis.stream, redis.dramatiq_namespace, redis.embedded_port) == ("environment", "credential", 1)
    assert redis.url == "embedded"


def test_a_credential_of_a_folder_is_read_as_systemd_names_it_and_one_by_its_own_name_comes_before_it(tmp_path):
    (tmp_path / "passbackd_redis.stream").write_text("folder\n")
    (tmp_path / "passbackd_redis.dramatiq_namespace").write_text("folder\n")
    (tmp_path / "redis.dramatiq_namespace").write_text("own\n")
    redis = load(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).redis
    assert (redis.stream, redis.dramatiq_namespace) == ("folder", "own")
    (tmp_path / "passbackd_redis.ulr").write_text("x")
    with pytest.raises(ConfigError, match=r"redis.ulr \(credential .*/passbackd_redis.ulr\): unknown key"):
        load(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_a_table_replaces_that_of_a_lower_source(tmp_path):
    (tmp_path / "egress.campuses").write_text('{"b": {"minimum_tls": "1.3"}}\n')
    text = '[outcomes.profiles]\na = "moodle"\n[egress.campuses]\na = { minimum_tls = "1.2" }\n'
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "PASSBACKD_OUTCOMES__PROFILES": "c=moodle"}
    config = load(written(tmp_path, text), environ)
    assert (config.outcomes.profiles, list(config.egress.campuses)) == ({"c": "moodle"}, ["b"])


@pytest.mark.parametrize(
    ("variable", "text", "section", "key", "value"),
    [
        ("OUTCOMES__COMPOSITE_DELAY_SECONDS", "0.5", "outcomes", "composite_delay_seconds", 0.5),
        ("OUTCOMES__COMPOSITE_DELAY_SECONDS", "900", "outcomes", "composite_delay_seconds", 900),
        ("WORKER__PARTITIONS", "8", "worker", "partitions", 8),
        ("OUTCOMES__SKIP_UNCHANGED", "false", "outcomes", "skip_unchanged", False),
        ("EGRESS__ALLOW_HTTP", "Yes", "egress", "allow_http", True),
        ("LOG__LEVEL", "DEBUG", "log", "level", "debug"),
        ("EGRESS__ALLOW_NETWORKS", "10.0.0.0/8, fd12::/32", "egress", "allow_networks", NETWORKS),
        ("EGRESS__ALLOW_NETWORKS", '["10.0.0.0/8", "fd12::/32"]', "egress", "allow_networks", NETWORKS),
        ("EGRESS__ALLOW_NETWORKS", "", "egress", "allow_networks", ()),
        ("OUTCOMES__PROFILES", "a=canvas, b = c =moodle", "outcomes", "profiles", PROFILES),
        ("OUTCOMES__PROFILES", '{"a": "canvas", "b = c": "moodle"}', "outcomes", "profiles", PROFILES),
        ("OUTCOMES__PROFILES", "", "outcomes", "profiles", {}),
        ("EGRESS__CA_FILE", "", "egress", "ca_file", None),
    ],
)
def test_the_environment_gives_values_as_text(variable, text, section, key, value):
    config = load(None, {f"PASSBACKD_{variable}": text})
    assert getattr(getattr(config, section), key) == value


@pytest.mark.parametrize(
    "text", ['[outcomes]\nprofiles = { "a.b" = "canvas" }', '[outcomes.profiles]\n"a.b" = "canvas"']
)
def test_profiles_are_an_inline_table_or_a_table_of_their_own(tmp_path, text):
    assert load(written(tmp_path, text), {}).outcomes.profiles == {"a.b": "canvas"}


@pytest.mark.parametrize(
    "name", ["PASSBACKD_WEB", "PASSBACKD_web__PORT", "PASSBACKD_WBE__PORT", "PASSBACKD_OUTCOMES__PROFILES__A"]
)
def test_a_variable_that_is_not_exactly_a_key_is_a_fault(tmp_path, name):
    (fault,) = faults(tmp_path, environ={name: "1"})
    assert fault.startswith(f"{name} (environment): unknown variable: ")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("WEB__PORT", "true"),
        ("WEB__PORT", ""),
        ("OUTCOMES__TIMEOUT_SECONDS", "true"),
        ("OUTCOMES__PROFILES", "canvas"),
        ("EGRESS__ALLOW_NETWORKS", "[10.0.0.0/8"),
        ("REDIS__EMBEDDED_DIR", ""),
    ],
)
def test_a_text_of_another_kind_is_a_fault(tmp_path, name, text):
    (fault,) = faults(tmp_path, environ={f"PASSBACKD_{name}": text})
    assert fault.startswith(f"{name.lower().replace('__', '.')} (environment PASSBACKD_{name}): should be a ")


def test_other_variables_and_credentials_and_a_byte_order_mark_are_ignored(tmp_path):
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xef\xbb\xbf[web]\nport = 1\n")
    assert load(file, {"HOME": "/", "PASSBACK": "1", "CREDENTIALS_DIRECTORY": str(tmp_path)}).web.port == 1


def test_a_section_that_is_none_is_a_fault_also_where_the_environment_sets_its_keys(tmp_path):
    (fault,) = faults(tmp_path, 'log = "debug"\n', {"PASSBACKD_LOG__FORMAT": "json"})
    assert re.search(r"^log \(.*config\.toml\): is a section: write \[log\]", fault)


def test_a_syntax_error_is_named_by_its_line_beside_the_other_faults(tmp_path):
    first, second = faults(tmp_path, "[web]\nport = \n", {"PASSBACKD_WEB__PORT": "-1"})
    assert re.search(r"config\.toml\): is not TOML: .*line 2", first)
    assert second.startswith("web.port (environment PASSBACKD_WEB__PORT): should be greater than or equal to 0")

"""The configuration: precedence, every fault listed, no secret shown."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from ipaddress import ip_network
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cryptography.fernet import Fernet

from actors.retry import MAX_ATTEMPTS
from daemon.config import Config, ConfigError, effective, find_config_file, load, zone

ROOT = Path(__file__).parents[2]


def written(folder: Path, text: str) -> Path:
    file = folder / "config.toml"
    file.write_text(text)
    return file


def faults(folder: Path, text: str = "", environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(written(folder, text), environ or {})
    assert str(caught.value) == "\n".join(map(str, caught.value.faults))
    assert all("\n" not in str(fault) for fault in caught.value.faults)
    return [str(fault) for fault in caught.value.faults]


# The documented file


def test_the_documented_file_says_the_defaults():
    assert load(ROOT / "config.toml", {}) == load(ROOT / "config.toml", {"CREDENTIALS_DIRECTORY": ""})
    assert load(ROOT / "config.toml", {}).config == load(None, {}, cwd=ROOT).config


def test_the_documented_file_names_every_key():
    content = tomllib.loads((ROOT / "config.toml").read_text())
    assert {name: list(table) for name, table in content.items()} == {
        name: list(table) for name, table in Config().model_dump().items()
    }


def test_every_key_of_the_documented_file_has_a_comment_above():
    lines = (ROOT / "config.toml").read_text().splitlines()
    bare = [line for before, line in pairwise(lines) if re.match(r"\w+ = ", line) and not before.startswith("#")]
    assert bare == []


def test_the_attempts_are_those_of_the_retry_clock():
    assert Config().outcomes.max_attempts == MAX_ATTEMPTS


# Which file


def test_the_file_that_is_named_wins(tmp_path):
    written(tmp_path, "")
    other = tmp_path / "other.toml"
    other.write_text("")
    assert find_config_file(Path("other.toml"), tmp_path) == other
    assert find_config_file(other, tmp_path / "elsewhere") == other


def test_a_named_file_that_does_not_exist_is_a_fault(tmp_path):
    with pytest.raises(ConfigError, match=r"^--config \(missing.toml\): there is no such file"):
        find_config_file(Path("missing.toml"), tmp_path)


def test_the_current_folder_comes_before_the_system(tmp_path):
    system = tmp_path / "system.toml"
    assert find_config_file(None, tmp_path, system=system) is None
    system.write_text("")
    assert find_config_file(None, tmp_path, system=system) == system
    assert find_config_file(None, tmp_path, system=system) != written(tmp_path, "")
    assert find_config_file(None, tmp_path, system=system) == tmp_path / "config.toml"


# Precedence and kinds of values


def test_environment_comes_before_credential_before_file_before_default(tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for name in ("redis.stream", "redis.dramatiq_namespace"):
        (credentials / name).write_text("credential\n")
    text = '[redis]\nstream = "file"\ndramatiq_namespace = "file"\nembedded_port = 1\n'
    environ = {"CREDENTIALS_DIRECTORY": str(credentials), "PASSBACKD_REDIS__STREAM": "environment"}
    redis = load(written(tmp_path, text), environ).config.redis
    assert (redis.stream, redis.dramatiq_namespace, redis.embedded_port) == ("environment", "credential", 1)
    assert redis.url == "embedded"


@pytest.mark.parametrize(
    ("variable", "text", "section", "key", "value"),
    [
        ("OUTCOMES__COMPOSITE_DELAY_SECONDS", "0.5", "outcomes", "composite_delay_seconds", 0.5),
        ("OUTCOMES__COMPOSITE_DELAY_SECONDS", "900", "outcomes", "composite_delay_seconds", 900),
        ("WORKER__PARTITIONS", "8", "worker", "partitions", 8),
        ("OUTCOMES__SKIP_UNCHANGED", "false", "outcomes", "skip_unchanged", False),
        ("EGRESS__ALLOW_HTTP", "Yes", "egress", "allow_http", True),
        ("LOG__LEVEL", "DEBUG", "log", "level", "debug"),
        ("EGRESS__ALLOW_NETWORKS", "", "egress", "allow_networks", ()),
        ("OUTCOMES__PROFILES", "", "outcomes", "profiles", {}),
        ("EGRESS__CA_FILE", "", "egress", "ca_file", None),
    ],
)
def test_the_environment_speaks_in_text(variable, text, section, key, value):
    config = load(None, {f"PASSBACKD_{variable}": text}).config
    assert getattr(getattr(config, section), key) == value


@pytest.mark.parametrize("text", ["10.0.0.0/8, fd12::/32", '["10.0.0.0/8", "fd12::/32"]'])
def test_networks_are_separated_by_commas_or_written_as_json(text):
    networks = load(None, {"PASSBACKD_EGRESS__ALLOW_NETWORKS": text}).config.egress.allow_networks
    assert networks == (ip_network("10.0.0.0/8"), ip_network("fd12::/32"))


@pytest.mark.parametrize("text", ["a=canvas, b = c =moodle", '{"a": "canvas", "b = c": "moodle"}'])
def test_profiles_are_pairs_separated_by_commas_or_written_as_json(text):
    profiles = load(None, {"PASSBACKD_OUTCOMES__PROFILES": text}).config.outcomes.profiles
    assert profiles == {"a": "canvas", "b = c": "moodle"}


@pytest.mark.parametrize(
    "text", ['[outcomes]\nprofiles = { "a.b" = "canvas" }', '[outcomes.profiles]\n"a.b" = "canvas"']
)
def test_profiles_are_an_inline_table_or_a_table_of_their_own(tmp_path, text):
    assert load(written(tmp_path, text), {}).config.outcomes.profiles == {"a.b": "canvas"}


def test_a_table_replaces_that_of_a_lower_source(tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "outcomes.profiles").write_text('{"b": "canvas"}\n')
    (credentials / "egress.campuses").write_text('{"b": {"minimum_tls": "1.3"}}\n')
    text = '[outcomes.profiles]\na = "moodle"\n[egress.campuses]\na = { minimum_tls = "1.2" }\n'
    environ = {"CREDENTIALS_DIRECTORY": str(credentials), "PASSBACKD_OUTCOMES__PROFILES": "c=moodle"}
    config = load(written(tmp_path, text), environ).config
    assert config.outcomes.profiles == {"c": "moodle"}
    assert list(config.egress.campuses) == ["b"]


def test_sections_and_keys_are_written_in_small_letters(tmp_path):
    assert [fault.partition(" (")[0] for fault in faults(tmp_path, "[WEB]\n[log]\nLevel = 'info'\n")] == [
        "log.Level",
        "WEB",
    ]


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


def test_other_variables_and_credentials_are_nobodys_business(tmp_path):
    (tmp_path / "tls.pem").write_text("")
    assert load(None, {"HOME": "/", "PASSBACK": "1", "CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xef\xbb\xbf[web]\nport = 1\n")
    assert load(file, {}).config.web.port == 1


# Paths


def test_relative_paths_are_seen_from_the_file(tmp_path):
    (tmp_path / "ca.pem").write_text("")
    config = load(written(tmp_path, '[egress]\nca_file = "ca.pem"'), {}).config
    assert config.database.url == f"sqlite://{tmp_path}/state/passbackd.db"
    assert config.redis.embedded_dir == tmp_path / "state" / "valkey"
    assert config.egress.ca_file == tmp_path / "ca.pem"


def test_relative_paths_are_seen_from_the_current_folder_without_a_file(tmp_path):
    assert load(None, {}, cwd=tmp_path).config.redis.embedded_dir == tmp_path / "state" / "valkey"


def test_absolute_paths_stay(tmp_path):
    text = '[database]\nurl = "sqlite:///srv/x.db"\n[redis]\nembedded_dir = "/srv/valkey"'
    config = load(written(tmp_path, text), {}).config
    assert (config.database.url, str(config.redis.embedded_dir)) == ("sqlite:///srv/x.db", "/srv/valkey")


# Faults


def test_every_fault_is_listed_with_its_key_and_its_source(tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "database.ulr").write_text("x")
    (credentials / "redis.url").write_bytes(b"\xff")
    text = '[databse]\n[web]\nport = "9871"\nprt = 1\n[log]\nlevel = "loud"\n'
    environ = {
        "CREDENTIALS_DIRECTORY": str(credentials),
        "PASSBACKD_REDIS__EMBEDDED_PORT": "many",
        "PASSBACKD_REDIS_URL": "redis://x",
    }
    file = tmp_path / "config.toml"
    assert faults(tmp_path, text, environ) == [
        f"database.ulr (credential {credentials}/database.ulr): unknown key: perhaps database.url is meant?",
        f"redis.url (credential {credentials}/redis.url): cannot be read as UTF-8 text: write it anew",
        "PASSBACKD_REDIS_URL (environment): unknown variable: perhaps PASSBACKD_REDIS__URL is meant?",
        "redis.embedded_port (environment PASSBACKD_REDIS__EMBEDDED_PORT): should be a valid integer, not 'many'",
        f"web.port ({file}): should be a valid integer, not '9871'",
        f"web.prt ({file}): unknown key: perhaps web.port is meant?",
        f"log.level ({file}): should be 'debug', 'info', 'warning' or 'error', not 'loud'",
        f"databse ({file}): unknown section: perhaps database is meant?",
    ]


def test_a_section_that_is_none_is_a_fault_also_where_the_environment_sets_its_keys(tmp_path):
    (fault,) = faults(tmp_path, 'log = "debug"\n', {"PASSBACKD_LOG__FORMAT": "json"})
    assert re.search(r"^log \(.*config\.toml\): is a section: write \[log\]", fault)


def test_a_syntax_error_is_named_by_its_line_beside_the_other_faults(tmp_path):
    first, second = faults(tmp_path, "[web]\nport = \n", {"PASSBACKD_WEB__PORT": "-1"})
    assert re.search(r"config\.toml\): is not TOML: .*line 2", first)
    assert second.startswith("web.port (environment PASSBACKD_WEB__PORT): should be greater than or equal to 0")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("web = 1", "web (.*): is a section: write [web] and its keys below it"),
        ("port = 1", "port (.*): unknown key outside a section"),
        ("[web.port]", "web.port (.*): should be a valid integer, not {}"),
        ("[web]\nport = true", "should be a valid integer, not True"),
        ("[database]\nmigrate_on_start = 1", "should be a valid boolean, not 1"),
        ("[outcomes]\ntimeout_seconds = 0", "should be greater than 0, not 0"),
        ("[outcomes]\ntimeout_seconds = inf", "should be a finite number, not inf"),
        ("[outcomes]\nhold_seconds = nan", "not nan"),
        ("[outcomes]\ntimeout_seconds = true", "should be a valid number, not True"),
        ("[outcomes]\nmax_per_campus = 0", "should be greater than or equal to 1, not 0"),
        ("[outcomes]\ncomposite_max_delay_seconds = 604801", "less than or equal to 604800, not 604801"),
        (
            "[outcomes]\ncomposite_delay_seconds = 7200",
            "outcomes.composite_max_delay_seconds (default): 3600 is less than",
        ),
        ("[worker]\npartitions = 65", "should be less than or equal to 64"),
        ('[redis]\nstream = ""', "redis.stream (.*): should not be empty"),
        ('[redis]\nembedded_dir = ""', "should be a path, in quotes"),
        ('[egress]\nca_file = "missing.pem"', "egress.ca_file (.*): there is no file"),
        ('[egress]\nallow_networks = "10.0.0.0/8"', "should be a list of networks"),
        ('[egress]\nallow_networks = ["10.1.2.3/8"]', "an address inside a network: write 10.0.0.0/8"),
        ('[egress]\nallow_networks = ["campus"]', "holds 'campus', which is no network"),
        ('[outcomes]\nprofiles = "canvas"', 'should be a table, as in { example = "canvas" }'),
        (
            '[outcomes]\nprofiles = { a = "canvas", "b c" = "Canvas" }',
            "outcomes.profiles (.*): says 'Canvas' for the consumer key 'b c': write one of default, canvas, moodle,",
        ),
        ("[outcomes]\nprofiles = { a = 1 }", "says 1 for the consumer key 'a'"),
        ('[log]\ntimezone = "Mars/Base"', "'Mars/Base' is no time zone"),
        ('[log]\ntimezone = ""', "'' is no time zone"),
        ('[log]\ntimezone = "../UTC"', "is no time zone"),
    ],
)
def test_a_bad_value_is_named_with_what_it_should_be(tmp_path, text, problem):
    (fault,) = faults(tmp_path, text)
    assert re.search(re.escape(problem).replace(r"\(\.\*\)", r"\(.*\)"), fault)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://relative.db",
        "sqlite:///absolute.db",
        "postgres://host/passbackd",
        "postgresql://user:p%40ss@host:5432/passbackd?sslmode=verify-full",
        "postgresql:///passbackd?host=/run/postgresql",
    ],
)
def test_a_database_url_is_accepted(url):
    load(None, {"PASSBACKD_DATABASE__URL": url})


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "should begin with sqlite:// or postgresql://"),
        ("mysql://user:SECRET@host/db", "should begin with sqlite:// or postgresql://"),
        ("postgresql+asyncpg://user:SECRET@host/db", "should begin with sqlite:// or postgresql://"),
        ("sqlite:relative.db", "should begin with sqlite://"),
        ("sqlite://", "names no file"),
        ("sqlite://:memory:", "nothing would outlive the daemon"),
        ("sqlite://x.db?mode=ro", "takes no options"),
        ("postgresql://user:SECRET@host", "names no database"),
        ("postgresql://user:SECRET@/db", "names no host"),
        ("postgresql://user:SECRET@host/db?sslmode=maybe", "unknown sslmode"),
        ("postgresql://user:SECRET@host/db?application_name=x", "unknown option application_name"),
        ("postgresql://user:SECRET@host:port/db", "cannot be read as scheme://"),
        ("postgresql://user:SEC/RET@host/db", "write %40 for @"),
        ("postgresql://user:SEC#RET@host/db", "write %40 for @"),
        ("postgresql://user:SEC?RET@host/db", "write %40 for @"),
        ("postgresql://user:SEC[RET@host/db", "write %40 for @"),
        ("postgresql://user:SEC RET@host/db", "write %40 for @"),
    ],
)
def test_a_bad_database_url_is_refused_without_quoting_it(url, problem):
    with pytest.raises(ConfigError) as caught:
        load(None, {"PASSBACKD_DATABASE__URL": url})
    (fault,) = caught.value.faults
    assert problem in fault.problem
    assert "SEC" not in str(fault)
    assert "RET" not in str(fault)


@pytest.mark.parametrize("url", ["embedded", "redis://host", "rediss://user:pass@host:6380/2", "redis://:pass@host/0"])
def test_a_redis_url_is_accepted(url):
    load(None, {"PASSBACKD_REDIS__URL": url})


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("Embedded", 'should be "embedded"'),
        ("localhost:6379", 'should be "embedded" or begin with redis://'),
        ("redis://:SECRET", "cannot be read as scheme://"),
        ("redis://:SECRET@:6379", "names no host"),
        ("redis://:SECRET@host/name", "the number of a logical database"),
        ("redis://:SEC@RET@host/x/y", "the number of a logical database"),
    ],
)
def test_a_bad_redis_url_is_refused_without_quoting_it(url, problem):
    with pytest.raises(ConfigError) as caught:
        load(None, {"PASSBACKD_REDIS__URL": url})
    (fault,) = caught.value.faults
    assert problem in fault.problem
    assert "SEC" not in str(fault)
    assert "RET" not in str(fault)


# What is in force


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
    assert load(written(tmp_path, text), {}).config == load(written(tmp_path, "[web]\nport = 1"), environ).config


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
def test_the_effective_configuration_shows_no_key_that_encrypts(tmp_path, wrong):
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    (tmp_path / "secrets.keys").write_text("\n".join(keys))
    text, found = effective(None, {"CREDENTIALS_DIRECTORY": str(tmp_path), **wrong})
    assert "***" in text
    assert not any(key in text + str(found) for key in keys)
    assert len(found) == len(wrong)


def test_the_effective_configuration_is_shown_although_it_is_wrong(tmp_path):
    text, found = effective(
        written(tmp_path, '[web]\nport = "x"\nhost = "::"\nmystery = 1'),
        {"PASSBACKD_DATABASE__URL": "postgresql://user:SECRET"},
    )
    assert {fault.key for fault in found} == {"web.mystery", "web.port", "database.url"}
    assert 'host = "::"' in text
    assert 'port = "x"  # WRONG, ' in text
    assert 'url = "***"  # WRONG, environment PASSBACKD_DATABASE__URL' in text
    assert "SECRET" not in text + str(found)


def test_the_local_time_zone_is_that_of_the_machine():
    moment = datetime(2026, 7, 1, tzinfo=UTC)
    assert zone("local") is None
    assert zone("Europe/Berlin") == ZoneInfo("Europe/Berlin")
    assert moment.astimezone(zone("Europe/Berlin")).hour == 2


def test_a_campus_can_have_an_authority_and_a_version_of_tls_of_its_own(tmp_path):
    (tmp_path / "own.pem").write_text("")
    text = (
        '[egress.campuses]\nexample = { ca_file = "own.pem", minimum_tls = "1.3" }\nother = { minimum_tls = "1.3" }\n'
    )
    campuses = load(written(tmp_path, text), {}).config.egress.campuses
    assert campuses["example"].ca_file == tmp_path / "own.pem"
    assert (campuses["other"].ca_file, campuses["other"].minimum_tls) == (None, "1.3")
    shown, _ = effective(written(tmp_path, text), {})
    assert f'campuses = {{ "example" = {{ "ca_file" = "{tmp_path}/own.pem", "minimum_tls" = "1.3" }}' in shown
    by_environment = load(None, {"PASSBACKD_EGRESS__CAMPUSES": '{"example": {"minimum_tls": "1.3"}}'}, cwd=tmp_path)
    assert by_environment.config.egress.campuses["example"].minimum_tls == "1.3"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('{ example = { minimum_tls = "1.1" } }', "egress.campuses"),
        ("{ example = { verify = false } }", "egress.campuses"),
        ('{ example = "own.pem" }', "egress.campuses"),
        ('{ example = { ca_file = "missing.pem" } }', "there is no file"),
    ],
)
def test_what_a_campus_cannot_have_is_named(tmp_path, value, words):
    (fault,) = faults(tmp_path, f"[egress]\ncampuses = {value}\n")
    assert fault.startswith("egress.campuses")
    assert words in fault


def test_a_path_that_is_too_long_is_a_fault_like_any_other(tmp_path):
    (fault,) = faults(tmp_path, f'[egress]\nca_file = "{"x" * 300}"\n')
    assert fault.startswith("egress.ca_file")
    with pytest.raises(ConfigError):
        load(find_config_file(Path("x" * 300), tmp_path), {})


def test_what_has_its_default_is_shown_also_beside_what_is_wrong(tmp_path):
    shown, wrong = effective(written(tmp_path, "[web]\nport = -1\n"), {})
    assert len(wrong) == 1
    assert "profiles = {}  # default" in shown
    assert "Undefined" not in shown


def test_a_url_that_strayed_to_where_a_path_belongs_shows_no_password(tmp_path):
    file = written(tmp_path, '[egress]\nca_file = "postgresql://u:pa55word@h/d"\n')
    shown, wrong = effective(file, {})
    assert len(wrong) == 1
    assert "pa55word" not in shown + str(wrong[0])

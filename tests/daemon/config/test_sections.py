"""The settings: what each accepts, and how a bad value is named."""

import re
from zoneinfo import ZoneInfo

import pytest

from actors.egress import EgressRefused
from actors.retry import MAX_ATTEMPTS
from daemon.config import Config, effective, load, zone
from tests.daemon.config.files import faults, written


def test_the_attempts_are_those_of_the_retry_clock_and_the_local_zone_is_the_machines():
    assert Config().outcomes.max_attempts == MAX_ATTEMPTS
    assert (zone("local"), zone("Europe/Berlin")) == (None, ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("web = 1", "web (.*): is a section: write [web] and its keys below it"),
        ("port = 1", "port (.*): unknown key outside a section"),
        ("[WEB]", "WEB (.*): unknown section: remove it"),
        ("[log]\nLevel = 'info'", "log.Level (.*): unknown key"),
        ("[web.port]", "web.port (.*): should be a valid integer, not {}"),
        ("[web]\nport = true", "should be a valid integer, not True"),
        ("[database]\nmigrate_on_start = 1", "should be a valid boolean, not 1"),
        ("[outcomes]\ntimeout_seconds = 0", "should be greater than 0, not 0"),
        ("[outcomes]\ntimeout_seconds = inf", "should be a finite number, not inf"),
        ("[outcomes]\nhold_seconds = nan", "not nan"),
        ("[outcomes]\ntimeout_seconds = true", "should be a valid number, not True"),
        ("[outcomes]\nmax_per_campus = 0", "should be greater than or equal to 1, not 0"),
        (f"[outcomes]\nmax_per_campus = {'9' * 30}", "should be less than or equal to 100000, not 9"),
        ("[outcomes]\nmax_connections = 100001", "should be less than or equal to 100000, not 100001"),
        ("[outcomes]\nmax_attempts = 100001", "should be less than or equal to 100000, not 100001"),
        ("[outcomes]\ntimeout_seconds = 86401", "should be less than or equal to 86400, not 86401"),
        ("[outcomes]\nhold_seconds = 1e308", "should be less than or equal to 86400, not 1e+308"),
        ("[worker]\ndrain_seconds = 1e308", "should be less than or equal to 86400, not 1e+308"),
        ("[retention]\nstream_days = 1e308", "should be less than or equal to 36500, not 1e+308"),
        ("[retention]\nledger_days = 1e15", "should be less than or equal to 36500, not 1000000000000000"),
        ("[retention]\nquarantine_days = 36501", "should be less than or equal to 36500, not 36501"),
        ("[outcomes]\ncomposite_max_delay_seconds = 604801", "less than or equal to 604800, not 604801"),
        (
            "[outcomes]\ncomposite_delay_seconds = 7200",
            "outcomes.composite_max_delay_seconds (default): 3600 is less than",
        ),
        ("[worker]\npartitions = 65", "should be less than or equal to 64"),
        ('[redis]\nstream = ""', "redis.stream (.*): should not be empty"),
        ('[redis]\nembedded_dir = ""', "should be a path, in quotes"),
        ('[egress]\nca_file = "missing.pem"', "egress.ca_file (.*): there is no file"),
        (f'[egress]\nca_file = "{"x" * 300}"', "egress.ca_file"),
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
        ('[egress]\ncampuses = { a = { minimum_tls = "1.1" } }', "egress.campuses"),
        ("[egress]\ncampuses = { a = { verify = false } }", "egress.campuses"),
        ('[egress]\ncampuses = { a = "own.pem" }', "egress.campuses"),
        ('[egress]\ncampuses = { a = { ca_file = "missing.pem" } }', "there is no file"),
        ('[egress]\ncampuses = { a = { allow_hosts = "lms.example" } }', "should be a list of host names"),
        ('[egress]\ncampuses = { a = { allow_hosts = ["https://lms.example"] } }', "write the host's whole name alone"),
        ('[egress]\ncampuses = { a = { allow_hosts = ["lms.example:8443"] } }', "write the host's whole name alone"),
        ('[egress]\ncampuses = { a = { allow_hosts = ["*.example.edu"] } }', "write the host's whole name alone"),
        ('[egress]\ncampuses = { a = { allow_hosts = [""] } }', "should be a list of host names"),
        ('[egress]\ncampuses = { a = { allow_networks = ["10.1.2.3/8"] } }', "an address inside a network"),
        ('[egress]\ncampuses = { "" = { allow_hosts = ["lms.example"] } }', "egress.campuses"),
    ],
)
def test_a_bad_value_is_named_with_what_it_should_be(tmp_path, text, problem):
    (fault,) = faults(tmp_path, text)
    assert re.search(re.escape(problem).replace(r"\(\.\*\)", r"\(.*\)"), fault)


def test_what_is_kept_for_ever_is_kept_for_a_century(tmp_path):
    kept = load(written(tmp_path, "[retention]\nstream_days = 36500\nledger_days = 36500"), {}).retention
    assert (kept.stream_days, kept.ledger_days) == (36_500, 36_500)


def test_a_campus_can_have_an_authority_and_a_version_of_tls_of_its_own(tmp_path):
    (tmp_path / "own.pem").write_text("")
    text = (
        '[egress.campuses]\nexample = { ca_file = "own.pem", minimum_tls = "1.3" }\nother = { minimum_tls = "1.3" }\n'
    )
    campuses = load(written(tmp_path, text), {}).egress.campuses
    assert campuses["example"].ca_file == tmp_path / "own.pem"
    assert (campuses["other"].ca_file, campuses["other"].minimum_tls) == (None, "1.3")
    shown, _ = effective(written(tmp_path, text), {})
    assert f'campuses = {{ "example" = {{ "ca_file" = "{tmp_path}/own.pem", "minimum_tls" = "1.3" }}' in shown
    by_environment = load(None, {"PASSBACKD_EGRESS__CAMPUSES": '{"example": {"minimum_tls": "1.3"}}'}, cwd=tmp_path)
    assert by_environment.egress.campuses["example"].minimum_tls == "1.3"


def test_a_campus_can_have_hosts_and_networks_of_its_own_beside_those_of_all(tmp_path):
    text = (
        '[egress]\nallow_networks = ["10.1.0.0/16"]\n[egress.campuses.example]\n'
        'allow_hosts = ["LMS.example.edu.", "10.2.0.1", "10.1.0.1", "127.0.0.1"]\nallow_networks = ["10.2.0.0/16"]\n'
    )
    egress = load(written(tmp_path, text), {}).egress
    assert egress.campuses["example"].allow_hosts[0] == "lms.example.edu"
    for host in ("lms.example.edu", "10.2.0.1", "10.1.0.1"):
        egress.policy.of("example").check_url(f"https://{host}/o")
    with pytest.raises(EgressRefused, match=r"egress\.campuses\.example\.allow_networks"):
        egress.policy.of("example").check_url("https://127.0.0.1/o")
    with pytest.raises(EgressRefused, match=r"egress\.campuses\.example\.allow_hosts"):
        egress.policy.of("example").check_url("https://elsewhere.example/o")
    egress.policy.of("another").check_url("https://10.1.0.1/o")
    with pytest.raises(EgressRefused, match=r"egress\.campuses\.KEY\.allow_networks"):
        egress.policy.of("another").check_url("https://10.2.0.1/o")
    shown, _ = effective(written(tmp_path, text), {})
    assert '"allow_networks" = ["10.2.0.0/16"]' in shown

"""What was found, as a line, as a document and as an exit code."""

import pytest

from daemon.check.findings import Finding, exit_code, fault, faults_of_config, ok, report, told, warning
from daemon.config import ConfigError, ConfigFault

WELL, DOUBTFUL, BROKEN = (
    ok("redis", "answers"),
    warning("redis.url", "it is full", "empty it"),
    fault("a.b", "no", "yes"),
)


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (WELL, "redis: answers"),
        (DOUBTFUL, "redis.url: it is full; empty it"),
        (
            fault("redis.stream", "the key holds a set", "name another", joint=": "),
            "redis.stream: the key holds a set: name another",
        ),
        (fault("egress.ca_file", "it is empty", ""), "egress.ca_file: it is empty"),
    ],
)
def test_a_finding_is_a_line_that_begins_with_its_key(finding, line):
    assert finding.line() == line


@pytest.mark.parametrize(
    ("message", "joint", "problem", "cure"),
    [
        (
            "database.url: the schema is outdated (it lacks x); run `migrate`",
            "; ",
            "the schema is outdated (it lacks x)",
            "run `migrate`",
        ),
        (
            'database.url is "embedded" and there is none: install it: now',
            ": ",
            'database.url is "embedded" and there is none',
            "install it: now",
        ),
        ("database.url: it is broken", "; ", "it is broken", ""),
    ],
)
def test_what_others_have_worded_keeps_its_words(message, joint, problem, cure):
    finding = told("database.url", message, joint=joint)
    assert (finding.severity, finding.problem, finding.cure) == ("fault", problem, cure)
    assert finding.line() == message


def test_a_document_holds_every_finding_and_whether_all_is_well():
    assert report([WELL, DOUBTFUL]) == {
        "ok": True,
        "findings": [
            {"severity": "ok", "about": "redis", "problem": "answers", "cure": ""},
            {"severity": "warning", "about": "redis.url", "problem": "it is full", "cure": "empty it"},
        ],
    }
    assert report([WELL, BROKEN])["ok"] is False


@pytest.mark.parametrize(
    ("servers", "campuses", "code"),
    [
        ([], [], 0),
        ([WELL, DOUBTFUL], [WELL, DOUBTFUL], 0),
        ([WELL], [BROKEN, WELL], 1),
        ([BROKEN], [WELL], 2),
        ([BROKEN], [BROKEN], 2),
    ],
)
def test_servers_weigh_more_than_campuses(servers, campuses, code):
    assert exit_code(servers, campuses) == code


def test_faults_of_the_configuration_name_key_and_source():
    error = ConfigError(
        [ConfigFault("web.port", "environment PASSBACKD_WEB__PORT", "should be a valid\n integer, not 'x'")]
    )
    assert faults_of_config(error) == [
        Finding(
            "fault", "web.port", "should be a valid integer, not 'x'", "correct it: environment PASSBACKD_WEB__PORT"
        )
    ]

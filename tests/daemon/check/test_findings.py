"""What was found, as a line, as a document and as an exit code."""

import pytest

from daemon.check.findings import Finding, exit_code, fault, faults_of_config, ok, report, warning
from daemon.config import ConfigError, ConfigFault

WELL, DOUBTFUL = ok("redis", "answers"), warning("redis.url", "it is full", "empty it")
BROKEN = fault("a.b", "no", "yes")


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (WELL, "redis: answers"),
        (DOUBTFUL, "redis.url: it is full; empty it"),
        (fault("redis.url", 'redis.url is "x"', "install it"), 'redis.url is "x"; install it'),
    ],
)
def test_a_finding_is_a_line_that_begins_with_its_key(finding, line):
    assert finding.line() == line


def test_a_document_holds_every_finding_and_whether_all_is_well():
    found = {"severity": "warning", "about": "redis.url", "problem": "it is full", "cure": "empty it"}
    assert report([DOUBTFUL]) == {"ok": True, "findings": [found]}
    assert not report([WELL, BROKEN])["ok"]


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
    cure = "correct it: environment PASSBACKD_WEB__PORT"
    assert faults_of_config(error) == [Finding("fault", "web.port", "should be a valid integer, not 'x'", cure)]

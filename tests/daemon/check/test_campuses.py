"""What is found at a campus that was probed."""

import pytest

from daemon.check.campuses import RENEW, campus_findings
from daemon.check.probe import OutOfReachError, ProbeResult

NAME = "Example University at https://lms.example.edu"
NOW, DAY = 1_790_000_000.0, 86_400
ANSWERS = "answers (HTTP 302) in 84 ms"
RENEWAL = "have the campus renew it: without a valid one nothing is sent there"
REFERENCE, NTP = "the database's, by which passbackd signs", "set the clock that is wrong, by NTP"


def probed(days=None, ahead=None):
    return ProbeResult(302, 0.084, None if days is None else NOW + days * DAY, ahead)


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        (probed(61, 0.4), [f"ok {ANSWERS}, its certificate is valid for 61 days, its clock agrees with ours"]),
        (probed(), [f"ok {ANSWERS}, it does not send the time"]),
        (probed(ahead=-3.2), [f"ok {ANSWERS}, its clock is 3 s behind ours"]),
        (
            ProbeResult(503, 0.084, None, 0.0),
            ["fault its server answers with HTTP 503: it, or its database, is in trouble; ask the campus"],
        ),
        (OutOfReachError("no connection (time-out)", "ask"), ["fault no connection (time-out); ask"]),
        (
            probed(2, -7500),
            [
                f"warning its certificate runs out in 2 days; {RENEWAL}",
                f"fault its clock is 2 h 5 min behind {REFERENCE}: it may refuse every grade; {NTP}",
            ],
        ),
    ],
)
def test_a_campus_that_is_well_is_one_line_and_each_trouble_has_its_own(found, lines):
    findings = campus_findings(NAME, found, now=NOW)
    assert [f"{one.severity} {one.line().removeprefix(f'{NAME}: ')}" for one in findings] == lines


@pytest.mark.parametrize(
    ("days", "ahead", "severity"),
    [
        (RENEW, 0, "ok"),
        (RENEW - 0.01, 0, "warning"),
        *[(None, sign * 29, "ok") for sign in (1, -1)],
        *[(None, sign * 30, "warning") for sign in (1, -1)],
        *[(None, sign * 299, "warning") for sign in (1, -1)],
        *[(None, sign * 300, "fault") for sign in (1, -1)],
    ],
)
def test_certificates_and_clocks_have_bounds(days, ahead, severity):
    (finding,) = campus_findings(NAME, probed(days, ahead), now=NOW)
    assert finding.severity == severity

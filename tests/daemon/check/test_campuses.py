"""What is judged of a campus that was probed."""

import pytest

from daemon.check.campuses import RENEW, judge
from daemon.check.probe import OutOfReachError, ProbeResult

NAME = "Example University at https://lms.example.edu"
NOW, DAY = 1_790_000_000.0, 86_400


def lines(found):
    return [(finding.severity, finding.line()) for finding in judge(NAME, found, now=NOW)]


def test_a_campus_that_is_well_is_one_line():
    found = ProbeResult(302, 0.084, NOW + 61 * DAY, 0.4)
    assert lines(found) == [
        (
            "ok",
            f"{NAME}: answers (HTTP 302) in 84 ms, its certificate is valid for 61 days, its clock agrees with ours",
        )
    ]


def test_a_campus_without_tls_that_does_not_send_the_time():
    assert lines(ProbeResult(200, 0.01)) == [
        ("ok", f"{NAME}: answers (HTTP 200) in 10 ms, it does not send the time"),
    ]


def test_a_campus_out_of_reach_is_a_fault_with_its_cure():
    assert lines(OutOfReachError("no connection (time-out)", "ask the campus")) == [
        ("fault", f"{NAME}: no connection (time-out); ask the campus")
    ]


@pytest.mark.parametrize(("days", "told"), [(RENEW, False), (RENEW - 0.01, True), (3, True)])
def test_a_certificate_that_runs_out_soon_is_worth_a_look(days, told):
    found = lines(ProbeResult(200, 0.01, NOW + days * DAY, 0.0))
    assert [severity for severity, _ in found] == (["warning"] if told else ["ok"])
    assert told == ("runs out in" in found[0][1])


@pytest.mark.parametrize(
    ("ahead", "severity"),
    [(29, "ok"), (-29, "ok"), (30, "warning"), (-30, "warning"), (299, "warning"), (300, "fault"), (-300, "fault")],
)
def test_a_clock_that_is_wrong_is_worth_a_look_and_beyond_five_minutes_a_fault(ahead, severity):
    assert [found for found, _ in lines(ProbeResult(200, 0.01, None, ahead))] == [severity]


def test_a_campus_can_have_two_troubles():
    found = lines(ProbeResult(200, 0.01, NOW + 2 * DAY, -7500))
    assert found == [
        (
            "warning",
            (
                f"{NAME}: its certificate runs out in 2 days; "
                "have the campus renew it: without a valid one nothing is sent there"
            ),
        ),
        (
            "fault",
            (
                f"{NAME}: its clock is 2 h 5 min behind the database's, by which passbackd signs: it may refuse every "
                "grade; set the clock that is wrong, by NTP"
            ),
        ),
    ]

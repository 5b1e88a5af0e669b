"""What the database knows of a campus, in words."""

from dataclasses import replace
from datetime import UTC

import pytest

from daemon.check.campus_state import LATE_MS, state_findings
from daemon.infra.text import past
from models.queries.campus_health import CampusHealth

NOW, HOUR = 1_790_000_000_000, 3_600_000
WELL = CampusHealth(
    consumer="Uni",
    consumer_key="uni key",
    protocol="lti-1.1",
    origin="https://lms.example.edu:443",
    state="up",
    failing=False,
    paused_at=None,
    tripped_at=None,
    last_error="HTTP 500: an old one",
    last_error_at=NOW - 9 * HOUR,
    dirty=0,
    due_since=None,
    last_success=NOW - HOUR,
    parked=0,
    parked_since=None,
    reasons=0,
    reason=None,
)
DOWN = {
    "state": "down",
    "failing": True,
    "tripped_at": NOW - 2 * HOUR,
    "last_error": "HTTP 401: Invalid signature",
    "last_error_at": NOW - HOUR,
    "dirty": 12,
}
PLATFORM = {"protocol": "lti-1.3"}
SINCE, AT = past(NOW - 2 * HOUR, UTC), past(NOW - HOUR, UTC)


def lines(**columns):
    found = state_findings(replace(WELL, **columns), now=NOW, zone=UTC)
    return [f"{one.severity} {one.line().removeprefix('Uni at https://lms.example.edu:443: ')}" for one in found]


def test_a_platform_that_gives_no_token_or_refuses_it_is_a_fault_without_a_word_of_secrets():
    (line,) = lines(**PLATFORM, **{**DOWN, "last_error": "no access token: HTTP 400: invalid_client: unknown"})
    assert line.startswith(
        f"fault down since {SINCE}: no access token: HTTP 400: invalid_client: unknown ({AT}); 12 grades wait; "
        "passbackd's operator has to act: `passbackd platform check 'uni key'` asks for one and says what to correct"
    )
    (refused,) = lines(**PLATFORM, **DOWN)
    assert "the platform gives access tokens, and refuses them for grades" in refused
    assert "secret" not in line + refused
    (first,) = lines(**PLATFORM, failing=True, last_error="no access token: HTTP 400: unknown", last_error_at=NOW)
    assert first.startswith("fault its last request failed: no access token: HTTP 400: unknown")


def test_a_token_server_that_is_away_is_looked_at_only_if_it_stays_away():
    (line,) = lines(**PLATFORM, failing=True, last_error="no access token: HTTP 500: no words", last_error_at=NOW)
    assert line.startswith("warning its last request failed: no access token: HTTP 500: no words")
    assert "if that stays, passbackd's operator has to act: `passbackd platform check 'uni key'`" in line


@pytest.mark.parametrize(("protocol", "group"), [("lti-1.1", "consumer"), ("lti-1.3", "platform")])
def test_a_paused_campus_is_resumed_by_the_command_of_its_kind(protocol, group):
    (line,) = lines(protocol=protocol, state="paused", paused_at=NOW)
    assert f"; `passbackd {group} resume 'uni key'` has its grades sent" in line


def test_a_campus_that_takes_grades_is_not_named_for_an_error_of_the_past():
    assert lines() == []


def test_a_refused_signature_is_a_fault_with_the_campuss_own_words_and_what_to_do():
    (line,) = lines(**DOWN)
    assert line == (
        f"fault down since {SINCE}: HTTP 401: Invalid signature ({AT}); 12 grades wait; as a rule the key or the "
        "secret does not fit: passbackd's operator has to compare the secret with the campus's, and change it "
        "(`passbackd consumer add Uni --key 'uni key' --secret-stdin --replace`)"
    )


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ("HTTP 200, failure: oauth signature mismatch", "compare the secret"),
        ("HTTP 401: timestamp refused", "or a clock is wrong"),
        ("the campus's certificate cannot be trusted: its authority is not known", "egress.ca_file"),
        ("the campus's certificate cannot be trusted: it has expired", "install one that is valid"),
        ("HTTP 302: it redirects to https://sso.example.edu", "a login page before it"),
        ("HTTP 404: no such page", "the campus's administrators have to find out why"),
        ("HTTP 503: sorry", "what waits goes out by itself once it answers"),
        ("no connection to the campus: refused", "what waits goes out by itself once it answers"),
        (None, "what waits goes out by itself once it answers"),
    ],
)
def test_each_cause_has_its_own_cure(said, cure):
    (line,) = lines(**DOWN | {"last_error": said})
    assert cure in line


@pytest.mark.parametrize(
    ("columns", "begins"),
    [
        (DOWN | {"state": "probing"}, f"fault down since {SINCE}: "),
        (
            DOWN | {"last_error": None, "last_error_at": None},
            f"fault down since {SINCE}: what it said last is not kept;",
        ),
        (
            DOWN | {"state": "up", "tripped_at": None},
            f"fault its last request failed: HTTP 401: Invalid signature ({AT});",
        ),
        (
            DOWN | {"state": "up", "tripped_at": None, "last_error": "HTTP 503: sorry"},
            "warning its last request failed: ",
        ),
        (
            {"state": "paused", "paused_at": NOW - 2 * HOUR, "dirty": 1},
            f"warning paused by the operator since {SINCE}: ",
        ),
        ({"state": "throttled"}, "ok it asked for fewer requests"),
        (
            {"due_since": NOW - 2 * HOUR, "dirty": 3},
            f"warning a grade is due there for 2 h, since {SINCE}; 3 grades wait",
        ),
    ],
)
def test_what_keeps_grades_from_a_campus_is_said_with_its_time(columns, begins):
    (line,) = lines(**columns)
    assert line.startswith(begins)


def test_a_grade_that_is_due_for_less_is_not_late():
    assert lines(due_since=NOW - LATE_MS, dirty=1) == []


def test_grades_that_are_parked_for_the_campuss_sake_are_a_fault_of_it():
    parked = {"parked": 3, "parked_since": NOW - 2 * HOUR, "reasons": 2, "reason": "HTTP 404: no such page"}
    (line,) = lines(**parked)
    assert line == (
        f"fault 3 grades parked for the campus's sake since {SINCE}: HTTP 404: no such page, and for 1 other reason; "
        "`passbackd parked --consumer 'uni key'` says why; then `passbackd resend --parked --consumer 'uni key'`"
    )
    assert [line.split()[0] for line in lines(**DOWN | parked)] == ["fault", "fault"]

"""What `reconcile` shows to people, at any width."""

import io
from collections import Counter

import pytest
from rich.console import Console

from daemon.cli.reconciled import MAX_IN_GROUP, MAX_MISMATCHES, show_reports
from daemon.support.report import CampusReport, Mismatch, why_kept
from models.queries.reconcile import Acknowledged

#: As long as ids get in life.
LEARNER, BLOCK = "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "block-v1:uni+cs101+2026+type@problem+block@0123456789abcdef"


def mismatch(number, finding="outdated", held="0.4", why="", *, marked=False, course="course-1"):
    grade = Acknowledged(number, 2, "0.5", 1, f"{LEARNER}-{number}", course, BLOCK)
    return Mismatch(grade, finding, held, why, marked)


def shown(*mismatches, width=80):
    counts = Counter(one.finding for one in mismatches)
    report = CampusReport("Uni", "https://lms.example.edu:443", Counter())
    report.counts |= counts
    report.mismatches.extend(mismatches)
    output = io.StringIO()
    show_reports([report], Console(file=output, width=width, highlight=False))
    return output.getvalue()


def in_one_piece(text):
    """Without what folding adds."""
    return "".join(text.split())


@pytest.mark.parametrize("width", [80, 250])
def test_nothing_is_cut_and_every_column_has_a_heading(width):
    text = shown(mismatch(1), width=width)
    for heading in ("assignment", "learner", "block", "acknowledged", "shown"):
        assert heading in text
    assert "\u2026" not in text
    # A folded cell goes on below, beside those of the other columns.
    assert all(piece in in_one_piece(text) for piece in ("0.5", "0.4", LEARNER[:8], BLOCK[:8]))
    assert in_one_piece("holds a grade that was sent earlier; --fix has it sent again") in in_one_piece(text)


def test_many_alike_are_one_group_with_their_number():
    text = shown(*(mismatch(n) for n in range(MAX_IN_GROUP + 30)), mismatch(999, course="course-2"), width=250)
    assert f"{MAX_IN_GROUP + 30} grades at Uni (https://lms.example.edu:443), course course-1: the campus holds" in text
    assert "and 30 more: --json lists all" in text
    assert "1 grade at Uni (https://lms.example.edu:443), course course-2" in text


def test_no_more_than_some_are_shown_of_all_groups_together():
    groups = MAX_MISMATCHES // MAX_IN_GROUP + 2
    text = shown(
        *(mismatch(n, course=f"course-{group}") for group in range(groups) for n in range(MAX_IN_GROUP)), width=250
    )
    assert text.count(LEARNER) == MAX_MISMATCHES
    assert text.count("the campus holds a grade that was sent earlier") == groups
    assert text.count(f"and {MAX_IN_GROUP} more") == 2


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (mismatch(1, marked=True), "marked: the daemon sends it again"),
        (mismatch(1, "modified", "0.95"), "changed there, or sent before the ledger begins; --overwrite has it sent"),
        (mismatch(1, "empty", ""), "holds no grade; --fix has it sent again"),
        (
            mismatch(1, "gone", None, "User not found"),
            "does not know the learner any more: nothing is to be done (User",
        ),
        (
            mismatch(1, "kept", "0.8", why_kept("0.5", "0.8")),
            "the campus took 0.5 and still shows 0.8: it keeps the best",
        ),
        (mismatch(1, "kept", "0.8", why_kept("0.5", "0.8")), "`passbackd resend --assignment ID --force`"),
        (mismatch(1, "unreadable", None, "HTTP 500: \x1b[31m"), "gives no grade back (HTTP 500: \\x1b[31m)"),
    ],
)
def test_each_finding_is_said_in_words_with_what_to_do(one, words):
    assert words in shown(one, width=250)


def test_grades_that_are_kept_for_like_reasons_are_one_group():
    text = shown(*(mismatch(n, "kept", f"0.{n}", why_kept("0.5", f"0.{n}")) for n in (6, 7, 8)), width=250)
    assert "3 grades at Uni" in text
    assert "shows another: it keeps the best, or a teacher's override; it is not sent again" in text
    assert "3 kept" in text

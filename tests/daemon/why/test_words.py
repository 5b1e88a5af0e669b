"""Times, durations and names, as people are told them."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from daemon.log import printable
from daemon.why.gather import gather
from daemon.why.names import campus, title
from daemon.why.show import show
from daemon.why.times import duration, past, upcoming, utc
from models.queries.grades import Asked, find
from tests.daemon.why.situations import two_campuses_and_two_blocks
from tests.daemon.why.story import NOW, TERMS, Story
from tests.models.rows import make_assignment, make_service

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (900_000, "15 minutes"),
        (60_000, "1 minute"),
        (3_600_000, "1 hour"),
        (7_200_000, "2 hours"),
        (5_400_000, "90 minutes"),
        (90_000, "90 seconds"),
        (1_000, "1 second"),
        (1_500, "1.5 seconds"),
        (0, "0 seconds"),
    ],
)
def test_a_duration_is_told_in_the_largest_unit_that_fits(ms, words):
    assert duration(ms) == words


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (0, "14:15 CET"),
        (1, "14:16 CET"),
        (60_000, "14:16 CET"),
        (60_001, "14:17 CET"),
        (9 * 3_600_000 + 45 * 60_000, "2026-03-03 00:00 CET"),
        (28 * 86_400_000, "2026-03-30 15:15 CEST"),
    ],
)
def test_what_is_to_come_is_never_told_too_early(later, words):
    assert upcoming(NOW + later, TERMS) == words


def test_what_has_been_is_told_with_its_date_and_zone():
    assert past(NOW + 59_999, BERLIN) == "2026-03-02 14:15 CET"
    assert past(NOW + 59_999, BERLIN, seconds=True) == "2026-03-02 14:15:59 CET"
    assert past(NOW, UTC) == "2026-03-02 13:15 UTC"
    assert past(NOW, None).startswith("2026-03-0")


def test_a_number_that_is_no_time_is_told_as_one():
    assert past(1 << 62, BERLIN) == upcoming(1 << 62, TERMS) == "a time beyond all calendars"
    assert utc(1 << 62) is None
    assert utc(None) is None
    assert utc(NOW) == "2026-03-02T13:15:00.000Z"


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("https://canvas.example.edu:443", "campus (canvas.example.edu)"),
        ("https://canvas.example.edu:8443", "campus (canvas.example.edu:8443)"),
        ("http://canvas.example.edu:80", "campus (canvas.example.edu)"),
        ("http://canvas.example.edu:443", "campus (canvas.example.edu:443)"),
        ("https://[2001:db8::1]:443", "campus ([2001:db8::1])"),
    ],
)
async def test_a_campus_is_named_with_its_host_and_a_port_that_is_not_the_usual_one(empty_database, origin, name):
    await make_assignment(await make_service(), user_id="a")
    (row,) = await find(Asked("a"), now=NOW)
    assert campus(replace(row, origin=origin)) == name


async def test_an_activity_is_named_by_what_the_launch_called_it_or_else_by_ids(empty_database):
    await make_assignment(user_id="a", course_key="c", usage_key="u")
    (row,) = await find(Asked("a"), now=NOW)
    assert title(row) == "c: u"
    assert title(replace(row, context_title="Physics")) == "Physics: u"
    assert title(replace(row, context_title="", resource_link_title="Quiz")) == "c: Quiz"


def test_words_that_could_forge_a_line_or_steer_a_terminal_are_shown_as_escapes():
    assert printable("a\x1b[2Jb\nc\u202ed\x9be") == "a\\x1b[2Jb\\nc\\u202ed\\x9be"
    assert printable("Universität [bold] 東京") == "Universität [bold] 東京"


async def test_on_a_terminal_it_is_folded_and_in_a_pipe_a_paragraph_is_a_line(empty_database):
    answer = await gather(await two_campuses_and_two_blocks(Story()), now=NOW)
    widths = {}
    for is_terminal in (True, False):
        screen = io.StringIO()
        show(answer, TERMS, Console(file=screen, width=80, force_terminal=is_terminal, highlight=False))
        text = screen.getvalue()
        assert ("\x1b[1m" in text) is is_terminal, "titles are bold on a terminal alone"
        widths[is_terminal] = max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in text.splitlines())
    assert widths[True] <= 80 < widths[False]

"""Times, durations and names, as people see them."""

import io
import re
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from daemon.infra.log import printable
from daemon.why.gather import gather
from daemon.why.known import campus_name, title
from daemon.why.show import print_answer
from models.queries.grades import Query, find_grades
from tests.daemon.why.situations.sent_or_gone import two_campuses_and_two_blocks
from tests.daemon.why.story import NOW, TERMS, Story
from tests.models.rows import make_assignment, make_service

BERLIN = ZoneInfo("Europe/Berlin")


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
    (row,) = await find_grades(Query("a"), now=NOW)
    assert campus_name(replace(row, origin=origin)) == name


async def test_an_activity_is_named_by_what_the_launch_called_it_or_else_by_ids(empty_database):
    await make_assignment(user_id="a", course_id="c", usage_id="u")
    (row,) = await find_grades(Query("a"), now=NOW)
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
        print_answer(answer, TERMS, Console(file=screen, width=80, force_terminal=is_terminal, highlight=False))
        text = screen.getvalue()
        assert ("\x1b[1m" in text) is is_terminal, "titles are bold on a terminal alone"
        widths[is_terminal] = max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in text.splitlines())
    assert widths[True] <= 80 < widths[False]

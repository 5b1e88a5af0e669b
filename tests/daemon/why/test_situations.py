"""What is answered in every situation, word for word: the text that people see, and the JSON; and how it is shown."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from daemon.why.document import document
from daemon.why.gather import gather
from daemon.why.known import campus_name
from daemon.why.show import print_answer
from models.queries.grades import Query, find_grades
from models.stream_position import read_position
from tests.daemon.why.situations import SITUATIONS
from tests.daemon.why.story import NOW, SECRET, TERMS, Story
from tests.models.rows import make_assignment, make_service

ANSWERS = Path(__file__).parent / "answers"
#: What lies between the text and the JSON of an answer.
SEAM = "\n--- JSON ---\n"

CONTRACT = (
    "assignment_id", "user_id", "course_id", "usage_id", "consumer", "kind", "protocol", "state", "version_number",
    "sent_version", "score", "sent_score", "sent_at", "due_at", "reason", "deliveries",
)  # fmt: skip
LINE = ("at", "attempt", "version", "score", "result", "http_status", "code_major", "description", "duration_ms")


def numbered(text: str) -> str:
    """The ids of assignments counted from 1: the databases of a run go on counting."""
    ids = re.compile(r'(assignment (?:_id": )?|"assignment_id": )(\d+)')
    order = sorted({int(match[2]) for match in ids.finditer(text)})
    return ids.sub(lambda match: f"{match[1]}{order.index(int(match[2])) + 1}", text)


async def answer_to(name: str) -> str:
    await read_position()
    asked = await SITUATIONS[name](Story())
    answer = await gather(asked, now=NOW)
    screen = io.StringIO()
    print_answer(answer, TERMS, Console(file=screen, width=250))
    objects = document(answer, TERMS)
    for one in objects:
        assert tuple(one)[: len(CONTRACT)] == CONTRACT
        assert all(tuple(line)[: len(LINE)] == LINE for line in one["deliveries"])
    text = "\n".join(line.rstrip() for line in screen.getvalue().splitlines())
    return numbered(text + SEAM + json.dumps(objects, indent=1) + "\n")


@pytest.mark.parametrize("name", SITUATIONS)
async def test_the_answer_is_word_for_word(empty_database, name):
    answer = await answer_to(name)
    assert answer == (ANSWERS / f"{name}.txt").read_text()
    assert SECRET not in answer
    assert "\x1b" not in answer


def test_every_answer_has_its_situation():
    assert {path.stem for path in ANSWERS.iterdir()} == set(SITUATIONS)


# --- Names and widths ---


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


async def test_on_a_terminal_it_is_folded_and_in_a_pipe_a_paragraph_is_a_line(empty_database):
    answer = await gather(await SITUATIONS["two_campuses_and_two_blocks"](Story()), now=NOW)
    widths = {}
    for is_terminal in (True, False):
        screen = io.StringIO()
        print_answer(answer, TERMS, Console(file=screen, width=80, force_terminal=is_terminal, highlight=False))
        text = screen.getvalue()
        assert ("\x1b[1m" in text) is is_terminal, "titles are bold on a terminal alone"
        widths[is_terminal] = max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in text.splitlines())
    assert widths[True] <= 80 < widths[False]

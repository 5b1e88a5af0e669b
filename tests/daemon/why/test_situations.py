"""What is answered in every situation, word for word: the text that people see, and the JSON."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from daemon.why.document import document
from daemon.why.gather import gather
from daemon.why.show import print_answer
from models.stream_position import read_position
from tests.daemon.why.situations import SITUATIONS
from tests.daemon.why.story import NOW, TERMS, Story

ANSWERS = Path(__file__).parent / "answers"
#: What lies between the text and the JSON of an answer.
SEAM = "\n--- JSON ---\n"

CONTRACT = (
    "assignment_id", "user_id", "course_id", "usage_id", "consumer", "kind", "state", "version_number", "sent_version",
    "score", "sent_score", "sent_at", "due_at", "reason", "deliveries",
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
    assert "secret" not in answer
    assert "\x1b" not in answer


def test_every_answer_has_its_situation():
    assert {path.stem for path in ANSWERS.iterdir()} == set(SITUATIONS)

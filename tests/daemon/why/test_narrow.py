"""On a terminal of 80 columns everything can be read, and what is wrong is red."""

import io
import re

import pytest
from rich.console import Console

from daemon.why.gather import gather
from daemon.why.known import Explanation
from daemon.why.show import print_answer
from models.stream_position import read_position
from tests.daemon.why.situations import SITUATIONS
from tests.daemon.why.story import NOW, TERMS, Story

RED = "\x1b[1;31m"

pytestmark = pytest.mark.usefixtures("empty_database")


async def answer_to(name: str) -> Explanation:
    await read_position()
    return await gather(await SITUATIONS[name](Story()), now=NOW)


def screen_of(answer: Explanation, *, width: int = 80, terminal: bool = True) -> str:
    screen = io.StringIO()
    colours = "standard" if terminal else None
    print_answer(answer, TERMS, Console(file=screen, width=width, force_terminal=terminal, color_system=colours))
    return screen.getvalue()


def words(text: str) -> set[str]:
    """Without colours, and without what only separates columns."""
    return {word.strip(",") for word in re.sub(r"\x1b\[[\d;]*m", "", text).split()}


@pytest.mark.parametrize(
    "name",
    [
        "put_off_since_the_campus_refuses_everything",
        "a_unit_of_eight_points_with_its_parts",
        "events_that_came_too_late_or_could_not_be_applied",
    ],
)
async def test_no_word_is_cut_at_80_columns(name):
    answer = await answer_to(name)
    narrow = screen_of(answer)
    assert max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in narrow.splitlines()) <= 80
    assert words(screen_of(answer, width=1_000, terminal=False)) <= words(narrow)


@pytest.mark.parametrize(
    ("name", "red"),
    [
        ("parked_for_the_course", "parked"),
        ("campus_refuses_our_signature", "due"),
        ("campus_down", "due"),
        ("due_now", "due"),
        ("due_for_some_minutes", None),
        ("waiting_for_the_debounce", None),
        ("sent", None),
        ("registered_a_moment_ago_with_nothing_attempted", None),
    ],
)
async def test_what_is_parked_down_or_overdue_is_red_on_a_terminal(name, red):
    text = screen_of(await answer_to(name))
    assert (f"{RED}{red}" in text) if red else (RED not in text)


async def test_nothing_is_coloured_in_a_pipe():
    assert "\x1b" not in screen_of(await answer_to("parked_for_the_course"), terminal=False)

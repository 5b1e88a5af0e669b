"""Tables on terminals of any width, and in pipes."""

import io
import re

import pytest
from rich.console import Console

from daemon.cli.screen import PIPE_WIDTH, cell, table
from daemon.infra.text import ALARM

#: What a terminal gets for colours.
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
HEADINGS = ("id", "campus", "state", "reason")
SHORT = [(7, "Example", "parked", "it has ended"), (8, "Sample", "up", None)]
LONG = [(7, "University of Example", "misconfigured", "the campus refuses the signature of every request " * 3)]


def printed(rows, *, width, terminal=True):
    screen = Console(file=io.StringIO(), width=width, highlight=False, force_terminal=terminal, _environ={})
    screen.print(table(HEADINGS, rows, numbers=("id",)))
    return [line.rstrip() for line in COLOURS.sub("", screen.file.getvalue()).splitlines()]


def test_what_fits_is_a_table_also_on_a_narrow_terminal():
    assert printed(SHORT, width=60) == [
        " id  campus   state   reason",
        "  7  Example  parked  it has ended",
        "  8  Sample   up",
    ]


def test_what_does_not_fit_on_a_narrow_terminal_is_a_block_a_row_without_what_is_empty():
    assert printed(SHORT, width=24) == [
        "id      7",
        "campus  Example",
        "state   parked",
        "reason  it has ended",
        "",
        "id      8",
        "campus  Sample",
        "state   up",
        "",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 99, 100, 120, 200])
def test_no_row_is_wider_than_the_terminal_and_no_word_is_cut(width):
    lines = printed(LONG, width=width)
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    assert {"misconfigured", "University", "signature", "request"} <= set(words)
    assert ("reason" in lines[0]) == (width >= 100), "on a wide terminal the last column is folded"


def test_in_a_pipe_a_table_stays_one():
    assert printed(LONG, width=PIPE_WIDTH, terminal=False)[0].split() == list(HEADINGS)


def test_an_alarm_is_red_on_a_terminal_alone_and_text_cannot_steer_it():
    for terminal in (True, False):
        screen = Console(file=io.StringIO(), width=80, force_terminal=terminal, _environ={})
        screen.print(table(("state",), [(cell("down \x1b[2J", alarms=True),)]))
        shown = screen.file.getvalue()
        assert ("\x1b[1;31mdown \\x1b[2J" in shown) is terminal
        assert "\x1b[2J" not in shown
    assert ALARM == "bold red"

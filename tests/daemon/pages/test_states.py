"""The states of assignments on the pages, in the words of the documents."""

import re
from pathlib import Path

import pytest

from daemon.pages.states import STATE_MEANINGS
from models.states import STATES

ROW = re.compile(r"^\| (\w+) \| (.+) \|$", re.MULTILINE)


def test_every_state_has_a_meaning():
    assert tuple(STATE_MEANINGS) == STATES


@pytest.mark.parametrize("state", STATES)
def test_a_state_means_what_the_documents_say(state):
    page = (Path(__file__).parents[3] / "docs/operate.md").read_text()
    _, _, section = page.partition("## States of an assignment\n")
    assert dict(ROW.findall(section.partition("\n## ")[0]))[state] == STATE_MEANINGS[state]


async def test_the_overview_says_what_the_states_mean(ben):
    await ben.get("/")
    assert {row["state"]: row["what it means"] for row in ben.table("Assignments")} == STATE_MEANINGS

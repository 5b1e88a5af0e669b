"""The table of answers in the page for a help desk."""

import json
import re
from pathlib import Path

import pytest

from tests.daemon.why.test_situations import ANSWERS, SEAM

PAGE = Path("docs/support.md").read_text()
_ROWS = PAGE.partition("| it begins with |")[2].partition("\n\n")[0].splitlines()[2:]
BEGINNINGS = [
    beginning for row in _ROWS for beginning in row.split("|")[1].strip().split(" / ") if "Asked now" not in beginning
]


@pytest.fixture(scope="module")
def reasons():
    texts = [path.read_text().partition(SEAM)[2] for path in ANSWERS.iterdir()]
    return [one["reason"] for text in texts for one in json.loads(text)]


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_an_answer_begins_as_the_table_says(reasons, beginning):
    pattern = re.compile(".*".join(re.escape(part.strip()) for part in beginning.split("...")))
    assert any(pattern.match(reason) for reason in reasons)


def test_each_answer_begins_as_a_row_of_the_table_says(reasons):
    first_words = {re.split(r"\W", beginning)[0] for beginning in BEGINNINGS}
    assert {re.split(r"\W", reason)[0] for reason in reasons} <= first_words

"""In every situation the pages say what ``why`` says, word for word."""

import pytest

from daemon.infra.text import past
from daemon.why.advice import PEOPLE
from daemon.why.document import document
from daemon.why.gather import gather
from daemon.why.known import Terms
from daemon.why.points import score_words
from models.queries.grades import Query
from tests.daemon.pages.conftest import one_line
from tests.daemon.why.situations import SITUATIONS
from tests.daemon.why.story import DEBOUNCE, NOW, SECRET, TERMS, Story


def looked_for(asked):
    """What a support person enters, and as what it is taken."""
    kinds = {"learner": asked.user_id, "lti_user": asked.lti_user_id, "sourcedid": asked.sourcedid}
    kind, word = next((kind, word) for kind, word in kinds.items() if word is not None)
    return {"q": word, "as": kind}


@pytest.mark.parametrize("name", SITUATIONS)
async def test_the_search_says_what_why_says(anna, name):
    asked = await SITUATIONS[name](Story())
    status, _ = await anna.get("/learners", params=looked_for(asked))
    assert status == 200
    whole = Query(asked.user_id, None, None, asked.lti_user_id, asked.sourcedid)
    objects = document(await gather(whole, now=NOW), Terms(NOW, DEBOUNCE, TERMS.zone, 80))
    shown = anna.words
    for one in objects:
        assert one_line(one["reason"]) in shown, name
        assert f"Who has to act: {PEOPLE[one['who_acts']]}." in shown
        assert one["state"] in shown
    assert SECRET not in shown


@pytest.mark.parametrize("name", SITUATIONS)
async def test_the_page_of_an_assignment_has_its_whole_ledger(ben, name):
    asked = await SITUATIONS[name](Story())
    answer = await gather(asked, now=NOW)
    for known in answer.known:
        status, _ = await ben.get(f"/assignments/{known.row.id}")
        assert status == 200
        if not known.lines:
            assert "Nothing was sent yet." in ben.words
            continue
        rows = ben.table("Attempts, the newest first")
        assert [row["when"] for row in rows] == [past(line.at, TERMS.zone, seconds=True) for line in known.lines]
        assert [row["result"] for row in rows] == [line.result for line in known.lines]
        assert [row["what came of it"] for row in rows] == [one_line(line.description) for line in known.lines]
        assert [row["score"].removesuffix(" (cut)") for row in rows] == [
            score_words(line.score) or "" for line in known.lines
        ]

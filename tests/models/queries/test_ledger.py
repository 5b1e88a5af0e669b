"""The delivery records that support reads: the newest of each assignment, by its index."""

import pytest

from models.assignment import GradedAssignment
from models.delivery import Delivery
from models.queries import ledger as lookup
from models.queries.grades import Query, find_grades
from models.queries.ledger import MAX_LINES, ledgers, lines_of_sent
from tests.models.plans import plan
from tests.models.rows import make_assignment

NOW = 1_000_000

pytestmark = pytest.mark.usefixtures("empty_database")


async def line(assignment_id, token, *, at=NOW, result="accepted", **columns):
    values = {"attempt": 1, "version": 1, "score": "0.5", **columns}
    await Delivery.create(assignment_id=assignment_id, claim_token=token, at=at, result=result, **values)


async def test_the_newest_of_each_are_read_and_whether_there_are_more():
    one, other, none = [await make_assignment() for _ in range(3)]
    await line(other, 1, at=NOW + 1_000)
    for number in range(MAX_LINES):
        await line(one, number, at=NOW + number, result="retried")
    found = await ledgers([one, other, none])
    assert ([line.at - NOW for line in found[one][0]], found[one][1]) == ([*reversed(range(MAX_LINES))], False)
    assert ([line.at - NOW for line in found[other][0]], found[none]) == ([1_000], ((), False))
    # Written last, of an attempt that began first: a lost one that was rescued.
    await line(one, MAX_LINES, at=NOW - 1, result="unknown")
    again = await ledgers([one])
    assert again[one] == (found[one][0], True)


async def test_those_of_an_earlier_learner_are_left_out():
    one = await make_assignment(learner_version=5)
    await line(one, 1, version=4)
    await line(one, 2, version=5)
    ((lines, _),) = (await ledgers([one])).values()
    assert [one.version for one in lines] == [5]


async def test_the_line_of_what_was_sent_is_found_behind_any_number_of_others():
    sent = {"sent_version": 3, "sent_score": "0.5", "sent_at": NOW}
    one, other = await make_assignment(user_id="a", **sent), await make_assignment(user_id="a", **sent)
    await line(one, 1, version=1)
    await line(one, 2, version=2, score="0.25", clamped=True)
    await line(one, 3, version=3, result="refused")
    await line(other, 1, version=4)
    for number in range(MAX_LINES):
        await line(one, 4 + number, version=4, at=NOW + 1)
    found = await lines_of_sent(await find_grades(Query("a"), now=NOW))
    assert found.keys() == {one}
    assert (found[one].score, found[one].clamped, found[one].result) == ("0.25", True, "accepted")
    await GradedAssignment.all().update(sent_at=None)
    assert await lines_of_sent(await find_grades(Query("a"), now=NOW)) == {}, "it was never sent"


@pytest.mark.parametrize(
    ("statement", "given"), [(lookup._LINES, {"id": 1}), (lookup._SENT, {"id": 1, "sent_version": 1})]
)
async def test_they_are_read_by_their_assignment(statement, given):
    """By the index on time, or by id, PostgreSQL would read those of all others."""
    steps = await plan(statement, given=[given], most=3)
    assert "Index Cond: (assignment_id = " in steps or "(assignment_id=?)" in steps, steps

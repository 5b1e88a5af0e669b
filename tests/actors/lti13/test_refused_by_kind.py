"""Learners, columns and courses that a platform refuses: the words of each product, the row, its ledger, and `why`."""

import pytest

from tests.actors.lti13.test_rules import COURSE, DOUBT, LEARNER, PASSING, REFUSED
from tests.actors.sending import on_one_engine
from tests.actors.sending13 import over_lti13
from tests.fakes.platform_kinds import KINDS, kinds
from tests.models.rows import read_lines, read_row

pytestmark = on_one_engine

#: Kind, what is wrong, the status that it answers, and what becomes of the grade.
ROWS = [
    ("default", "learner", 422, LEARNER),
    ("default", "enrolled", 403, LEARNER),
    ("default", "line item", 404, COURSE),
    ("default", "other line item", 412, COURSE),
    ("default", "context", 403, COURSE),
    ("default", "course", 422, COURSE),
    ("default", "unpublished", 422, PASSING),
    ("canvas", "learner", 422, LEARNER),
    ("canvas", "line item", 404, COURSE),
    ("canvas", "other line item", 412, COURSE),
    ("canvas", "course", 422, COURSE),
    ("canvas", "unpublished", 422, PASSING),
    ("moodle", "learner", 400, LEARNER),
    ("moodle", "line item", 404, COURSE),
    ("openedx", "learner", 500, DOUBT),
    ("openedx", "line item", 404, COURSE),
    ("aplus", "learner", 500, DOUBT),
    ("aplus", "line item", 403, COURSE),
    ("aplus", "context", 403, COURSE),
    ("sakai", "learner", 400, LEARNER),
    ("sakai", "line item", 404, COURSE),
    ("d2l", "learner", 404, LEARNER),
    ("d2l", "enrolled", 403, LEARNER),
    ("d2l", "line item", 404, COURSE),
    ("blackboard", "learner", 400, LEARNER),
    ("blackboard", "line item", 404, COURSE),
]


@pytest.mark.parametrize(("kind", "wrong", "status", "becomes"), kinds(*ROWS))
async def test_what_a_product_refuses_is_classified_recorded_and_explained(
    empty_database, key, kind, wrong, status, becomes
):
    result, state, scope, sentence, who = becomes
    async with over_lti13(key, KINDS[kind]()) as over:
        leaf = await over.make_grade()
        over.platform.service.refused_learners["sub-learner"] = wrong
        await over.send_all()
        (line,) = await read_lines(leaf)
        assert (line["result"], line["http_status"]) == (result, status)
        assert ((await read_row(leaf))["parked_scope"], over.held()) == (scope, None)
        words = [sentence, line["description"], *[REFUSED] * (result == "refused")]
        await over.check_why(state, *words, who=who)
        # Another learner's grade goes out: one refusal stops no campus.
        await over.make_grade(learner="other")
        over.sending.tick(1)
        await over.send_all()
        assert over.held("other") == "0.25"

"""Each kind of wrong request gets an answer that names line and field, and leaves nothing on the stream."""

import pytest

from tests.daemon.http_intake.malformed import CHANGED, TOKEN, send, wrong_requests

WRONG = list(wrong_requests())


@pytest.fixture
def intake(intake):
    intake.tokens = [type(intake.tokens[0])(TOKEN)]
    return intake


def test_there_are_sixty_kinds():
    assert len(WRONG) == len(CHANGED) + 1 == 60


async def test_each_is_refused_with_line_and_field_and_nothing_is_taken(post, entries):
    for wrong in WRONG:
        await send(post.session, wrong)
    assert await entries() == []
